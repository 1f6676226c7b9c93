// The account pages as people see them: sign up, sign in, sign out, in two projects, two languages, two
// colour schemes, on phone and desktop. Any error of a script, any request to another host and any serious
// finding of axe fails.
import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { join } from "node:path"
import { after, before, describe, test } from "node:test"
import { findChromium, launch, screenshots, startServer } from "./server.mjs"

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8")
const desktop = { width: 1280, height: 800 }
const phone = { width: 375, height: 740 }
const password = "correct-horse-battery-staple-42"
// Bounds the wait for a page that never comes; nothing is measured.
const within = 20_000

const skip = findChromium() || process.env.CI ? false : "no Chromium on this machine"

describe("account pages", { skip }, () => {
  let server, browser, demo

  before(async () => {
    ;[server, browser] = await Promise.all([startServer(), launch()])
    const hooks = [{ hook: "session" }]
    demo = await project("plain", "Demo", { selfservice: { flows: { registration: { after: { password: { hooks } } } } } })
  })

  after(async () => {
    await browser?.close()
    await server?.stop()
  })

  /** Make a project; its base. */
  async function project(slug, name, config) {
    const create = `mutation ($input: CreateProjectInput!) { createProject(input: $input) { project { publicUrl } } }`
    const made = await server.graphql(create, { input: { slug, name, environment: "DEVELOPMENT", config } })
    return made.createProject.project.publicUrl
  }

  /** A visitor with cookies of their own, who notices whatever goes wrong. */
  async function visitor({ viewport = desktop, colorScheme = "light", locale = "en-GB", logos } = {}) {
    const context = await browser.newContext({ viewport, colorScheme, locale })
    context.setDefaultTimeout(within)
    const wrong = []
    context.on("weberror", (thrown) => wrong.push(`error: ${thrown.error().message}`))
    context.on("request", (request) => {
      const { protocol, origin } = new URL(request.url())
      if (protocol !== "data:" && origin !== server.origin && origin !== logos) wrong.push(`request to ${request.url()}`)
    })
    context.on("console", (message) => {
      // A refused sign-in, and being signed out, are answers that Chromium logs as errors.
      const expected = /status of (400|401)/.test(message.text())
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

  /** Keep a picture, and let axe look. */
  async function look(page, name) {
    await page.evaluate(() => document.fonts.ready)
    await page.screenshot({ path: join(screenshots, `${name}.png`), fullPage: true, animations: "disabled" })
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
    assert.ok(wide <= 0, `${name} is ${wide} px too wide`)
    // Through the debugger, which the Content-Security-Policy does not bind.
    await page.evaluate(axe)
    const { violations, passes } = await page.evaluate(() => window.axe.run())
    assert.ok(passes.length > 5, "axe has looked")
    const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical")
    const told = serious.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" | ")}`)
    assert.deepEqual(told, [], name)
  }

  async function register(page, base, email) {
    await page.goto(`${base}/ui/registration`)
    await page.locator('[name="traits.email"]').fill(email)
    const submit = page.locator('form button[type="submit"]').last()
    if (!(await page.locator('[name="password"]').isVisible())) await submit.click()
    await page.locator('[name="password"]').fill(password)
    await page.locator('button[name="method"][value="password"], form button[type="submit"]').last().click()
    await page.waitForURL(`${base}/ui/session`)
    await page.getByText(email).waitFor()
  }

  async function signIn(page, email, secret) {
    await page.locator('[name="identifier"]').fill(email)
    await page.locator('[name="password"]').fill(secret)
    await page.locator('form button[type="submit"]').last().click()
  }

  test("sign up, sign out, a wrong password, the right one", async () => {
    const { page, leave } = await visitor()
    await page.goto(`${demo}/ui/registration`)
    await page.locator('[name="traits.email"]').waitFor()
    await look(page, "registration-desktop-light")
    await register(page, demo, "ada@example.org")
    await look(page, "session-desktop-light")

    await page.getByRole("button", { name: "Sign out" }).click()
    await page.waitForURL(`${demo}/ui/login?**`)
    await page.locator('[name="identifier"]').waitFor()
    await look(page, "login-desktop-light")

    await signIn(page, "ada@example.org", "not the password at all")
    await page.getByRole("alert").filter({ hasText: /\w/ }).waitFor()
    await look(page, "login-wrong-password-desktop-light")
    assert.match(page.url(), /\/ui\/login\?/)

    await signIn(page, "ada@example.org", password)
    await page.waitForURL(`${demo}/ui/session`)
    await page.getByText("ada@example.org").waitFor()
    await leave()
  })

  test("the project demo: confirm the address by the code kept, sign in by another, delete the account", async () => {
    const base = `${server.origin}/p/demo`
    const email = "ada@example.com"
    const { page, leave } = await visitor()
    const next = () => page.locator('form button[type="submit"]').last().click()
    const press = (text) => page.getByText(text, { exact: true }).first().click()
    const code = async (subject) => {
      const aside = await page.context().newPage()
      await aside.goto(`${base}/ui/mail`)
      // The page looks again by itself.
      const title = await aside.getByRole("link", { name: subject }).first().innerText()
      await aside.close()
      return title.match(/\d{6}/)[0]
    }

    await page.goto(`${base}/ui/registration`)
    await page.locator('[name="traits.email"]').fill(email)
    await next()
    await press("Password")
    await page.locator('[name="password"]').fill(password)
    await next()
    await page.waitForURL(`${base}/ui/verification?**`)
    await page.locator('[name="code"]').fill(await code(/confirms your address/))
    await page.getByRole("button", { name: "Continue" }).click()
    await page.getByText(/successfully verified/).waitFor()
    await page.goto(`${base}/ui/session`)
    await page.getByRole("button", { name: "Sign out" }).click()

    await page.waitForURL(`${base}/ui/login?**`)
    await page.locator('[name="identifier"]').fill(email)
    await next()
    await page.getByText(`Send code to ${email}`, { exact: true }).waitFor()
    await look(page, "demo-login-methods-desktop-light")
    await press(`Send code to ${email}`)
    await page.locator('[name="code"]').waitFor()
    await page.locator('[name="code"]').fill(await code(/sign/i))
    await page.getByRole("button", { name: "Continue" }).click()
    await page.waitForURL(`${base}/ui/session`)

    await page.goto(`${base}/ui/settings`)
    await page.locator('[name="account_confirmation"]').fill(email)
    await look(page, "demo-settings-desktop-light")
    await page.getByRole("button", { name: "Delete my account" }).click()
    await page.waitForURL(`${base}/ui/login?**`)
    await leave()
  })

  test("two projects in one browser know nothing of each other", async () => {
    const hooks = [{ hook: "session" }]
    const config = { selfservice: { flows: { registration: { after: { password: { hooks } } } } } }
    const second = await project("second", "Second & Söhne", config)
    const { page, leave } = await visitor()
    await register(page, demo, "bob@example.org")
    await register(page, second, "eve@example.org")
    await look(page, "session-second-project-desktop-light")
    await page.goto(`${demo}/ui/session`)
    await page.getByText("bob@example.org").waitFor()
    await page.getByRole("button", { name: "Sign out" }).click()
    await page.waitForURL(`${demo}/ui/login?**`)
    await page.goto(`${second}/ui/session`)
    await page.getByText("eve@example.org").waitFor()
    await leave()
  })

  test("phone, dark, German", async () => {
    const { page, leave } = await visitor({ viewport: phone, colorScheme: "dark", locale: "de-AT" })
    await page.goto(`${demo}/ui/login`)
    await page.locator('[name="identifier"]').waitFor()
    assert.equal(await page.locator("html").getAttribute("lang"), "de")
    assert.match(await page.title(), /^Anmelden · Demo$/)
    await look(page, "login-phone-dark-german")
    await signIn(page, "niemand@example.org", "not the password at all")
    await page.getByRole("alert").filter({ hasText: /\w/ }).waitFor()
    await look(page, "login-wrong-password-phone-dark-german")
    await register(page, demo, "frieda@example.org")
    await look(page, "session-phone-dark-german")
    await leave()
  })

  test("light on a phone, dark on a desktop", async () => {
    for (const [name, options] of Object.entries({
      "phone-light": { viewport: phone },
      "desktop-dark": { colorScheme: "dark" },
    })) {
      const { page, leave } = await visitor(options)
      for (const flow of ["login", "registration"]) {
        await page.goto(`${demo}/ui/${flow}`)
        await page.locator("form input:visible").first().waitFor()
        await look(page, `${flow}-${name}`)
      }
      await register(page, demo, `${name}@example.org`)
      await look(page, `session-${name}`)
      await leave()
    }
  })

  test("the second step of registration, and a password that is too short", async () => {
    const { page, leave } = await visitor()
    await page.goto(`${demo}/ui/registration`)
    await page.locator('[name="traits.email"]').fill("grace@example.org")
    await page.locator('form button[type="submit"]').last().click()
    await page.locator('[name="password"]').fill("abc")
    await look(page, "registration-second-step-desktop-light")
    await page.locator('form button[type="submit"]').last().click()
    await page.getByRole("alert").filter({ hasText: /\w/ }).waitFor()
    assert.equal(await page.locator('[name="password"]').getAttribute("aria-invalid"), "true")
    await look(page, "registration-short-password-desktop-light")

    // Back to the first step: a form that the browser posts itself.
    await page.getByRole("button", { name: "grace@example.org" }).click()
    await page.locator('[name="traits.email"]:visible').waitFor()
    assert.equal(await page.locator('[name="traits.email"]').inputValue(), "grace@example.org")
    await leave()
  })

  test("a logo in place of the name, from the one host that the policy allows for it", async () => {
    const logos = "https://logos.example"
    const branding = { logo_light_url: `${logos}/light.svg`, logo_dark_url: `${logos}/dark.svg` }
    const branded = await project("branded", "Branded", { insula: { branding } })
    const page = await fetch(`${branded}/ui/login`)
    assert.match(page.headers.get("content-security-policy"), /img-src 'self' data: https:\/\/logos\.example;/)
    for (const colorScheme of ["light", "dark"]) {
      const { page, context, leave } = await visitor({ colorScheme, logos })
      const fill = colorScheme === "dark" ? "#7dd3fc" : "#0369a1"
      const body = `<svg xmlns="http://www.w3.org/2000/svg" width="120" height="36"><rect width="120" height="36" rx="8" fill="${fill}"/></svg>`
      await context.route(`${logos}/${colorScheme}.svg`, (route) => route.fulfill({ contentType: "image/svg+xml", body }))
      await page.goto(`${branded}/ui/login`)
      await page.locator(`img[src="${logos}/${colorScheme}.svg"]`).waitFor()
      await look(page, `login-logo-desktop-${colorScheme}`)
      await page.goto(`${branded}/ui/recovery`)
      await page.getByRole("img", { name: "Branded" }).waitFor()
      await leave()
    }
  })

  test("a new address counts once it is verified", async () => {
    const hooks = [{ hook: "verify_new_address" }]
    const base = await project("held", "Held back", {
      selfservice: { flows: {
        registration: { after: { password: { hooks: [{ hook: "session" }] } } },
        verification: { enabled: true },
        settings: { after: { profile: { hooks } } },
      } },
    })
    const { page, leave } = await visitor()
    await register(page, base, "old@example.org")
    await page.goto(`${base}/ui/session`)
    await page.locator("a.button.quiet").first().click()
    const email = page.locator('[name="traits.email"]')
    await email.fill("new@example.org")
    await page.locator('form:has([name="traits.email"]) button[type="submit"]').first().click()
    await page.waitForURL(`${base}/ui/verification?**`)
    await page.locator('[name="code"]').waitFor()
    await look(page, "verification-of-a-new-address")

    const newest = (await (await fetch(`${base}/ui/mail`)).text()).match(/href="(mail\/[^"]+)"/)[1]
    const mail = await (await fetch(`${base}/ui/${newest}`)).text()
    assert.match(mail, /new@example\.org/)
    const code = mail.match(/\b\d{6}\b/)[0]
    await page.goto(`${base}/ui/session`)
    await page.getByText("old@example.org").waitFor()
    await page.goBack()
    await page.locator('[name="code"]').fill(code)
    await page.locator('form button[type="submit"]').first().click()
    await page.locator('[name="code"]').waitFor({ state: "detached" })
    await page.goto(`${base}/ui/session`)
    await page.getByText("new@example.org").waitFor()
    await leave()
  })

  test("what the project has not enabled says so, and an error without an id too", async () => {
    const { page, leave } = await visitor()
    for (const name of ["recovery", "verification"]) {
      await page.goto(`${demo}/ui/${name}`)
      await page.getByText("has not enabled this page").waitFor()
    }
    await look(page, "not-enabled-desktop-light")
    await page.goto(`${demo}/ui/error`)
    await page.getByRole("heading", { name: "Something went wrong" }).waitFor()
    await look(page, "error-desktop-light")
    await leave()
  })

  test("an error of a flow is shown with what is known of it", async () => {
    const { page, leave } = await visitor()
    const elsewhere = encodeURIComponent("https://elsewhere.example/")
    await page.goto(`${demo}/self-service/login/browser?return_to=${elsewhere}`)
    await page.waitForURL(`${demo}/ui/error?id=**`)
    await page.getByText("elsewhere.example").first().waitFor()
    await look(page, "error-of-a-flow-desktop-light")
    await leave()
  })

  test("a browser that keeps no cookies is told so instead of going round in circles", async () => {
    const { page, context } = await visitor()
    // What the server answers whoever lacks the cookie of a flow.
    await context.route("**/self-service/login/flows**", (route) =>
      route.fulfill({ status: 403, json: { error: { id: "security_csrf_violation" } } }),
    )
    await page.goto(`${demo}/ui/login`)
    await page.getByRole("heading", { name: "Cookies are needed" }).waitFor()
    await context.close()
  })

  test("a server that is away is noticed", async () => {
    const { page, context } = await visitor()
    await page.goto(`${demo}/ui/login`)
    await page.locator('[name="identifier"]').waitFor()
    await context.setOffline(true)
    await signIn(page, "ada@example.org", password)
    await page.locator("#notice").filter({ hasText: "did not work" }).waitFor()
    await context.close()
  })

  test("headers: pages are asked for anew, files are kept, nothing sets a cookie", async () => {
    const page = await fetch(`${demo}/ui/login`)
    assert.equal(page.headers.get("cache-control"), "no-cache")
    assert.match(page.headers.get("content-security-policy"), /^default-src 'none'; script-src 'self';/)
    assert.equal(page.headers.get("set-cookie"), null)
    const script = (await page.text()).match(/src="\.\/(assets\/[^"]+\.js)"/)[1]
    for (const encoding of ["br", "gzip", null]) {
      const file = await fetch(`${demo}/ui/${script}`, { headers: { "accept-encoding": encoding ?? "identity" } })
      assert.equal(file.status, 200)
      assert.equal(file.headers.get("content-encoding"), encoding)
      assert.equal(file.headers.get("cache-control"), "public, max-age=31536000, immutable")
      assert.equal(file.headers.get("vary"), "Accept-Encoding")
      assert.equal(file.headers.get("set-cookie"), null)
      assert.match(await file.text(), /createElement|jsx/)
    }
    const config = await (await fetch(`${demo}/ui/config.json`)).json()
    assert.equal(config.name, "Demo")
    assert.equal(config.login_ui_url, `${demo}/ui/login`)
    assert.equal(config.recovery_enabled, false)
    for (const none of ["login/", "", "nothing", "assets/nothing.js", "assets/..%2Findex.html"]) {
      assert.equal((await fetch(`${demo}/ui/${none}`)).status, 404, none)
    }
  })
})
