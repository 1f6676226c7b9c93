// The project `demo` as somebody meets it who tries Insula: the README's first minutes, and the mail that is
// kept for reading.

import assert from "node:assert/strict"
import { test } from "node:test"

import { Configuration, FrontendApi } from "@ory/kratos-client"

import { messages, outline, refusal } from "./clients.mjs"

const ADA = { identifier: "ada@example.com", password: "seven-lazy-otters" }

/** The newest code that somebody was sent, from the page where people read it. */
async function code(base, kind) {
  for (let tries = 0; tries < 100; tries++) {
    const page = await (await fetch(`${base}/ui/mail`)).text()
    const rows = page.split("<tr").filter((row) => row.includes(ADA.identifier) && row.includes(kind))
    const found = rows.length > 0 && /\b\d{6}\b/.exec(rows[0])
    if (found) return found[0]
    await new Promise((wait) => setTimeout(wait, 100))
  }
  assert.fail(`no mail of the kind ${kind}`)
}

export function demo(site) {
  const base = () => `${site.origin}/p/demo`
  const frontend = () => new FrontendApi(new Configuration({ basePath: base() }))

  const login = async (body) => {
    const { data: flow } = await frontend().createNativeLoginFlow()
    const submit = (fields) => frontend().updateLoginFlow({ flow: flow.id, updateLoginFlowBody: fields })
    return body ? submit(body) : { flow, submit }
  }

  test("signing up signs in, and leads to the code that confirms the address", async () => {
    const { data: flow } = await frontend().createNativeRegistrationFlow()
    const body = { method: "password", password: ADA.password, traits: { email: ADA.identifier } }
    const { data } = await frontend().updateRegistrationFlow({ flow: flow.id, updateRegistrationFlowBody: body })
    const [shown, token] = data.continue_with
    assert.deepEqual(token, { action: "set_ory_session_token", ory_session_token: data.session_token })
    assert.equal(shown.flow.url, `${base()}/ui/verification?flow=${shown.flow.id}`)
    const sent = await code(base(), "verification_code_valid")
    await frontend().updateVerificationFlow(
      { flow: shown.flow.id, updateVerificationFlowBody: { method: "code", code: sent } },
      { headers: { Accept: "application/json" } },
    )
    const { data: session } = await frontend().toSession({ xSessionToken: data.session_token })
    assert.equal(session.identity.verifiable_addresses[0].verified, true)
  })

  test("the identifier is asked for first, and programs may send the password with it", async () => {
    const { flow } = await login()
    assert.deepEqual(outline(flow), [
      "identifier_first/identifier",
      "identifier_first/method=identifier_first",
      "default/csrf_token",
    ])
    const { data } = await login({ method: "password", ...ADA })
    const { data: session } = await frontend().toSession({ xSessionToken: data.session_token })
    assert.equal(session.identity.traits.email, ADA.identifier)
    const wrong = await refusal(login({ method: "password", ...ADA, password: "not-the-password" }))
    assert.deepEqual([wrong.status, messages(wrong.ui)], [400, [4000006]])
  })

  test("a code signs in in place of the password", async () => {
    const { submit } = await login()
    const { identifier } = ADA
    const named = await refusal(submit({ method: "identifier_first", identifier }))
    const offered = outline(named)
    for (const way of ["password/method=password", "code/method=code"]) assert.ok(offered.includes(way), `${offered}`)
    assert.equal((await refusal(submit({ method: "code", identifier }))).state, "sent_email")
    const { data } = await submit({ method: "code", identifier, code: await code(base(), "login_code_valid") })
    assert.equal(data.session.authentication_methods[0].method, "code")
  })

  test("a code recovers an account, which can be downloaded and deleted", async () => {
    const { data: flow } = await frontend().createNativeRecoveryFlow()
    const submit = (body) => frontend().updateRecoveryFlow({ flow: flow.id, updateRecoveryFlowBody: body })
    const { data: sent } = await submit({ method: "code", email: ADA.identifier })
    assert.equal(sent.state, "sent_email")
    const passed = await refusal(submit({ method: "code", code: await code(base(), "recovery_code_valid") }))
    assert.deepEqual([passed.status, passed.error.id], [422, "browser_location_change_required"])

    const { data: session } = await login({ method: "password", ...ADA })
    const xSessionToken = session.session_token
    const stored = await fetch(`${base()}/self-service/insula/account/data`, {
      headers: { "X-Session-Token": xSessionToken },
    })
    assert.equal((await stored.json()).identity.traits.email, ADA.identifier)
    const { data: settings } = await frontend().createNativeSettingsFlow({ xSessionToken })
    const updateSettingsFlowBody = { method: "account", account_confirmation: ADA.identifier }
    const { data: done } = await frontend().updateSettingsFlow({ flow: settings.id, xSessionToken, updateSettingsFlowBody })
    assert.deepEqual(messages(done.ui), [1900003])
    assert.equal((await refusal(login({ method: "password", ...ADA }))).status, 400)
  })
}
