// What people change about themselves, when they have to prove again who they are, and how they leave.
import assert from "node:assert/strict"
import { readFile } from "node:fs/promises"
import { describe, test } from "node:test"
import { look, lookAround, password, phone, register, signIn, signOut, skip, stage, whoami } from "./stage.mjs"

const renewed = "seven-lazy-otters-in-a-row"
const registration = { after: { password: { hooks: [{ hook: "session" }] } } }
const basic = { identity: { default_schema_id: "preset://basic" } }
/** A session is too old at once. */
const wary = { flows: { registration, settings: { privileged_session_max_age: "1s" } } }
/** What a script is told when the session is too old. */
const refusals = [403]
const saved = "Your changes have been saved!"

/** Open settings, signed in. */
async function open(page, base) {
  await page.goto(`${base}/ui/settings`)
  await page.waitForURL(`${base}/ui/settings?flow=**`)
  await page.locator('[name="password"]').waitFor()
}

/** Until a session that begins now is more than a second old. */
const grow = (page) => page.waitForTimeout(1_500)

async function changePassword(page, secret) {
  await page.locator('[name="password"]').fill(secret)
  await page.locator('button[value="password"]').click()
}

describe("settings", { skip }, () => {
  const on = stage()

  test("traits and password; what is wrong is said at its field", async () => {
    const base = await on.mailing("changes", "Changes", { selfservice: { flows: { registration } }, ...basic })
    const { page, leave } = await on.visitor()
    await register(page, base, "ada@example.org")
    await open(page, base)
    await lookAround(page, "settings")
    await page.locator('[name="traits.name.first"]').fill("Ada")
    await page.locator('button[value="profile"]').click()
    await page.getByText(saved).waitFor()
    await look(page, "settings-saved-desktop-light")
    assert.deepEqual((await whoami(page, base)).identity.traits.name, { first: "Ada" })

    await page.locator('[name="traits.name.first"]').fill("A".repeat(129))
    await page.locator('button[value="profile"]').click()
    await page.locator('[name="traits.name.first"][aria-invalid="true"]').waitFor()
    await look(page, "settings-name-too-long-desktop-light")
    await changePassword(page, "short")
    await page.locator('[name="password"][aria-invalid="true"]').waitFor()
    await lookAround(page, "settings-refused")

    await changePassword(page, renewed)
    await page.locator('[name="password"]:not([aria-invalid])').waitFor()
    await page.goto(`${base}/ui/session`)
    await page.getByText("Ada", { exact: true }).waitFor()
    await lookAround(page, "session-with-traits")
    await signOut(page, base)
    await signIn(page, "ada@example.org", password)
    await page.getByRole("alert").filter({ hasText: /\w/ }).waitFor()
    await signIn(page, "ada@example.org", renewed)
    await page.waitForURL(`${base}/ui/session`)
    await leave()
  })

  test("a session that is too old: the change waits, and is made after signing in again", async () => {
    const base = await on.mailing("detour", "Detour", { selfservice: wary })
    const { page, leave } = await on.visitor({ refusals })
    await register(page, base, "bob@example.org")
    await open(page, base)
    await grow(page)
    await changePassword(page, renewed)
    await page.waitForURL(`${base}/ui/login?**`)
    await page.getByRole("heading", { name: "Reauthenticate" }).waitFor()
    await lookAround(page, "login-again")

    await page.locator('[name="password"]').fill("not the password at all")
    await page.locator('form button[type="submit"]').last().click()
    await page.getByRole("alert").filter({ hasText: /\w/ }).waitFor()
    await page.locator('[name="password"]').fill(password)
    await page.locator('form button[type="submit"]').last().click()
    await page.waitForURL(`${base}/ui/settings?**`)
    await page.getByText(saved).waitFor()
    await signOut(page, base)
    await signIn(page, "bob@example.org", renewed)
    await page.waitForURL(`${base}/ui/session`)
    await leave()
  })

  test("my data as a file, my account gone", async () => {
    const insula = { account: { delete: true, download: true } }
    const base = await on.mailing("leaving", "Leaving", { selfservice: wary, insula, ...basic })
    const { page, leave } = await on.visitor({ refusals })
    await register(page, base, "eve@example.org")
    await open(page, base)
    await lookAround(page, "settings-whole")

    const [file] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "Download my data" }).click(),
    ])
    assert.equal(file.suggestedFilename(), "my-data.json")
    const data = JSON.parse(await readFile(await file.path(), "utf8"))
    assert.equal(data.identity.traits.email, "eve@example.org")
    assert.equal(data.sessions.length, 1)

    const confirmation = page.locator('[name="account_confirmation"]')
    await confirmation.fill("somebody@example.org")
    await page.getByRole("button", { name: "Delete my account" }).click()
    await page.getByRole("alert").filter({ hasText: "Nothing was deleted" }).waitFor()
    await lookAround(page, "settings-not-confirmed")

    await grow(page)
    await confirmation.fill("eve@example.org")
    await page.getByRole("button", { name: "Delete my account" }).click()
    await page.getByRole("heading", { name: "Reauthenticate" }).waitFor()
    assert.equal((await whoami(page, base)).identity.traits.email, "eve@example.org")
    await page.locator('[name="password"]').fill(password)
    await page.locator('form button[type="submit"]').last().click()
    await page.getByRole("heading", { name: "Your account is deleted" }).waitFor()
    assert.equal((await whoami(page, base)).error.code, 401)
    await lookAround(page, "deleted")
    await page.getByRole("link", { name: "To sign-in" }).click()
    await page.locator('[name="identifier"]').waitFor()
    await signIn(page, "eve@example.org", password)
    await page.getByRole("alert").filter({ hasText: /\w/ }).waitFor()
    await leave()
  })

  test("neither is offered where the project has not switched it on; the way back, and the way out", async () => {
    const name = "Bürgerinnen- und Bürgerportal der Marktgemeinde"
    const base = await on.mailing("staying", name, { selfservice: { flows: { registration } } })
    const { page, leave } = await on.visitor()
    await register(page, base, "grace@example.org")
    await open(page, base)
    assert.equal(await page.getByRole("button", { name: /Download|Delete/ }).count(), 0)
    await lookAround(page, "settings-long-name")
    await page.getByRole("link", { name: "Back" }).click()
    await page.waitForURL(`${base}/ui/session`)
    await open(page, base)
    await page.getByRole("button", { name: "Sign out" }).click()
    await page.waitForURL(`${base}/ui/login?**`)
    await leave()
  })

  test("in German on a dark phone", async () => {
    const insula = { account: { delete: true, download: true } }
    const base = await on.mailing("auf-deutsch", "Auf Deutsch", { selfservice: wary, insula, ...basic })
    const { page, leave } = await on.visitor({ viewport: phone, colorScheme: "dark", locale: "de-AT", refusals })
    await register(page, base, "frieda@example.org")
    await open(page, base)
    assert.match(await page.title(), /^Einstellungen · /)
    await page.getByText("Um es zu löschen, geben Sie frieda@example.org ein").waitFor()
    await page.getByRole("button", { name: "Meine Daten herunterladen" }).waitFor()
    await look(page, "settings-phone-dark-german")
    await page.getByRole("button", { name: "Mein Konto löschen" }).click()
    await page.getByRole("alert").filter({ hasText: "Es wurde nichts gelöscht" }).waitFor()
    await look(page, "settings-not-confirmed-phone-dark-german")
    await page.locator('[name="traits.name.first"]').fill("Frieda")
    await page.locator('button[value="profile"]').click()
    await page.locator("main .toast").waitFor()
    await look(page, "settings-saved-phone-dark-german")
    await grow(page)
    await changePassword(page, renewed)
    await page.waitForURL(`${base}/ui/login?**`)
    await page.locator('[name="password"]').waitFor()
    await look(page, "login-again-phone-dark-german")
    await leave()
  })
})
