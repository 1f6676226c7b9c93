// Codes in place of a password and beside one, and the identifier first.
import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { codeOf } from "./mail.mjs"
import { enterCode, look, lookAround, notThe, password, phone, register, signOut, skip, stage, whoami } from "./stage.mjs"

const hooks = [{ hook: "session" }]
const registration = { after: { password: { hooks }, code: { hooks } } }
const login = { style: "identifier_first" }
const codes = { code: { passwordless_enabled: true } }
/** What the session's check says while the second factor is missing. */
const refusals = [403]

/** The first step of a form: who it is about. */
async function begin(page, field, email) {
  await page.locator(`[name="${field}"]`).fill(email)
  await page.locator('form button[type="submit"]').last().click()
}

/** How people have signed in. */
async function methods(page, base) {
  const { authentication_methods } = await whoami(page, base)
  return authentication_methods.map(({ method }) => method)
}

describe("codes", { skip }, () => {
  const on = stage()

  test("sign up and sign in with nothing but a code", async () => {
    const methodsOn = { ...codes, password: { enabled: false } }
    const base = await on.mailing("no-password", "No password", { selfservice: { flows: { registration, login }, methods: methodsOn } })
    const { page, leave } = await on.visitor()
    await page.goto(`${base}/ui/registration`)
    await begin(page, "traits.email", "ada@example.org")
    await page.locator('[name="code"]').or(page.getByRole("button", { name: /code/ })).first().waitFor()
    await lookAround(page, "registration-code")
    const send = page.getByRole("button", { name: /code/ })
    if (!(await page.locator('[name="code"]').isVisible())) await send.click()
    const first = codeOf(await on.mail.next("ada@example.org"))
    await page.locator('[name="code"]').waitFor()
    await enterCode(page, notThe(first))
    await page.getByRole("alert").filter({ hasText: /\w/ }).waitFor()
    await lookAround(page, "registration-wrong-code")
    await enterCode(page, first)
    await page.waitForURL(`${base}/ui/session`)
    await page.getByText("ada@example.org").waitFor()
    assert.deepEqual(await methods(page, base), ["code"])

    await signOut(page, base)
    await begin(page, "identifier", "ada@example.org")
    await page.locator('[name="code"]').waitFor()
    await lookAround(page, "login-code")
    const second = codeOf(await on.mail.next("ada@example.org"))
    await enterCode(page, notThe(second))
    await page.getByRole("alert").filter({ hasText: /\w/ }).waitFor()
    await lookAround(page, "login-wrong-code")
    await page.getByRole("button", { name: "Resend code" }).click()
    const third = codeOf(await on.mail.next("ada@example.org"))
    await enterCode(page, third)
    await page.waitForURL(`${base}/ui/session`)
    assert.deepEqual(await methods(page, base), ["code"])
    await leave()
  })

  test("the identifier first, then the methods that fit it", async () => {
    const base = await on.mailing("choice", "Choice", { selfservice: { flows: { registration, login }, methods: codes } })
    const { page, leave } = await on.visitor()
    await page.goto(`${base}/ui/registration`)
    await begin(page, "traits.email", "bob@example.org")
    await page.getByText("Email code").waitFor()
    await lookAround(page, "registration-choice")
    await page.getByText("Password", { exact: true }).click()
    await page.locator('[name="password"]').fill(password)
    await page.locator('form button[type="submit"]').last().click()
    await page.waitForURL(`${base}/ui/session`)

    await signOut(page, base)
    await lookAround(page, "login-identifier")
    await begin(page, "identifier", "bob@example.org")
    await page.getByText("Password", { exact: true }).waitFor()
    await lookAround(page, "login-choice")
    await page.getByText("Password", { exact: true }).click()
    await page.locator('[name="password"]').waitFor()
    await lookAround(page, "login-chosen-password")
    await page.locator('[name="password"]').fill("not the password at all")
    await page.locator('form button[type="submit"]').last().click()
    await page.getByRole("alert").filter({ hasText: /\w/ }).waitFor()
    await page.locator('[name="password"]').fill(password)
    await page.locator('form button[type="submit"]').last().click()
    await page.waitForURL(`${base}/ui/session`)
    assert.deepEqual(await methods(page, base), ["password"])

    await signOut(page, base)
    await begin(page, "identifier", "bob@example.org")
    await page.getByText("Send code to bob@example.org").click()
    await page.locator('[name="code"]').waitFor()
    await enterCode(page, codeOf(await on.mail.next("bob@example.org")))
    await page.waitForURL(`${base}/ui/session`)
    assert.deepEqual(await methods(page, base), ["code"])
    await leave()
  })

  test("a code as the second factor", async () => {
    const second = { code: { mfa_enabled: true } }
    const base = await on.mailing("second", "Second factor", { selfservice: { flows: { registration }, methods: second } })
    const { page, leave } = await on.visitor({ refusals })
    await register(page, base, "eve@example.org", `${base}/ui/login?**`)
    await page.getByRole("heading", { name: "Second factor" }).first().waitFor()
    await page.locator('[name="code"]').waitFor()
    await lookAround(page, "second-factor")
    const code = codeOf(await on.mail.next("eve@example.org"))
    await enterCode(page, notThe(code))
    await page.getByRole("alert").filter({ hasText: /\w/ }).waitFor()
    await lookAround(page, "second-factor-wrong-code")
    await enterCode(page, code)
    await page.waitForURL(`${base}/ui/session`)
    await page.getByText("eve@example.org").waitFor()
    assert.deepEqual(await methods(page, base), ["password", "code"])
    assert.equal((await whoami(page, base)).authenticator_assurance_level, "aal2")
    await leave()
  })

  test("in German on a dark phone", async () => {
    const base = await on.mailing("auf-deutsch", "Auf Deutsch", { selfservice: { flows: { registration, login }, methods: codes } })
    const { page, leave } = await on.visitor({ viewport: phone, colorScheme: "dark", locale: "de-AT" })
    await page.goto(`${base}/ui/registration`)
    await begin(page, "traits.email", "frieda@example.org")
    await page.getByText("Passwort", { exact: true }).waitFor()
    await look(page, "registration-choice-phone-dark-german")
    await page.getByTestId("ory/form/auth-picker/code").or(page.getByRole("button", { name: /Code/ })).first().click()
    const letter = await on.mail.next("frieda@example.org")
    await page.locator('[name="code"]').waitFor()
    await look(page, "registration-code-phone-dark-german")
    await enterCode(page, codeOf(letter))
    await page.waitForURL(`${base}/ui/session`)
    await signOutInGerman(page, base)
    await begin(page, "identifier", "frieda@example.org")
    await page.locator('[name="code"]').waitFor()
    await look(page, "login-code-phone-dark-german")
    await leave()
  })
})

async function signOutInGerman(page, base) {
  await page.getByRole("button", { name: "Abmelden" }).click()
  await page.waitForURL(`${base}/ui/login?**`)
  await page.locator('[name="identifier"]').waitFor()
}
