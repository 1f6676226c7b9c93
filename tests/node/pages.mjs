// A user interface rendered by a server, with the requests that Ory's reference UI for Node makes:
// redirects to the init URL with every parameter, empty ones too; the SDK called with the visitor's
// cookies; the form posted by the browser itself, field by field as drawn.

import assert from "node:assert/strict"
import { test } from "node:test"

import { Configuration, FrontendApi } from "@ory/kratos-client"

import { Browser, input, messages, refusal, watched } from "./clients.mjs"

const PASSWORD = "correct-horse-battery"
/** What the reference UI takes for the id of a flow: UUIDs of the versions 1 to 5. */
const FLOW_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/** The UI: it knows no session of its own and passes the visitor's cookies on. */
class Pages {
  constructor(site) {
    this.base = site.base
    this.sdk = watched(new FrontendApi(new Configuration({ basePath: site.base })))
  }

  /** Where `/login` and the like send a visitor who brings no flow. */
  init(kind, query = {}) {
    const all = { aal: "", refresh: "", return_to: "", organization: "", via: "", ...query }
    const wanted = kind === "login" ? all : { return_to: "", organization: "", ...query }
    return `${this.base}/self-service/${kind}/browser?${new URLSearchParams(wanted)}`
  }

  /** The flow of an init answer, read with the visitor's cookies: what the page is drawn from. */
  async page(kind, at, answer) {
    assert.ok([302, 303].includes(answer.status), `${answer.status}`)
    const url = new URL(answer.location)
    assert.equal(url.origin + url.pathname, `${this.base}/ui/${kind}`)
    const id = url.searchParams.get("flow")
    assert.match(id, FLOW_ID)
    const request = { id, cookie: `${at.jar}` }
    const read = kind === "login" ? this.sdk.getLoginFlow(request) : this.sdk.getRegistrationFlow(request)
    const { data } = await read
    assert.equal(data.id, id)
    assert.equal(data.ui.method, "POST")
    return data
  }

  async open(kind, at, query) {
    return this.page(kind, at, await at.go(this.init(kind, query)))
  }

  /** What the reference UI does with the failure of a read: 403, 404 and 410 begin anew. */
  restart(kind, failure) {
    assert.ok([403, 404, 410].includes(failure.status), `${failure.status}`)
    return this.init(kind)
  }
}

/** The browser's submission: every input as drawn, what a person typed, and the button pressed. */
function submission(flow, typed, button) {
  const fields = []
  for (const { attributes: a } of flow.ui.nodes) {
    if (a.node_type !== "input" || a.disabled) continue
    if (a.type === "submit") {
      if (a.name === "method" && a.value === button) fields.push([a.name, a.value])
    } else {
      fields.push([a.name, `${typed[a.name] ?? a.value ?? ""}`])
    }
  }
  return fields
}

const send = (at, flow, typed, button) => at.go(flow.ui.action, submission(flow, typed, button))

async function register(ui, at, email) {
  const first = await ui.open("registration", at)
  const forth = await send(at, first, { "traits.email": email }, "profile")
  const second = await ui.page("registration", at, forth)
  assert.equal(second.id, first.id)
  assert.deepEqual(messages(second.ui), [1040009])
  return send(at, second, { password: PASSWORD }, "password")
}

