// Draws the pictures of the README: the project `demo` of a new `insula serve --dev`, as somebody meets it.
// `node readme.mjs` writes docs/images/.
import assert from "node:assert/strict"
import { mkdirSync, statSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { launch, startServer } from "./server.mjs"

const folder = fileURLToPath(new URL("../../docs/images/", import.meta.url))
const desktop = { width: 1280, height: 800 }
const phone = { width: 375, height: 740 }
const email = "ada@example.com"
const password = "seven-lazy-otters"
const sizeMax = 120 * 1024

/** A visitor's page, in English, with cookies of its own. */
async function visit(browser, options) {
  const context = await browser.newContext({ locale: "en-GB", timezoneId: "Europe/Vienna", deviceScaleFactor: 1, ...options })
  context.setDefaultTimeout(20_000)
  return context.newPage()
}

async function picture(page, name) {
  // Neither a blinking cursor nor the mark of whatever was pressed last.
  await page.mouse.move(0, 0)
  await page.evaluate(() => document.activeElement?.blur())
  await page.evaluate(() => document.fonts.ready)
  const path = join(folder, `${name}.png`)
  await page.screenshot({ path, animations: "disabled" })
  const { size } = statSync(path)
  assert.ok(size <= sizeMax, `${path} has ${size} bytes, more than ${sizeMax}`)
}

async function signUp(page, base) {
  await page.goto(`${base}/ui/registration`)
  await page.locator('[name="traits.email"]').fill(email)
  await page.locator('form button[type="submit"]').last().click()
  await page.getByRole("button", { name: email }).waitFor()
  await picture(page, "sign-up")
  await page.getByText("Password", { exact: true }).first().click()
  await page.locator('[name="password"]').fill(password)
  await page.locator('form button[type="submit"]').last().click()
  await page.waitForURL(/\/ui\/verification\?/)
  await page.locator('[name="code"]').waitFor()
  await picture(page, "verification")
}

async function signIn(page, base) {
  await page.goto(`${base}/ui/login`)
  await page.locator('[name="identifier"]').fill(email)
  await page.locator('form button[type="submit"]').last().click()
  await page.getByRole("button", { name: email }).waitFor()
  await picture(page, "sign-in-dark")
}

const [server, browser] = await Promise.all([startServer(), launch()])
try {
  mkdirSync(folder, { recursive: true })
  const base = `${server.origin}/p/demo`
  const page = await visit(browser, { viewport: desktop })
  await signUp(page, base)
  await signIn(await visit(browser, { viewport: phone, colorScheme: "dark" }), base)
  await page.goto(`${base}/ui/mail`)
  await page.getByRole("link", { name: /confirms your address/ }).click()
  await page.locator("iframe").waitFor()
  await picture(page, "mail")
} finally {
  await browser.close()
  await server.stop()
}
