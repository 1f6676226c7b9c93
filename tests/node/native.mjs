// API flows and session tokens, as a mobile application uses them.

import assert from "node:assert/strict"
import { test } from "node:test"

import { Configuration, FrontendApi, MetadataApi } from "@ory/kratos-client"

import { input, messages, outline, refusal, watched } from "./clients.mjs"

const PASSWORD = "correct-horse-battery"

export const anonymous = (site) => watched(new FrontendApi(new Configuration({ basePath: site.base })))

/** Sign up in two steps: who one is, then a password. */
export async function signUp(site, email) {
  const frontend = anonymous(site)
  const { data: flow } = await frontend.createNativeRegistrationFlow()
  const body = { method: "password", password: PASSWORD, traits: { email } }
  const { data } = await frontend.updateRegistrationFlow({ flow: flow.id, updateRegistrationFlowBody: body })
  return data
}

export async function signIn(site, identifier, password = PASSWORD) {
  const frontend = anonymous(site)
  const { data: flow } = await frontend.createNativeLoginFlow()
  const body = { method: "password", identifier, password }
  return (await frontend.updateLoginFlow({ flow: flow.id, updateLoginFlowBody: body })).data
}

export function native(site) {
  test("signs up in two steps", async () => {
    const frontend = anonymous(site)
    const { data: flow } = await frontend.createNativeRegistrationFlow()
    assert.equal(flow.type, "api")
    assert.equal(flow.state, "choose_method")
    assert.equal(flow.request_url, `${site.base}/self-service/registration/api`)
    assert.equal(flow.organization_id, null)
    assert.equal(Date.parse(flow.expires_at) - Date.parse(flow.issued_at), 3_600_000)
    assert.equal(flow.ui.method, "POST")
    assert.equal(flow.ui.action, `${site.base}/self-service/registration?flow=${flow.id}`)
    assert.deepEqual(outline(flow), ["default/csrf_token", "default/traits.email", "profile/method=profile"])
    const { attributes, meta } = input(flow, "traits.email")
    assert.equal(attributes.node_type, "input")
    assert.equal(attributes.type, "email")
    assert.equal(attributes.required, true)
    assert.equal(attributes.disabled, false)
    assert.equal(meta.label.id, 1070002)
    assert.deepEqual((await frontend.getRegistrationFlow({ id: flow.id })).data, flow)

    const traits = { email: "two-steps@example.org" }
    const submit = (body) => frontend.updateRegistrationFlow({ flow: flow.id, updateRegistrationFlowBody: body })
    const second = await refusal(submit({ method: "profile", traits }))
    assert.equal(second.status, 400)
    assert.deepEqual(messages(second.ui), [1040009])
    assert.equal(input(second, "password").group, "password")
    assert.equal(input(second, "screen", "previous").attributes.type, "submit")
    assert.equal(input(second, "traits.email").attributes.value, traits.email)

    const short = await refusal(submit({ method: "password", password: "short", traits }))
    assert.deepEqual(messages(input(short, "password")), [4000032])
    assert.deepEqual(input(short, "password").messages[0].context, { actual_length: 5, min_length: 8 })

    const { data: done } = await submit({ method: "password", password: PASSWORD, traits })
    assert.equal(done.identity.traits.email, traits.email)
    assert.equal(done.identity.state, "active")
    assert.equal(done.session.identity.id, done.identity.id)
    assert.match(done.session_token, /^ory_st_\w{32}$/)
    assert.deepEqual(done.continue_with, [
      { action: "set_ory_session_token", ory_session_token: done.session_token },
    ])
    const { data: session } = await frontend.toSession({ xSessionToken: done.session_token })
    assert.equal(session.identity.id, done.identity.id)
  })

  test("signs in, or is told why not", async () => {
    const frontend = anonymous(site)
    const made = await signUp(site, "native@example.org")
    const { data: flow } = await frontend.createNativeLoginFlow()
    assert.equal(flow.type, "api")
    assert.equal(flow.refresh, false)
    assert.equal(flow.requested_aal, "aal1")
    assert.deepEqual(outline(flow), [
      "default/csrf_token",
      "default/identifier",
      "password/password",
      "password/method=password",
    ])
    assert.equal(input(flow, "csrf_token").attributes.value, "")
    assert.equal(input(flow, "password").attributes.autocomplete, "current-password")
    assert.deepEqual((await frontend.getLoginFlow({ id: flow.id })).data, flow)

    const submit = (body) => frontend.updateLoginFlow({ flow: flow.id, updateLoginFlowBody: body })
    const wrong = await refusal(
      submit({ method: "password", identifier: "native@example.org", password: "not-the-password" }),
    )
    assert.equal(wrong.status, 400)
    assert.equal(wrong.id, flow.id)
    assert.deepEqual(messages(wrong.ui), [4000006])
    assert.equal(wrong.ui.messages[0].type, "error")
    assert.equal(input(wrong, "identifier").attributes.value, "native@example.org")
    assert.equal(input(wrong, "password").attributes.value, undefined)

    const empty = await refusal(submit({ method: "password", identifier: "", password: "x" }))
    assert.deepEqual(messages(input(empty, "identifier")), [4000002])

    const { data: done } = await submit({
      method: "password",
      identifier: "native@example.org",
      password: PASSWORD,
    })
    assert.match(done.session_token, /^ory_st_\w{32}$/)
    const { session } = done
    assert.equal(session.active, true)
    assert.equal(session.authenticator_assurance_level, "aal1")
    assert.deepEqual(
      session.authentication_methods.map(({ method, aal }) => [method, aal]),
      [["password", "aal1"]],
    )
    assert.equal(session.identity.id, made.identity.id)
    assert.equal(session.identity.schema_id, "preset://email")
    const { data: schema } = await fetch(session.identity.schema_url).then(async (r) => ({ data: await r.json() }))
    assert.equal(schema.properties.traits.properties.email.format, "email")
    assert.equal(session.devices.length, 1)
    assert.match(session.devices[0].user_agent, /^axios/)
    assert.ok(Date.parse(session.expires_at) > Date.parse(session.issued_at))
  })

  test("sees and ends its sessions", async () => {
    const frontend = anonymous(site)
    const first = await signUp(site, "sessions@example.org")
    const others = []
    for (let n = 0; n < 3; n += 1) others.push(await signIn(site, "sessions@example.org"))
    const mine = { xSessionToken: first.session_token }

    const all = await frontend.listMySessions(mine)
    assert.equal(all.headers["x-total-count"], "3")
    assert.deepEqual(
      all.data.map(({ id }) => id),
      others.map(({ session }) => session.id).reverse(),
    )
    assert.equal(all.data[0].identity.traits.email, "sessions@example.org")
    const seen = []
    for (let page = 1; page <= 2; page += 1) {
      const { data } = await frontend.listMySessions({ ...mine, perPage: 2, page })
      seen.push(...data.map(({ id }) => id))
    }
    assert.deepEqual(seen, all.data.map(({ id }) => id))

    const gone = await frontend.disableMySession({ ...mine, id: others[0].session.id })
    assert.equal(gone.status, 204)
    const stale = await refusal(frontend.toSession({ xSessionToken: others[0].session_token }))
    assert.equal(stale.status, 401)
    assert.equal(stale.error.id, undefined)
    assert.equal(stale.error.code, 401)
    const own = await refusal(frontend.disableMySession({ ...mine, id: first.session.id }))
    assert.equal(own.status, 400)

    const { data: ended } = await frontend.disableMyOtherSessions(mine)
    assert.ok(ended.count >= 2, `${ended.count}`)
    assert.deepEqual((await frontend.listMySessions(mine)).data, [])

    const logout = { performNativeLogoutBody: { session_token: first.session_token } }
    assert.equal((await frontend.performNativeLogout(logout)).status, 204)
    assert.equal((await refusal(frontend.toSession(mine))).status, 401)
    const unknown = { performNativeLogoutBody: { session_token: "ory_st_nobody" } }
    assert.equal((await refusal(frontend.performNativeLogout(unknown))).status, 403)
  })

  test("refreshes its session", async () => {
    const frontend = anonymous(site)
    const { session_token: xSessionToken, session } = await signUp(site, "refresh@example.org")
    const already = await refusal(frontend.createNativeLoginFlow({ xSessionToken }))
    assert.deepEqual([already.status, already.error.id], [400, "session_already_available"])
    const { data: flow } = await frontend.createNativeLoginFlow({ xSessionToken, refresh: true })
    assert.equal(flow.refresh, true)
    assert.deepEqual(messages(flow.ui), [1010003])
    const body = { method: "password", identifier: "refresh@example.org", password: PASSWORD }
    const { data } = await frontend.updateLoginFlow({ flow: flow.id, xSessionToken, updateLoginFlowBody: body })
    assert.equal(data.session.id, session.id)
    assert.ok(Date.parse(data.session.authenticated_at) > Date.parse(session.authenticated_at))
  })

  test("changes what is stored", async () => {
    const frontend = anonymous(site)
    const { session_token: xSessionToken } = await signUp(site, "settings@example.org")
    const nobody = await refusal(frontend.createNativeSettingsFlow())
    assert.deepEqual([nobody.status, nobody.error.id], [401, "session_inactive"])
    const { data: flow } = await frontend.createNativeSettingsFlow({ xSessionToken })
    assert.equal(flow.type, "api")
    assert.equal(flow.state, "show_form")
    assert.equal(flow.ui.action, `${site.base}/self-service/settings?flow=${flow.id}`)
    assert.deepEqual(outline(flow), [
      "default/csrf_token",
      "profile/traits.email",
      "profile/method=profile",
      "password/password",
      "password/method=password",
    ])
    assert.equal(input(flow, "traits.email").attributes.value, "settings@example.org")
    assert.equal(input(flow, "password").attributes.autocomplete, "new-password")
    assert.deepEqual((await frontend.getSettingsFlow({ id: flow.id, xSessionToken })).data, flow)

    const submit = (body) =>
      frontend.updateSettingsFlow({ flow: flow.id, xSessionToken, updateSettingsFlowBody: body })
    const none = await refusal(submit({}))
    assert.deepEqual([none.status, messages(none.ui)], [400, [4010004]])
    const wrong = await refusal(submit({ method: "profile", traits: { email: "nope" } }))
    assert.deepEqual(messages(input(wrong, "traits.email")), [4000040])
    const same = await refusal(submit({ method: "password", password: PASSWORD }))
    assert.deepEqual(messages(input(same, "password")), [4000039])

    const traits = { email: "moved@example.org" }
    const { data: moved } = await submit({ method: "profile", traits })
    assert.equal(moved.state, "success")
    assert.deepEqual(messages(moved.ui), [1050001])
    assert.deepEqual(moved.identity.traits, traits)
    assert.equal(moved.identity.verifiable_addresses[0].value, traits.email)
    assert.equal(moved.continue_with, undefined)
    const { data: saved } = await submit({ method: "password", password: "a-better-staple-now" })
    assert.equal(saved.state, "success")
    const { session } = await signIn(site, traits.email, "a-better-staple-now")
    assert.deepEqual(session.identity.traits, traits)

    const other = await signUp(site, "another@example.org")
    const theirs = await refusal(frontend.getSettingsFlow({ id: flow.id, xSessionToken: other.session_token }))
    assert.deepEqual([theirs.status, theirs.error.id], [403, "security_identity_mismatch"])
  })

  test("asks about health and version", async () => {
    const metadata = watched(new MetadataApi(new Configuration({ basePath: site.base })))
    assert.deepEqual((await metadata.isAlive()).data, { status: "ok" })
    assert.deepEqual((await metadata.isReady()).data, { status: "ok" })
    assert.match((await metadata.getVersion()).data.version, /^v\d+\.\d+\.\d+/)
  })
}
