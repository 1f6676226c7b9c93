// The German that the library does not have: of messages that share an id, by the server's name for the reason,
// and of titles of traits in its presets. The library translates every other message by its id.

/** What a message says besides its text. */
export type Context = { reason?: string; title?: string; insula_reason?: string; insula_wait_seconds?: number }

type Text = string | ((context: Context) => string)

/** By `insula_reason`; a test of the server's compares the names with its own. One line each. */
const reasons: Record<string, Text> = {
  nothing_submitted: "Es wurde nichts abgeschickt. Bitte füllen Sie das Formular aus.",
  origin_in_api_flow: "Dieser Vorgang wurde für eine App begonnen, aber die Anfrage kommt von einem Browser (Origin).",
  cookies_in_api_flow: "Dieser Vorgang wurde für eine App begonnen, aber die Anfrage kommt von einem Browser (Cookies).",
  return_to_not_allowed: "Die Adresse, zu der es danach gehen sollte, ist nicht mehr erlaubt.",
  submitted_twice: "Das wurde zweimal abgeschickt; beim ersten Mal hat es geklappt.",
  too_much_typed: "In diesem Formular steht zu viel Text, um ihn für den nächsten Schritt zu behalten. Bitte kürzen Sie ihn.",
  payload_too_long: "Das ist zu lang.",
  code_used: "Dieser Code wurde schon benutzt. Bitte fordern Sie einen neuen an.",
  code_tried_too_often: "Ein Code wurde zu oft versucht. Bitte fordern Sie einen neuen an.",
  flow_tried_too_often: "Dieser Code wurde zu oft versucht. Bitte beginnen Sie noch einmal von vorn.",
  address_not_offered: "Diese Adresse steht nicht zur Wahl.",
  mails_unavailable: "Zurzeit können von hier keine E-Mails verschickt werden.",
  text_messages_unavailable: "Zurzeit können von hier keine SMS verschickt werden.",
  signed_in_already: "Sie sind bereits angemeldet.",
  expired_while_signed_in: "Das hat zu lange gedauert. Sie sind bereits angemeldet.",
  change_not_kept: "Ihre Änderung wurde nicht aufgehoben. Bitte nehmen Sie sie noch einmal vor.",
  schema_gone: "Wie dieses Konto aussieht, ist nicht mehr eingestellt.",
  too_many_tries: ({ insula_wait_seconds }) => `Das waren zu viele Versuche. Bitte warten Sie ${wait(insula_wait_seconds ?? 1)} bis zum nächsten.`,
  account_changed: "Dieses Konto wurde im selben Moment geändert. Bitte noch einmal versuchen.",
  schema_violation: ({ reason }) => `Das ist hier nicht zulässig (${reason}).`,
  unreadable_body: ({ reason }) => `Was abgeschickt wurde, ließ sich nicht lesen (${reason}).`,
  password_unchecked: "Ob dieses Passwort bei Angreifern bekannt ist, lässt sich gerade nicht prüfen.",
}

/** By the title in the schema, which is all that a title has. */
const titles: Record<string, string> = {
  "Email": "E-Mail-Adresse",
  "Name": "Name",
  "First name": "Vorname",
  "Last name": "Nachname",
  "Newsletter": "Newsletter",
  "Display name": "Anzeigename",
  "Phone number": "Telefonnummer",
  "Username": "Benutzername",
}

/** What a message that shares its id says; nothing when no reason of ours is given. */
export function germanReason(context: Context): string | undefined {
  const text = reasons[context.insula_reason ?? ""]
  return typeof text === "function" ? text(context) : text
}

/** A title of a preset; one of the project's own stays as it is. */
export const germanTitle = (title: string) => titles[title] ?? title

/** As the server rounds it. */
function wait(seconds: number): string {
  const [count, unit] = seconds > 90 ? [Math.ceil(seconds / 60), "Minute"] : [seconds, "Sekunde"]
  return `${count} ${unit}${count === 1 ? "" : "n"}`
}
