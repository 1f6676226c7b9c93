// Ways back into an account, with the letters that come; and one who has nothing but a keyboard.
import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { codeOf, linkOf } from "./mail.mjs"
import { enterCode, look, lookAround, notThe, password, phone, register, signIn, signOut, skip, stage, whoami } from "./stage.mjs"

const renewed = "seven-lazy-otters-in-a-row"
const recovering = (use) => ({
  flows: { recovery: { enabled: true, use }, registration: { after: { password: { hooks: [{ hook: "session" }] } } } },
  methods: { link: { enabled: true } },
})

/** What a script is told when it has to go to another page. */
const refusals = [422]

async function askFor(page, base, email) {
  await page.goto(`${base}/ui/recovery`)
  await page.locator('[name="email"]').fill(email)
  await page.locator('form button[type="submit"]').last().click()
}

/** In settings after recovery: a new password, saved. */
async function renew(page, base) {
  await page.waitForURL(`${base}/ui/settings?**`)
  await page.locator('[name="password"]').fill(renewed)
  await page.locator('button[value="password"]').click()
}

describe("recovery", { skip }, () => {
  const on = stage()

  /** Somebody who has an account and has left. */
  async function member(base, email) {
    const { page, leave } = await on.visitor()
    await register(page, base, email)
    await leave()
  }

  test("by code into settings; the new password counts, the old one does not", async () => {
    const base = await on.mailing("by-code", "By code", { selfservice: recovering("code") })
    await member(base, "ada@example.org")
    const { page, leave } = await on.visitor({ refusals })
    await page.goto(`${base}/ui/login`)
    await page.getByRole("link", { name: "Recover" }).click()
    await page.locator('[name="email"]').waitFor()
    await lookAround(page, "recovery")
    await page.getByRole("link", { name: "To sign-in" }).click()
    await page.getByRole("link", { name: "Recover" }).click()
    await page.locator('[name="email"]').waitFor()
    await askFor(page, base, "ada@example.org")
    await page.locator('[name="code"]').waitFor()
    await lookAround(page, "recovery-code")
    const code = codeOf(await on.mail.next("ada@example.org"))
    await enterCode(page, notThe(code))
    await page.getByRole("alert").filter({ hasText: "invalid" }).waitFor()
    await lookAround(page, "recovery-wrong-code")

    await page.getByRole("button", { name: "Resend code" }).click()
    await enterCode(page, codeOf(await on.mail.next("ada@example.org")))
    await page.waitForURL(`${base}/ui/settings?**`)
    await page.getByRole("status").filter({ hasText: "successfully recovered" }).waitFor()
    await lookAround(page, "settings-after-recovery")
    await renew(page, base)
    await page.getByText("Your changes have been saved!").waitFor()

    await signOut(page, base)
    await signIn(page, "ada@example.org", password)
    await page.getByRole("alert").filter({ hasText: /\w/ }).waitFor()
    await signIn(page, "ada@example.org", renewed)
    await page.waitForURL(`${base}/ui/session`)
    await page.getByText("ada@example.org").waitFor()
    await leave()
  })

  test("by link", async () => {
    const base = await on.mailing("by-link", "By link", { selfservice: recovering("link") })
    await member(base, "bob@example.org")
    const { page, leave } = await on.visitor({ refusals })
    await page.goto(`${base}/ui/recovery`)
    await page.getByText("A link that leads back").waitFor()
    await look(page, "recovery-by-link-desktop-light")
    await askFor(page, base, "bob@example.org")
    await page.getByText("Open the link in the message").waitFor()
    await lookAround(page, "recovery-link")
    const link = linkOf(await on.mail.next("bob@example.org"))
    await page.goto(link)
    await renew(page, base)
    await page.getByText("Your changes have been saved!").waitFor()
    assert.equal((await whoami(page, base)).identity.traits.email, "bob@example.org")

    // Whoever finds the letter later gets nowhere.
    const other = await on.visitor()
    await other.page.goto(link)
    await other.page.getByRole("alert").filter({ hasText: /\w/ }).waitFor()
    await look(other.page, "recovery-used-link-desktop-light")
    assert.equal((await whoami(other.page, base)).error.code, 401)
    await other.leave()
    await leave()
  })

  test("an address that nobody has: the same page, and no letter", async () => {
    const base = await on.mailing("nobody", "Nobody", { selfservice: recovering("code") })
    await member(base, "eve@example.org")
    const { page, leave } = await on.visitor()
    await askFor(page, base, "nobody@example.org")
    await page.locator('[name="code"]').waitFor()
    // A letter that was asked for later has come.
    await askFor(page, base, "eve@example.org")
    await on.mail.next("eve@example.org")
    assert.deepEqual(on.mail.unreadTo("nobody@example.org"), [])
    await leave()
  })

  test("in German on a dark phone", async () => {
    const base = await on.mailing("auf-deutsch", "Auf Deutsch", { selfservice: recovering("code") })
    await member(base, "frieda@example.org")
    const { page, leave } = await on.visitor({ viewport: phone, colorScheme: "dark", locale: "de-AT", refusals })
    await page.goto(`${base}/ui/recovery`)
    await page.getByRole("heading", { name: "Ihr Konto wiederherstellen" }).waitFor()
    assert.match(await page.title(), /^Konto wiederherstellen · /)
    await look(page, "recovery-phone-dark-german")
    await askFor(page, base, "frieda@example.org")
    await page.getByText("Wiederherstellungscode", { exact: true }).waitFor()
    const letter = await on.mail.next("frieda@example.org")
    assert.match(letter.subject, /Wiederherstellungscode/)
    await enterCode(page, notThe(codeOf(letter)))
    await page.getByRole("alert").filter({ hasText: /\w/ }).waitFor()
    await look(page, "recovery-wrong-code-phone-dark-german")
    await enterCode(page, codeOf(letter))
    await page.getByRole("status").filter({ hasText: "erfolgreich wiederhergestellt" }).waitFor()
    await look(page, "settings-after-recovery-phone-dark-german")
    await leave()
  })

  test("in German, after too many codes", async () => {
    const { flows, methods } = recovering("code")
    const code = { config: { max_submissions: 1 } }
    const base = await on.mailing("zu-oft", "Zu oft", { selfservice: { flows, methods: { ...methods, code } } })
    const { page, leave } = await on.visitor({ locale: "de-DE", refusals })
    await member(base, "gustav@example.org")
    await askFor(page, base, "gustav@example.org")
    const wrong = notThe(codeOf(await on.mail.next("gustav@example.org")))
    await enterCode(page, wrong)
    await page.getByRole("alert").filter({ hasText: "ungültig" }).waitFor()
    await enterCode(page, wrong)
    await page.getByText("Ein Code wurde zu oft versucht.").waitFor()
    await look(page, "recovery-too-often-desktop-light-german")
    await leave()
  })

  test("signs up and recovers with the keyboard alone", async () => {
    const base = await on.mailing("keyboard", "Keyboard", { selfservice: recovering("code") })
    const { page, leave } = await on.visitor({ refusals })
    const keys = page.keyboard

    /** Tab until what is focused is the one that is meant; it has to show. */
    async function tabTo(selector) {
      await page.locator(selector).first().waitFor()
      for (let tabs = 0; tabs < 30; tabs++) {
        if (await page.evaluate((selector) => document.activeElement?.matches(selector), selector)) return
        await keys.press("Tab")
      }
      assert.fail(`no way to ${selector} by Tab`)
    }

    /** Type into a field, and send the form from there. */
    async function enter(selector, text) {
      await tabTo(selector)
      await keys.type(text)
      await keys.press("Enter")
    }

    await page.goto(`${base}/ui/registration`)
    await enter('[name="traits.email"]', "grace@example.org")
    await tabTo('[name="password"]')
    await look(page, "registration-keyboard-desktop-light")
    await enter('[name="password"]', password)
    await page.waitForURL(`${base}/ui/session`)
    await tabTo("main button")
    await look(page, "session-keyboard-desktop-light")
    await keys.press("Enter")
    await page.waitForURL(`${base}/ui/login?**`)

    await tabTo('a[href*="recovery"]')
    await look(page, "login-keyboard-desktop-light")
    await keys.press("Enter")
    await enter('[name="email"]', "grace@example.org")
    await tabTo('[name="code"]')
    await keys.type(notThe(codeOf(await on.mail.next("grace@example.org"))))
    await keys.press("Enter")
    await page.getByRole("alert").filter({ hasText: "invalid" }).waitFor()
    await tabTo('form button[name="email"]')
    await look(page, "recovery-keyboard-desktop-light")
    await keys.press("Enter")
    const code = codeOf(await on.mail.next("grace@example.org"))
    await page.getByRole("alert").filter({ hasText: "invalid" }).waitFor({ state: "detached" })
    await enter('[name="code"]', code)
    await page.waitForURL(`${base}/ui/settings?**`)
    await enter('[name="password"]', renewed)

    // Back to where signing out had led away from.
    await page.waitForURL(`${base}/ui/session`)
    await tabTo("main button")
    await keys.press("Enter")
    await page.waitForURL(`${base}/ui/login?**`)
    await tabTo('[name="identifier"]')
    await keys.type("grace@example.org")
    await enter('[name="password"]', renewed)
    await page.waitForURL(`${base}/ui/session`)
    await page.getByText("grace@example.org").waitFor()
    await leave()
  })
})
