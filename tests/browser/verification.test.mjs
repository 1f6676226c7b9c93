// Addresses are verified after sign-up, with the letters that come.
import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { codeOf, linkOf } from "./mail.mjs"
import { enterCode, look, lookAround, notThe, phone, register, skip, stage, whoami } from "./stage.mjs"

const hooks = [{ hook: "session" }, { hook: "show_verification_ui" }]
const verifying = (use) => ({
  flows: { verification: { enabled: true, use }, registration: { after: { password: { hooks } } } },
  methods: { link: { enabled: true } },
})

/** Has the server noted that the address is this person's? */
async function isVerified(page, base) {
  const { identity } = await whoami(page, base)
  return identity.verifiable_addresses[0].verified
}

describe("verification", { skip }, () => {
  const on = stage()

  test("by code: a wrong one, one that was replaced, the right one", async () => {
    const base = await on.mailing("by-code", "By code", { selfservice: verifying("code") })
    const { page, leave } = await on.visitor()
    await register(page, base, "ada@example.org", `${base}/ui/verification?**`)
    const first = codeOf(await on.mail.next("ada@example.org"))
    await lookAround(page, "verification-code")

    await enterCode(page, notThe(first))
    await page.getByRole("alert").filter({ hasText: "invalid" }).waitFor()
    await lookAround(page, "verification-wrong-code")
    assert.equal(await isVerified(page, base), false)

    await page.getByRole("button", { name: "Resend code" }).click()
    const second = codeOf(await on.mail.next("ada@example.org"))
    await page.getByRole("alert").filter({ hasText: "invalid" }).waitFor({ state: "detached" })
    assert.notEqual(second, first)
    await enterCode(page, first)
    await page.getByRole("alert").filter({ hasText: "invalid" }).waitFor()
    await enterCode(page, second)
    await page.getByRole("heading", { name: "Your address is confirmed" }).waitFor()
    await page.getByText("You successfully verified").waitFor()
    await lookAround(page, "verification-done")
    assert.equal(await isVerified(page, base), true)

    await page.getByRole("link", { name: "Continue" }).click()
    await page.waitForURL(`${base}/ui/session`)
    await page.getByText("ada@example.org").waitFor()
    assert.deepEqual(on.mail.unreadTo("ada@example.org"), [])
    await leave()
  })

  test("by code, from the link in the letter: the code is there already", async () => {
    const base = await on.mailing("by-filled-code", "By code", { selfservice: verifying("code") })
    const { page, leave } = await on.visitor()
    await register(page, base, "bob@example.org", `${base}/ui/verification?**`)
    const letter = await on.mail.next("bob@example.org")
    await page.goto(linkOf(letter))
    await page.waitForURL(`${base}/ui/verification?**`)
    await page.locator('[name="code"]').waitFor()
    assert.equal(await page.locator('[name="code"]').inputValue(), codeOf(letter))
    await page.getByRole("button", { name: "Continue" }).click()
    await page.getByRole("heading", { name: "Your address is confirmed" }).waitFor()
    assert.equal(await isVerified(page, base), true)
    await leave()
  })

  test("by link, and the link once more", async () => {
    const base = await on.mailing("by-link", "By link", { selfservice: verifying("link") })
    const { page, leave } = await on.visitor()
    await register(page, base, "eve@example.org", `${base}/ui/verification?**`)
    await page.getByText("Open the link in the message").waitFor()
    await lookAround(page, "verification-link")
    const link = linkOf(await on.mail.next("eve@example.org"))

    // Another one, by the button that the form is left with.
    await page.getByRole("button", { name: "Continue" }).click()
    const second = linkOf(await on.mail.next("eve@example.org"))
    assert.notEqual(second, link)
    await page.goto(second)
    await page.getByRole("heading", { name: "Your address is confirmed" }).waitFor()
    assert.equal(await isVerified(page, base), true)
    await page.goto(second)
    await page.getByRole("alert").filter({ hasText: "already been used" }).waitFor()
    await look(page, "verification-used-link-desktop-light")
    await leave()
  })

  test("in German on a dark phone", async () => {
    const base = await on.mailing("auf-deutsch", "Auf Deutsch", { selfservice: verifying("code") })
    const { page, leave } = await on.visitor({ viewport: phone, colorScheme: "dark", locale: "de-AT" })
    await register(page, base, "frieda@example.org", `${base}/ui/verification?**`)
    await page.getByRole("heading", { name: "Verifizieren Sie Ihr Konto" }).waitFor()
    assert.match(await page.title(), /^Adresse bestätigen · /)
    await look(page, "verification-code-phone-dark-german")
    const letter = await on.mail.next("frieda@example.org")
    assert.match(letter.subject, /bestätigt Ihre Adresse/)
    await enterCode(page, notThe(codeOf(letter)))
    await page.getByRole("alert").filter({ hasText: /\w/ }).waitFor()
    await look(page, "verification-wrong-code-phone-dark-german")
    await enterCode(page, codeOf(letter))
    await page.getByRole("heading", { name: "Ihre Adresse ist bestätigt" }).waitFor()
    await look(page, "verification-done-phone-dark-german")
    await leave()
  })
})
