// The account pages as people see them: sign up, sign in, sign out, in two projects, two languages, two
// colour schemes, on phone and desktop. Any error of a script, any request to another host and any serious
// finding of axe fails.
import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { look, password, phone, register, signIn, skip, stage } from "./stage.mjs"

describe("account pages", { skip }, () => {
  const on = stage()

  test("sign up, sign out, a wrong password, the right one", async () => {
    const { page, leave } = await on.visitor()
    await page.goto(`${on.plain}/ui/registration`)
    await page.locator('[name="traits.email"]').waitFor()
    await look(page, "registration-desktop-light")
    await register(page, on.plain, "ada@example.org")
    await look(page, "session-desktop-light")

    await page.getByRole("button", { name: "Sign out" }).click()
    await page.waitForURL(`${on.plain}/ui/login?**`)
    await page.locator('[name="identifier"]').waitFor()
    await look(page, "login-desktop-light")

    await signIn(page, "ada@example.org", "not the password at all")
    await page.getByRole("alert").filter({ hasText: /\w/ }).waitFor()
    await look(page, "login-wrong-password-desktop-light")
    assert.match(page.url(), /\/ui\/login\?/)

    await signIn(page, "ada@example.org", password)
    await page.waitForURL(`${on.plain}/ui/session`)
    await page.getByText("ada@example.org").waitFor()
    await leave()
  })

  test("the project demo: confirm the address by the code kept, sign in by another, delete the account", async () => {
    const base = `${on.server.origin}/p/demo`
    const [email, other] = ["ada@example.com", "lovelace@example.com"]
    const { page, leave } = await on.visitor()
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
    await page.locator('[name="traits.email"]').fill(other)
    await page.locator('button[value="profile"]').click()
    await page.waitForURL(`${base}/ui/verification?**`)
    await page.locator('[name="code"]').fill(await code(/confirms your address/))
    await page.getByRole("button", { name: "Continue" }).click()
    await page.getByText(/successfully verified/).waitFor()

    await page.goto(`${base}/ui/settings`)
    await page.locator('[name="account_confirmation"]').fill(other)
    await look(page, "demo-settings-desktop-light")
    await page.getByRole("button", { name: "Delete my account" }).click()
    await page.getByRole("heading", { name: "Your account is deleted" }).waitFor()
    await leave()
  })

  test("two projects in one browser know nothing of each other", async () => {
    const hooks = [{ hook: "session" }]
    const config = { selfservice: { flows: { registration: { after: { password: { hooks } } } } } }
    const second = await on.project("second", "Second & Söhne", config)
    const { page, leave } = await on.visitor()
    await register(page, on.plain, "bob@example.org")
    await register(page, second, "eve@example.org")
    await look(page, "session-second-project-desktop-light")
    await page.goto(`${on.plain}/ui/session`)
    await page.getByText("bob@example.org").waitFor()
    await page.getByRole("button", { name: "Sign out" }).click()
    await page.waitForURL(`${on.plain}/ui/login?**`)
    await page.goto(`${second}/ui/session`)
    await page.getByText("eve@example.org").waitFor()
    await leave()
  })

  test("phone, dark, German", async () => {
    const { page, leave } = await on.visitor({ viewport: phone, colorScheme: "dark", locale: "de-AT" })
    await page.goto(`${on.plain}/ui/login`)
    await page.locator('[name="identifier"]').waitFor()
    assert.equal(await page.locator("html").getAttribute("lang"), "de")
    assert.match(await page.title(), /^Anmelden · Demo$/)
    await look(page, "login-phone-dark-german")
    await page.getByRole("button", { name: "Passwort zeigen" }).click()
    await page.getByRole("button", { name: "Passwort verbergen" }).click()
    await signIn(page, "niemand@example.org", "not the password at all")
    await page.getByRole("alert").filter({ hasText: /\w/ }).waitFor()
    await look(page, "login-wrong-password-phone-dark-german")
    await page.goto(`${on.plain}/ui/registration`)
    await page.getByText("Registrieren Sie sich mit E-Mail-Adresse").waitFor()
    await look(page, "registration-phone-dark-german")
    await register(page, on.plain, "frieda@example.org")
    await page.getByText("E-Mail-Adresse", { exact: true }).waitFor()
    await look(page, "session-phone-dark-german")
    await page.goto(`${on.plain}/self-service/settings/browser?return_to=${encodeURIComponent("https://elsewhere.example/")}`)
    await page.getByText("An der Anfrage war etwas nicht so").waitFor()
    await look(page, "error-phone-dark-german")
    assert.doesNotMatch(await page.locator("main").innerText(), /Time|Message|malformed/)
    await leave()
  })

  test("light on a phone, dark on a desktop", async () => {
    for (const [name, options] of Object.entries({
      "phone-light": { viewport: phone },
      "desktop-dark": { colorScheme: "dark" },
    })) {
      const { page, leave } = await on.visitor(options)
      for (const flow of ["login", "registration"]) {
        await page.goto(`${on.plain}/ui/${flow}`)
        await page.locator("form input:visible").first().waitFor()
        await look(page, `${flow}-${name}`)
      }
      await register(page, on.plain, `${name}@example.org`)
      await look(page, `session-${name}`)
      await leave()
    }
  })

  test("the second step of registration, and a password that is too short", async () => {
    const { page, leave } = await on.visitor()
    await page.goto(`${on.plain}/ui/registration`)
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
    const branded = await on.project("branded", "Branded", { insula: { branding } })
    const page = await fetch(`${branded}/ui/login`)
    assert.match(page.headers.get("content-security-policy"), /img-src 'self' data: https:\/\/logos\.example;/)
    for (const colorScheme of ["light", "dark"]) {
      const { page, context, leave } = await on.visitor({ colorScheme, logos })
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
    const base = await on.project("held", "Held back", {
      selfservice: { flows: {
        registration: { after: { password: { hooks: [{ hook: "session" }] } } },
        verification: { enabled: true },
        settings: { after: { profile: { hooks } } },
      } },
    })
    const { page, leave } = await on.visitor()
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
    const { page, leave } = await on.visitor()
    for (const name of ["recovery", "verification"]) {
      await page.goto(`${on.plain}/ui/${name}`)
      await page.getByText("has not enabled this page").waitFor()
    }
    await look(page, "not-enabled-desktop-light")
    await page.goto(`${on.plain}/ui/error`)
    await page.getByRole("heading", { name: "Something went wrong" }).waitFor()
    await look(page, "error-desktop-light")
    await leave()
  })

  test("an error of a flow is shown with what is known of it", async () => {
    const { page, leave } = await on.visitor()
    const elsewhere = encodeURIComponent("https://elsewhere.example/")
    await page.goto(`${on.plain}/self-service/login/browser?return_to=${elsewhere}`)
    await page.waitForURL(`${on.plain}/ui/error?id=**`)
    await page.getByText("elsewhere.example").first().waitFor()
    await look(page, "error-of-a-flow-desktop-light")
    await leave()
  })

  test("opening a page again and again is no circle", async () => {
    const { page, leave } = await on.visitor()
    for (const flow of Array(6).fill("login").concat(Array(6).fill("session"))) {
      await page.goto(`${on.plain}/ui/${flow}`)
      await page.locator('[name="identifier"]').waitFor()
    }
    await leave()
  })

  test("the keyboard stays in the card from step to step", async () => {
    const { page, leave } = await on.visitor()
    const at = (selector) => page.locator(`${selector}:focus`).waitFor()
    await page.goto(`${on.plain}/ui/login`)
    await at('[name="identifier"]')
    await signIn(page, "niemand@example.org", "not the password at all")
    await page.getByRole("alert").filter({ hasText: /\w/ }).waitFor()
    await at("main :is(input, button)")
    await page.goto(`${on.plain}/ui/registration`)
    await page.locator('[name="traits.email"]').fill("hugo@example.org")
    await page.keyboard.press("Enter")
    await at('[name="password"]')
    await page.keyboard.type("abc")
    await page.keyboard.press("Enter")
    await at('[name="password"][aria-invalid="true"]')

    const base = `${on.server.origin}/p/demo`
    await page.goto(`${base}/ui/registration`)
    await page.locator('[name="traits.email"]').fill("hugo@example.org")
    await page.keyboard.press("Enter")
    await page.getByText("Password", { exact: true }).waitFor()
    await at("main h2")
    await page.keyboard.press("Tab")
    await at("main button")
    await leave()
  })

  test("a browser that keeps no cookies is told so instead of going round in circles", async () => {
    const { page, context } = await on.visitor()
    // What the server answers whoever lacks the cookie of a flow.
    await context.route("**/self-service/login/flows**", (route) =>
      route.fulfill({ status: 403, json: { error: { id: "security_csrf_violation" } } }),
    )
    await page.goto(`${on.plain}/ui/login`)
    await page.getByRole("heading", { name: "Cookies are needed" }).waitFor()
    await context.close()
  })

  test("a server that is away is noticed", async () => {
    const { page, context } = await on.visitor()
    await page.goto(`${on.plain}/ui/login`)
    await page.locator('[name="identifier"]').waitFor()
    await context.setOffline(true)
    await signIn(page, "ada@example.org", password)
    await page.locator("#notice").filter({ hasText: "did not work" }).waitFor()
    await context.close()
  })

  test("headers: pages are asked for anew, files are kept, nothing sets a cookie", async () => {
    const page = await fetch(`${on.plain}/ui/login`)
    assert.equal(page.headers.get("cache-control"), "no-cache")
    assert.match(page.headers.get("content-security-policy"), /^default-src 'none'; script-src 'self';/)
    assert.equal(page.headers.get("set-cookie"), null)
    const script = (await page.text()).match(/src="\.\/(assets\/[^"]+\.js)"/)[1]
    for (const encoding of ["br", "gzip", null]) {
      const file = await fetch(`${on.plain}/ui/${script}`, { headers: { "accept-encoding": encoding ?? "identity" } })
      assert.equal(file.status, 200)
      assert.equal(file.headers.get("content-encoding"), encoding)
      assert.equal(file.headers.get("cache-control"), "public, max-age=31536000, immutable")
      assert.equal(file.headers.get("vary"), "Accept-Encoding")
      assert.equal(file.headers.get("set-cookie"), null)
      assert.match(await file.text(), /createElement|jsx/)
    }
    const config = await (await fetch(`${on.plain}/ui/config.json`)).json()
    assert.equal(config.name, "Demo")
    assert.equal(config.login_ui_url, `${on.plain}/ui/login`)
    assert.equal(config.recovery_enabled, false)
    for (const none of ["login/", "", "nothing", "assets/nothing.js", "assets/..%2Findex.html"]) {
      assert.equal((await fetch(`${on.plain}/ui/${none}`)).status, 404, none)
    }
  })
})