export function pages(site) {
  test("registration in two steps", async () => {
    const ui = new Pages(site)
    const at = new Browser()
    const start = await ui.open("registration", at)
    assert.equal(input(start, "method", "profile").attributes.type, "submit")
    const refused = await send(at, start, { "traits.email": "nope" }, "profile")
    assert.equal(refused.status, 302, "the one redirect of this number")
    const shown = await ui.page("registration", at, refused)
    assert.deepEqual(messages(input(shown, "traits.email")), [4000040])
    assert.equal(input(shown, "traits.email").attributes.value, "nope")

    const done = await register(ui, at, "page@example.org")
    assert.deepEqual(done, { status: 303, location: `${site.base}/ui/session` })
    const { data: session } = await ui.sdk.toSession({ cookie: `${at.jar}` })
    assert.equal(session.identity.traits.email, "page@example.org")
  })

  test("login, refused and accepted", async () => {
    const ui = new Pages(site)
    await register(ui, new Browser(), "visitor@example.org")
    const at = new Browser()
    const flow = await ui.open("login", at, { return_to: `${site.base}/ui/welcome` })
    assert.equal(flow.requested_aal, "aal1")
    assert.equal(flow.return_to, `${site.base}/ui/welcome`)
    const typed = { identifier: "visitor@example.org", password: "not-the-password" }
    const again = await ui.page("login", at, await send(at, flow, typed, "password"))
    assert.equal(again.id, flow.id)
    assert.deepEqual(messages(again.ui), [4000006])
    assert.equal(input(again, "identifier").attributes.value, typed.identifier)
    const done = await send(at, again, { password: PASSWORD }, "password")
    assert.deepEqual(done, { status: 303, location: `${site.base}/ui/welcome` })

    // The guard of every page, and the page of sessions.
    const { data: session } = await ui.sdk.toSession({ cookie: `${at.jar}` })
    assert.equal(session.authenticator_assurance_level, "aal1")
    const [{ method, aal, completed_at: at1 }] = session.authentication_methods
    assert.deepEqual([method, aal], ["password", "aal1"])
    assert.ok(Date.parse(at1) <= Date.now() + 1000)
    assert.ok(session.devices[0].user_agent.length > 0)
    assert.ok(Date.parse(session.expires_at) > Date.parse(session.authenticated_at))
    const { data: others } = await ui.sdk.listMySessions({ cookie: `${at.jar}` })
    assert.equal(others.length, 1)

    // Signed in already: no second form, unless it is asked for.
    const idle = await at.go(ui.init("login"))
    assert.deepEqual(idle, { status: 303, location: `${site.base}/ui/session` })
    const fresh = await ui.open("login", at, { refresh: "true" })
    assert.equal(fresh.refresh, true)
    assert.equal(input(fresh, "identifier").attributes.type, "hidden")
    const renewed = await send(at, fresh, { password: PASSWORD }, "password")
    assert.equal(renewed.status, 303)
    const { data: after } = await ui.sdk.toSession({ cookie: `${at.jar}` })
    assert.equal(after.id, session.id)
    assert.ok(Date.parse(after.authenticated_at) > Date.parse(session.authenticated_at))
  })

  test("a flow of somebody else, and none at all", async () => {
    const ui = new Pages(site)
    const at = new Browser()
    const { id } = await ui.open("login", at)
    const stranger = await refusal(ui.sdk.getLoginFlow({ id }))
    assert.deepEqual([stranger.status, stranger.error.id], [403, "security_csrf_violation"])
    const unknown = await refusal(
      ui.sdk.getLoginFlow({ id: "3f0b2f0e-8f5c-4d2a-9b57-0d6a3f6a1c11", cookie: `${at.jar}` }),
    )
    assert.equal(unknown.status, 404)
    for (const failure of [stranger, unknown]) {
      await ui.page("login", at, await at.go(ui.restart("login", failure)))
    }
    assert.equal((await refusal(ui.sdk.toSession({ cookie: `${at.jar}` }))).status, 401)
  })

  test("the link that signs out", async () => {
    const ui = new Pages(site)
    const at = new Browser()
    const hidden = await refusal(ui.sdk.createBrowserLogoutFlow({ cookie: `${at.jar}` }))
    assert.equal(hidden.status, 401, "no link for nobody")
    await register(ui, at, "leaver@example.org")
    const { data } = await ui.sdk.createBrowserLogoutFlow({
      cookie: `${at.jar}`,
      returnTo: `${site.base}/ui/welcome`,
    })
    const left = await at.go(data.logout_url)
    assert.deepEqual(left, { status: 303, location: `${site.base}/ui/welcome` })
    assert.ok(!at.jar.names().includes("ory_session_plain"))
    assert.equal((await refusal(ui.sdk.toSession({ cookie: `${at.jar}` }))).status, 401)
  })

  test("the error page", async () => {
    const ui = new Pages(site)
    const at = new Browser()
    const flow = await ui.open("login", at)
    const forged = await new Browser().go(flow.ui.action, [
      ["method", "password"],
      ["identifier", "a"],
      ["password", "b"],
    ])
    assert.equal(forged.status, 303)
    const url = new URL(forged.location)
    assert.equal(url.origin + url.pathname, `${site.base}/ui/error`)
    const { data } = await ui.sdk.getFlowError({ id: url.searchParams.get("id") })
    assert.equal(data.id, url.searchParams.get("id"))
    assert.deepEqual([data.error.id, data.error.code], ["security_csrf_violation", 403])
    assert.ok(data.error.message.length > 0 && data.error.reason.length > 0)
    assert.equal((await ui.sdk.getFlowError({ id: "stub:500" })).data.error.code, 500)
    assert.equal((await refusal(ui.sdk.getFlowError({ id: "nothing" }))).status, 404)
  })
}
