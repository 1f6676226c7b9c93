// What the tests of the pages share: an installation, mail, visitors who notice whatever goes wrong, and what
// people do again and again.
import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { join } from "node:path"
import { after, before } from "node:test"
import { startMail } from "./mail.mjs"
import { findChromium, launch, screenshots, startServer } from "./server.mjs"

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8")
export const desktop = { width: 1280, height: 800 }
export const phone = { width: 360, height: 740 }
export const password = "correct-horse-battery-staple-42"
// Bounds the wait for a page that never comes; nothing is measured.
export const within = 20_000

export const skip = findChromium() || process.env.CI ? false : "no Chromium on this machine"

/** Inside `describe`: the server, the browser and the mail server of its tests, and a project that asks for a password. */
export function stage() {
  const on = {}

  before(async () => {
    ;[on.server, on.browser, on.mail] = await Promise.all([startServer(), launch(), startMail(within)])
    const hooks = [{ hook: "session" }]
    on.plain = await on.project("plain", "Demo", { selfservice: { flows: { registration: { after: { password: { hooks } } } } } })
  })

  after(async () => {
    await on.browser?.close()
    await on.server?.stop()
    await on.mail?.stop()
  })

  on.project = (slug, name, config) => project(on.server, slug, name, config)
  on.visitor = (options) => visitor(on, options)
  /** A project whose mail comes here; `config` says the rest. */
  on.mailing = (slug, name, { selfservice = {}, ...config } = {}) =>
    on.project(slug, name, {
      courier: { smtp: { connection_uri: on.mail.relay, from_address: "people@example.org" } },
      // Nothing here asks servers elsewhere.
      selfservice: { ...selfservice, methods: { password: { config: { haveibeenpwned_enabled: false } }, ...selfservice.methods } },
      ...config,
    })
  return on
}

/** Make a project; its base. */
async function project(server, slug, name, config) {
  const create = `mutation ($input: CreateProjectInput!) { createProject(input: $input) { project { publicUrl } } }`
  const made = await server.graphql(create, { input: { slug, name, environment: "DEVELOPMENT", config } })
  return made.createProject.project.publicUrl
}

/**
 * A visitor with cookies of their own, who notices whatever goes wrong. `refusals`: what else is answered on
 * their way, such as 403 to a session that is too old and 422 to a script that has to go to another page.
 */
async function visitor(on, { viewport = desktop, colorScheme = "light", locale = "en-GB", timezoneId, logos, refusals = [] } = {}) {
  const context = await on.browser.newContext({ viewport, colorScheme, locale, timezoneId })
  context.setDefaultTimeout(within)
  const wrong = []
  context.on("weberror", (thrown) => wrong.push(`error: ${thrown.error().message}`))
  context.on("request", (request) => {
    const { protocol, origin } = new URL(request.url())
    if (protocol !== "data:" && origin !== on.server.origin && origin !== logos) wrong.push(`request to ${request.url()}`)
  })
  context.on("console", (message) => {
    // A refused sign-in, and being signed out, are answers that Chromium logs as errors.
    const status = message.text().match(/status of (\d{3})/)?.[1]
    const expected = [400, 401, ...refusals].includes(Number(status))
    if (message.type() === "error" && !expected) wrong.push(`console: ${message.text()}`)
  })
  const page = await context.newPage()
  return {
    page,
    context,
    leave: async () => {
      await context.close()
      assert.deepEqual(wrong, [])
    },
  }
}

/** Keep a picture, and let axe look; `rules` as axe takes them. */
export async function look(page, name, rules = {}) {
  await page.evaluate(() => document.fonts.ready)
  await page.screenshot({ path: join(screenshots, `${name}.png`), fullPage: true, animations: "disabled" })
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
  assert.ok(wide <= 0, `${name} is ${wide} px too wide`)
  // Through the debugger, which the Content-Security-Policy does not bind.
  await page.evaluate(axe)
  const { violations, passes } = await page.evaluate((rules) => window.axe.run({ rules }), rules)
  assert.ok(passes.length > 5, "axe has looked")
  const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical")
  const told = serious.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" | ")}`)
  assert.deepEqual(told, [], name)
}

/** Look four times, on desktop and phone, light and dark; ends as visitors begin. */
export async function lookAround(page, name, rules) {
  for (const [size, viewport] of Object.entries({ desktop, phone })) {
    await page.setViewportSize(viewport)
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme })
      await look(page, `${name}-${size}-${colorScheme}`, rules)
    }
  }
  await page.setViewportSize(desktop)
  await page.emulateMedia({ colorScheme: "light" })
}

/** Sign up with a password, and wait for `arrives`: the session's page, if nothing else is said. */
export async function register(page, base, email, arrives = `${base}/ui/session`) {
  await page.goto(`${base}/ui/registration`)
  await page.locator('[name="traits.email"]').fill(email)
  const submit = page.locator('form button[type="submit"]').last()
  if (!(await page.locator('[name="password"]').isVisible())) await submit.click()
  await page.locator('[name="password"]').fill(password)
  await page.locator('button[name="method"][value="password"], form button[type="submit"]').last().click()
  await page.waitForURL(arrives)
  await page.getByText(email).first().waitFor()
}

/** Fill in the page of sign-in. */
export async function signIn(page, email, secret) {
  await page.locator('[name="identifier"]').fill(email)
  await page.locator('[name="password"]').fill(secret)
  await page.locator('form button[type="submit"]').last().click()
}

/** Sign out on the session's page; ends on the page of sign-in. */
export async function signOut(page, base) {
  await page.goto(`${base}/ui/session`)
  await page.getByRole("button", { name: "Sign out" }).click()
  await page.waitForURL(`${base}/ui/login?**`)
  await page.locator('[name="identifier"]').waitFor()
}

/** Type a code and send it. */
export async function enterCode(page, code) {
  await page.locator('[name="code"]').fill(code)
  await page.getByRole("button", { name: /^(Continue|Weiter)$/ }).click()
}

/** A code of the right length that is not this one. */
export const notThe = (code) => (code === "000000" ? "000001" : "000000")

/** The session as the server sees it. */
export function whoami(page, base) {
  return page.evaluate(async (url) => (await fetch(url)).json(), `${base}/sessions/whoami`)
}
