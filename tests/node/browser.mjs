// A single-page application: the SDK in a browser that keeps the cookies and adds the CSRF token.

import assert from "node:assert/strict"
import { test } from "node:test"

import { Configuration, FrontendApi } from "@ory/kratos-client"

import { Browser, input, messages, refusal, watched } from "./clients.mjs"

const PASSWORD = "correct-horse-battery"

function visitor(site) {
  const at = new Browser()
  const frontend = watched(new FrontendApi(new Configuration({ basePath: site.base }), undefined, at.axios()))
  return { at, frontend }
}

const token = (flow) => input(flow, "csrf_token").attributes.value

export function browser(site) {
  test("signs up, out and in", async () => {
    const { at, frontend } = visitor(site)
    const { data: form } = await frontend.createBrowserRegistrationFlow()
    assert.equal(form.type, "browser")
    assert.ok(token(form).length > 40)
    assert.deepEqual((await frontend.getRegistrationFlow({ id: form.id })).data, form)
    const traits = { email: "script@example.org" }
    const sent = { method: "password", password: PASSWORD, traits, csrf_token: token(form) }
    const { data: made } = await frontend.updateRegistrationFlow({ flow: form.id, updateRegistrationFlowBody: sent })
    assert.equal(made.identity.traits.email, traits.email)
    assert.equal(made.session_token, undefined, "a script never sees a token")
    assert.deepEqual(made.continue_with, [
      { action: "redirect_browser_to", redirect_browser_to: `${site.base}/ui/session` },
    ])
    assert.ok(at.jar.names().includes("ory_session_plain"))

    const { data: session } = await frontend.toSession()
    assert.equal(session.identity.id, made.identity.id)
    const taken = await refusal(frontend.createBrowserLoginFlow())
    assert.deepEqual([taken.status, taken.error.id], [400, "session_already_available"])

    const { data: logout } = await frontend.createBrowserLogoutFlow()
    assert.equal(logout.logout_url, `${site.base}/self-service/logout?token=${logout.logout_token}`)
    assert.equal((await refusal(frontend.updateLogoutFlow({ token: "not-mine" }))).status, 403)
    assert.equal((await frontend.updateLogoutFlow({ token: logout.logout_token })).status, 204)
    assert.equal((await refusal(frontend.toSession())).status, 401)
    const nobody = await refusal(frontend.createBrowserLogoutFlow())
    assert.deepEqual([nobody.status, nobody.error.id], [401, "session_inactive"])

    const { data: flow } = await frontend.createBrowserLoginFlow({ returnTo: `${site.base}/ui/welcome` })
    assert.equal(flow.return_to, `${site.base}/ui/welcome`)
    const body = { method: "password", identifier: traits.email, csrf_token: token(flow) }
    const submit = (password) =>
      frontend.updateLoginFlow({ flow: flow.id, updateLoginFlowBody: { ...body, password } })
    const wrong = await refusal(submit("not-the-password"))
    assert.deepEqual([wrong.status, messages(wrong.ui)], [400, [4000006]])
    const { data: done } = await submit(PASSWORD)
    assert.equal(done.session.identity.id, made.identity.id)
    assert.equal(done.continue_with[0].redirect_browser_to, `${site.base}/ui/welcome`)
    assert.notEqual(done.session.id, session.id)
  })

  test("changes what is stored", async () => {
    const { frontend } = visitor(site)
    const nobody = await refusal(frontend.createBrowserSettingsFlow())
    assert.deepEqual([nobody.status, nobody.error.id], [401, "session_inactive"])
    const { data: form } = await frontend.createBrowserRegistrationFlow()
    const traits = { email: "browser-settings@example.org" }
    const sent = { method: "password", password: PASSWORD, traits, csrf_token: token(form) }
    await frontend.updateRegistrationFlow({ flow: form.id, updateRegistrationFlowBody: sent })
    const returnTo = `${site.base}/ui/welcome`
    const { data: flow } = await frontend.createBrowserSettingsFlow({ returnTo })
    assert.equal(flow.return_to, returnTo)
    assert.deepEqual((await frontend.getSettingsFlow({ id: flow.id })).data, flow)
    const submit = (body) => frontend.updateSettingsFlow({ flow: flow.id, updateSettingsFlowBody: body })
    const password = "a-better-staple-now"
    const forged = await refusal(submit({ method: "password", password }))
    assert.deepEqual([forged.status, forged.error.id], [403, "security_csrf_violation"])
    const { data: saved } = await submit({ method: "password", password, csrf_token: token(flow) })
    assert.equal(saved.state, "success")
    assert.deepEqual(messages(saved.ui), [1050001])
    assert.deepEqual(saved.continue_with, [{ action: "redirect_browser_to", redirect_browser_to: returnTo }])
    assert.deepEqual((await frontend.toSession()).data.identity.traits, traits)
  })

  test("is protected against other sites", async () => {
    const { frontend } = visitor(site)
    const { data: flow } = await frontend.createBrowserLoginFlow()
    const body = { method: "password", identifier: "a", password: "b" }
    const forged = await refusal(frontend.updateLoginFlow({ flow: flow.id, updateLoginFlowBody: body }))
    assert.deepEqual([forged.status, forged.error.id], [403, "security_csrf_violation"])
    const stranger = visitor(site).frontend
    const peeked = await refusal(stranger.getLoginFlow({ id: flow.id }))
    assert.deepEqual([peeked.status, peeked.error.id], [403, "security_csrf_violation"])
    const evil = await refusal(stranger.createBrowserLoginFlow({ returnTo: "https://evil.example" }))
    assert.deepEqual([evil.status, evil.error.id], [400, "self_service_flow_return_to_forbidden"])
  })

  test("sees and ends its sessions", async () => {
    const email = "places@example.org"
    const here = visitor(site)
    const { data: form } = await here.frontend.createBrowserRegistrationFlow()
    const sent = { method: "password", password: PASSWORD, traits: { email }, csrf_token: token(form) }
    await here.frontend.updateRegistrationFlow({ flow: form.id, updateRegistrationFlowBody: sent })
    const elsewhere = []
    for (let n = 0; n < 2; n += 1) {
      const { frontend } = visitor(site)
      const { data: flow } = await frontend.createBrowserLoginFlow()
      const body = { method: "password", identifier: email, password: PASSWORD, csrf_token: token(flow) }
      const { data } = await frontend.updateLoginFlow({ flow: flow.id, updateLoginFlowBody: body })
      elsewhere.push({ frontend, session: data.session })
    }
    const { data: listed } = await here.frontend.listMySessions()
    assert.deepEqual(new Set(listed.map(({ id }) => id)), new Set(elsewhere.map(({ session }) => session.id)))
    await here.frontend.disableMySession({ id: elsewhere[0].session.id })
    assert.equal((await refusal(elsewhere[0].frontend.toSession())).status, 401)
    await here.frontend.disableMyOtherSessions()
    assert.equal((await refusal(elsewhere[1].frontend.toSession())).status, 401)
    assert.equal((await here.frontend.toSession()).data.identity.traits.email, email)
  })
}
