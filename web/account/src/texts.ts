// What these pages say besides what the library says.
import { germanReason, germanTitle, type Context } from "./german"

const en = {
  titles: {
    login: "Sign in",
    registration: "Sign up",
    recovery: "Recover account",
    verification: "Verify address",
    settings: "Settings",
    error: "Error",
    session: "Account",
  } as Record<string, string>,
  failed: "That did not work. Please try again in a moment.",
  tooMany: "Too many attempts. Please wait a moment and try again.",
  broken: "Something went wrong",
  again: "Try again",
  noCookies: "Cookies are needed",
  noCookiesWhy: "Your browser does not keep this site's cookies, and without them nobody can sign in. Please allow them and try again.",
  offWhy: "This project has not enabled this page.",
  refusedWhy: "Something in the request was not as it has to be. Please start again.",
  report: "When you report this, please say:",
  time: "Time",
  unknownError: "There is nothing more to say about it. Please start again.",
  toSignIn: "To sign-in",
  toAccount: "To your account",
  signedIn: "You are signed in",
  signOut: "Sign out",
  back: "Back",
  since: "Signed in on",
  until: "Valid until",
  by: "Signed in with",
  yes: "yes",
  no: "no",
  verified: "Your address is confirmed",
  verifiedGoOn: "There is nothing more to do here.",
  openLink: "Open the link in the message, or have another one sent.",
  recoverByLink: "Enter the address of your account. A link that leads back into it is sent there.",
  data: "Your data",
  dataWhat: "Everything that is stored about you here, as a file.",
  download: "Download my data",
  deletion: "Delete account",
  deletionWhat: "Your account goes with everything in it, at once and for ever.",
  confirmBy: (expected: string) => `To delete it, type ${expected}`,
  notConfirmed: "That is not what has to be typed. Nothing was deleted.",
  deleteAccount: "Delete my account",
  deleted: "Your account is deleted",
  deletedAll: "Everything in it is gone, and you are signed out.",
  close: "Close",
  showPassword: "Show password",
  hidePassword: "Hide password",
  methods: {
    password: "password",
    oidc: "another provider",
    code: "code",
    passkey: "passkey",
    webauthn: "security key",
    totp: "authenticator app",
    lookup_secret: "backup code",
    link_recovery: "recovery link",
    code_recovery: "recovery code",
  } as Record<string, string>,
}

const de: typeof en = {
  titles: {
    login: "Anmelden",
    registration: "Registrieren",
    recovery: "Konto wiederherstellen",
    verification: "Adresse bestätigen",
    settings: "Einstellungen",
    error: "Fehler",
    session: "Konto",
  },
  failed: "Das hat nicht geklappt. Bitte versuchen Sie es gleich noch einmal.",
  tooMany: "Zu viele Versuche. Bitte warten Sie einen Moment und versuchen Sie es dann noch einmal.",
  broken: "Etwas ist schiefgegangen",
  again: "Noch einmal versuchen",
  noCookies: "Cookies werden gebraucht",
  noCookiesWhy: "Ihr Browser behält die Cookies dieser Seite nicht, und ohne sie kann sich niemand anmelden. Bitte lassen Sie sie zu und versuchen Sie es noch einmal.",
  offWhy: "Dieses Projekt hat diese Seite nicht eingeschaltet.",
  refusedWhy: "An der Anfrage war etwas nicht so, wie es sein muss. Bitte beginnen Sie noch einmal von vorn.",
  report: "Wenn Sie das melden, geben Sie bitte an:",
  time: "Zeit",
  unknownError: "Mehr ist darüber nicht bekannt. Bitte beginnen Sie noch einmal von vorn.",
  toSignIn: "Zur Anmeldung",
  toAccount: "Zu Ihrem Konto",
  signedIn: "Sie sind angemeldet",
  signOut: "Abmelden",
  back: "Zurück",
  since: "Angemeldet am",
  until: "Gültig bis",
  by: "Angemeldet mit",
  yes: "ja",
  no: "nein",
  verified: "Ihre Adresse ist bestätigt",
  verifiedGoOn: "Hier ist nichts weiter zu tun.",
  openLink: "Öffnen Sie den Link in der Nachricht, oder lassen Sie sich einen neuen schicken.",
  recoverByLink: "Geben Sie die Adresse Ihres Kontos ein. Dorthin wird ein Link geschickt, der in Ihr Konto zurückführt.",
  data: "Ihre Daten",
  dataWhat: "Alles, was hier über Sie gespeichert ist, als Datei.",
  download: "Meine Daten herunterladen",
  deletion: "Konto löschen",
  deletionWhat: "Ihr Konto verschwindet mit allem, was dazugehört, sofort und für immer.",
  confirmBy: (expected: string) => `Um es zu löschen, geben Sie ${expected} ein`,
  notConfirmed: "Das ist nicht, was einzugeben ist. Es wurde nichts gelöscht.",
  deleteAccount: "Mein Konto löschen",
  deleted: "Ihr Konto ist gelöscht",
  deletedAll: "Alles, was dazugehörte, ist fort, und Sie sind abgemeldet.",
  close: "Schließen",
  showPassword: "Passwort zeigen",
  hidePassword: "Passwort verbergen",
  methods: {
    password: "Passwort",
    oidc: "einem anderen Anbieter",
    code: "Code",
    passkey: "Passkey",
    webauthn: "Sicherheitsschlüssel",
    totp: "Authenticator-App",
    lookup_secret: "Ersatzcode",
    link_recovery: "Wiederherstellungslink",
    code_recovery: "Wiederherstellungscode",
  },
}

const all = { en, de }

/** The first of the visitor's languages that there are texts in, with its region: `de-AT`. */
export const locale = navigator.languages.find((tag) => /^(en|de)\b/i.test(tag)) ?? "en"

/** Without the region. */
export const language = locale.slice(0, 2).toLowerCase() as keyof typeof all

/** The texts in the visitor's language. */
export const t = () => all[language]

/** What a message of a reason says in the visitor's language; nothing where the server's own sentence will do. */
export const reasonOf = (context: Context) => (language === "de" ? germanReason(context) : undefined)

/** What a trait is called. */
export const titled = (title: string) => (language === "de" ? germanTitle(title) : title)

/** In place of the library's: what does not fit where it stands, or is wrong. */
const better = {
  en: { "two-step.password.description": "Use a password" },
  de: {
    "two-step.password.description": "Verwenden Sie ein Passwort",
    "settings.passkey.description": "Verwalten Sie Ihre Passkeys",
    "identities.messages.1060001":
      "Sie haben Ihr Konto erfolgreich wiederhergestellt. Bitte ändern Sie innerhalb der nächsten {privileged_session_expires_at_unix_until_minutes} Minuten Ihr Passwort, oder richten Sie eine andere Art der Anmeldung ein.",
    "identities.messages.4000005": "Das Passwort kann nicht verwendet werden: {reason}",
    "card.header.parts.code": "einem einmaligen Code",
    // Whatever the gender of what is asked for.
    "card.header.parts.identifier-first": "{identifierLabel}",
    "card.header.parts.password.login": "{identifierLabel} und Passwort",
    "card.header.parts.password.registration": "{identifierLabel} und Passwort",
  },
}

/** The library's own texts in that language; English ones it has by itself. */
export async function loadLibraryTexts() {
  if (language === "en") return { locale: "en" as const, customTranslations: { en: better.en } }
  const { default: texts } = await import("virtual:texts/de")
  return { locale: language, customTranslations: { [language]: { ...texts, ...better[language] } } }
}
