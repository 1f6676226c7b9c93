// What these pages say besides what the library says.

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
  unknownError: "There is nothing more to say about it. Please start again.",
  toSignIn: "To sign-in",
  toAccount: "To your account",
  signedIn: "You are signed in",
  signOut: "Sign out",
  since: "Signed in on",
  until: "Valid until",
  by: "Signed in with",
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
  unknownError: "Mehr ist darüber nicht bekannt. Bitte beginnen Sie noch einmal von vorn.",
  toSignIn: "Zur Anmeldung",
  toAccount: "Zu Ihrem Konto",
  signedIn: "Sie sind angemeldet",
  signOut: "Abmelden",
  since: "Angemeldet am",
  until: "Gültig bis",
  by: "Angemeldet mit",
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

/** The library's own texts in that language; English ones it has by itself. */
export async function loadLibraryTexts() {
  if (language === "en") return { locale: "en" as const }
  const { default: texts } = await import("virtual:texts/de")
  return { locale: language, customTranslations: { [language]: texts } }
}
