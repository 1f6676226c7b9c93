// {base}/ui/mail: letters of a project that has no mail server, in text and in HTML.
import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { enterCode, lookAround, register, skip, stage, whoami } from "./stage.mjs"

const hooks = [{ hook: "session" }, { hook: "show_verification_ui" }]
const flows = { verification: { enabled: true }, registration: { after: { password: { hooks } } } }
const methods = { password: { config: { haveibeenpwned_enabled: false } } }
// A tool for developers, which has no scripts: looking again by itself is what it is for.
const rules = { "meta-refresh": { enabled: false } }

describe("kept mail", { skip }, () => {
  const on = stage()

  test("appears by itself, is shown in HTML and in text, and its link verifies", async () => {
    const base = await on.project("kept", "Kept & Söhne", { selfservice: { flows, methods } })
    const { page, context, leave } = await on.visitor()
    const box = await context.newPage()
    await box.goto(`${base}/ui/mail`)
    await box.getByText("Nothing was sent yet").waitFor()
    // It shall not look again while it is looked at.
    await box.evaluate(() => stop())
    await lookAround(box, "mail-empty", rules)
    await box.reload()
    await register(page, base, "ada@example.org", `${base}/ui/verification?**`)
    const line = box.getByRole("link", { name: /\d{6}/ })
    await line.waitFor()
    await box.getByText("ada@example.org").waitFor()
    await box.evaluate(() => stop())
    await lookAround(box, "mail-list", rules)
    const [code] = (await line.innerText()).match(/\d{6}/)

    await line.click()
    const html = box.frameLocator("iframe")
    await html.getByRole("heading", { name: "Confirm your address" }).waitFor()
    await html.getByText(code, { exact: true }).waitFor()
    assert.match(await box.locator("pre").innerText(), new RegExp(`Enter this code .*\\s+${code}\\s`, "s"))
    await lookAround(box, "mail-letter")

    // Links leave the frame.
    const [linked] = await Promise.all([context.waitForEvent("page"), html.getByRole("link").first().click()])
    await linked.locator('[name="code"]').waitFor()
    assert.equal(await linked.locator('[name="code"]').inputValue(), code)
    await linked.close()
    await enterCode(page, code)
    await page.getByRole("heading", { name: "Your address is confirmed" }).waitFor()
    assert.equal((await whoami(page, base)).identity.verifiable_addresses[0].verified, true)
    await leave()
  })

  test("fits a phone, however long an address is", async () => {
    const name = "Donaudampfschifffahrtsgesellschaftskapitänsmützenversand"
    const base = await on.project("long", name, { selfservice: { flows, methods } })
    const { page, context, leave } = await on.visitor()
    const email = "maximilian.mustermann@informatik.universitaet.example.de"
    await register(page, base, email, `${base}/ui/verification?**`)
    const box = await context.newPage()
    await box.goto(`${base}/ui/mail`)
    await box.getByRole("link", { name: /\d{6}/ }).click()
    const letter = box.frameLocator("iframe").locator("html")
    await letter.getByText(email).waitFor()
    const source = await letter.evaluate((html) => html.outerHTML)
    await box.setViewportSize({ width: 360, height: 740 })
    await box.goto("about:blank")
    await box.setContent(source)
    const wide = await box.evaluate(() => document.documentElement.scrollWidth)
    assert.ok(wide <= 360, `the letter is ${wide} px wide`)
    await leave()
  })
})
