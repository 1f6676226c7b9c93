// What the server and its presets say in English alone, in German: reasons that no number stands for, and
// titles of traits. Each is found by its text.

const texts: Record<string, string> = {
  // Reasons
  "A code was tried too often. Please ask for another one.": "Ein Code wurde zu oft versucht. Bitte fordern Sie einen neuen an.",
  "This code was used already. Please ask for another one.": "Dieser Code wurde schon benutzt. Bitte fordern Sie einen neuen an.",
  "This code was tried too often. Please begin again.": "Dieser Code wurde zu oft versucht. Bitte beginnen Sie noch einmal von vorn.",
  "This form was submitted twice at the same moment. Please try again.": "Dieses Formular wurde zweimal zugleich abgeschickt. Bitte versuchen Sie es noch einmal.",
  "Nothing was submitted. Please fill in the form.": "Es wurde nichts abgeschickt. Bitte füllen Sie das Formular aus.",
  "What this account looks like is not configured any more.": "Wie dieses Konto aussieht, ist nicht mehr eingestellt.",
  "This is none of the addresses to choose from.": "Diese Adresse steht nicht zur Wahl.",
  "Mails cannot be sent here at present.": "Zurzeit können von hier keine E-Mails verschickt werden.",
  "Text messages cannot be sent here at present.": "Zurzeit können von hier keine SMS verschickt werden.",
  "The requested return URL is not allowed any more.": "Die Adresse, zu der es danach gehen sollte, ist nicht mehr erlaubt.",
  "This account was changed at the same moment. Please try again.": "Dieses Konto wurde im selben Moment geändert. Bitte versuchen Sie es noch einmal.",
  "Your change was not kept. Please make it again.": "Ihre Änderung wurde nicht aufgehoben. Bitte nehmen Sie sie noch einmal vor.",
  "A session was found already; there is nothing to sign in to.": "Sie sind bereits angemeldet.",
  "Whether this password is known to attackers cannot be checked now.": "Ob dieses Passwort bei Angreifern bekannt ist, lässt sich gerade nicht prüfen.",
  // Titles
  "Email": "E-Mail-Adresse",
  "Name": "Name",
  "First name": "Vorname",
  "Last name": "Nachname",
  "Newsletter": "Newsletter",
  "Display name": "Anzeigename",
  "Phone number": "Telefonnummer",
  "Username": "Benutzername",
}

/** In German, where we know it. */
export function german(text: string): string {
  return texts[text] ?? text.replace(/^There were too many tries\. Please wait (\d+) (minute|second)s before the next one\.$/, tooMany)
}

function tooMany(_: string, count: string, unit: string): string {
  const one = unit === "minute" ? "Minute" : "Sekunde"
  return `Das waren zu viele Versuche. Bitte warten Sie ${count} ${one}${count === "1" ? "" : "n"} bis zum nächsten.`
}
