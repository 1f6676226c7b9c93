// What a page of another origin can do with the session of a visitor, by what the project says of CORS. The page is on
// another port of the same host: the same site, so that the cookies go along.
import assert from "node:assert/strict"
import { createServer } from "node:http"
import { after, before, describe, test } from "node:test"
import { register, skip, stage } from "./stage.mjs"

describe("pages of another origin", { skip }, () => {
  const on = stage()
  let server, elsewhere

  before(async () => {
    server = createServer((_, response) => {
      response.setHeader("content-type", "text/html")
      response.end('<!doctype html><title>Elsewhere</title><link rel="icon" href="data:,">')
    })
    await new Promise((done) => server.listen(0, "127.0.0.1", done))
    elsewhere = `http://localhost:${server.address().port}`
  })

  after(() => server.close())

  /** What becomes of requests that a page elsewhere makes while somebody is signed in. */
  async function asked(slug, cors) {
    const selfservice = { flows: { registration: { after: { password: { hooks: [{ hook: "session" }] } } } } }
    const base = await on.project(slug, "Open", { selfservice, serve: { public: { cors } } })
    const context = await on.browser.newContext()
    const page = await context.newPage()
    await register(page, base, "ada@example.org")
    await page.goto(elsewhere)
    const told = await page.evaluate(async (base) => {
      const ask = (path, options) => fetch(`${base}${path}`, options).then(({ status }) => status, ({ name }) => name)
      return {
        withCookies: await ask("/sessions/whoami", { credentials: "include" }),
        settings: await ask("/self-service/settings/browser", { credentials: "include", headers: { accept: "application/json" } }),
        without: await ask("/sessions/whoami", { credentials: "omit" }),
        // As scripts and images are asked for.
        included: await ask("/sessions/whoami", { mode: "no-cors", credentials: "include" }),
      }
    }, base)
    await context.close()
    return told
  }

  test("a star lends nobody's session", async () => {
    const told = await asked("star", { enabled: true, allowed_origins: ["*"] })
    assert.deepEqual(told, { withCookies: "TypeError", settings: "TypeError", without: 401, included: "TypeError" })
  })

  test("an origin that is listed acts for its visitors", async () => {
    const told = await asked("listed", { enabled: true, allowed_origins: [elsewhere] })
    assert.deepEqual(told, { withCookies: 200, settings: 200, without: 401, included: "TypeError" })
  })

  test("one that is not can do nothing", async () => {
    for (const [slug, allowed_origins] of [["empty", []], ["others", ["http://localhost:3000", "https://*.example.org"]]]) {
      const told = await asked(slug, { enabled: true, allowed_origins })
      assert.deepEqual(new Set(Object.values(told)), new Set(["TypeError"]), slug)
    }
  })
})
