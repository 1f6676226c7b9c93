// Verification and recovery, in a project that has them switched on.

import assert from "node:assert/strict"
import { test } from "node:test"

import { Configuration, FrontendApi, IdentityApi } from "@ory/kratos-client"

import { Browser, input, messages, outline, refusal, watched } from "./clients.mjs"
import { createProject } from "./server.mjs"

const PASSWORD = "correct-horse-battery"

const ON = {
  feature_flags: { use_continue_with_transitions: true },
  selfservice: {
    methods: { link: { enabled: true } },
    flows: {
      verification: { enabled: true },
      recovery: { enabled: true },
      registration: {
        style: "unified",
        after: { password: { hooks: [{ hook: "show_verification_ui" }, { hook: "session" }] } },
      },
    },
  },
}

const anonymous = (at) => watched(new FrontendApi(new Configuration({ basePath: at.base })))

export function challenges(site) {
  test("an application sends a code, and is led to the verification of a sign-up", async () => {
    const at = { ...site, base: await createProject(site, "verifies", ON) }
    const frontend = anonymous(at)
    const { data: flow } = await frontend.createNativeVerificationFlow()
    assert.equal(flow.type, "api")
    assert.equal(flow.state, "choose_method")
    assert.equal(flow.active, "code")
    assert.deepEqual(outline(flow), ["code/email", "code/method=code"])
    assert.deepEqual((await frontend.getVerificationFlow({ id: flow.id })).data, flow)
    const submit = (id, body) => frontend.updateVerificationFlow({ flow: id, updateVerificationFlowBody: body })
    const sent = await submit(flow.id, { method: "code", email: "nobody@example.org" })
    assert.equal(sent.status, 200)
    assert.equal(sent.data.state, "sent_email")
    assert.deepEqual(messages(sent.data.ui), [1080003])
    const wrong = await submit(flow.id, { method: "code", code: "000000" })
    assert.deepEqual([wrong.status, messages(wrong.data.ui)], [200, [4070006]])

    const { data: registration } = await frontend.createNativeRegistrationFlow()
    const body = { method: "password", password: PASSWORD, traits: { email: "ada@example.org" } }
    const { data: made } = await frontend.updateRegistrationFlow({
      flow: registration.id,
      updateRegistrationFlowBody: body,
    })
    const [shown, token] = made.continue_with
    assert.equal(token.action, "set_ory_session_token")
    assert.equal(shown.action, "show_verification_ui")
    assert.equal(shown.flow.verifiable_address, "ada@example.org")
    assert.equal(shown.flow.url, `${at.base}/ui/verification?flow=${shown.flow.id}`)
    const { data: announced } = await frontend.getVerificationFlow({ id: shown.flow.id })
    assert.equal(input(announced, "email", "ada@example.org").attributes.type, "submit")
  })

  test("a script begins a verification", async () => {
    const at = { ...site, base: `${site.origin}/p/verifies` }
    const visitor = new Browser()
    const configuration = new Configuration({
      basePath: at.base,
      baseOptions: { headers: { Accept: "application/json" } },
    })
    const frontend = watched(new FrontendApi(configuration, undefined, visitor.axios()))
    const { data: flow } = await frontend.createBrowserVerificationFlow()
    assert.equal(flow.type, "browser")
    const submit = (body) => frontend.updateVerificationFlow({ flow: flow.id, updateVerificationFlowBody: body })
    const forged = await refusal(submit({ method: "code", email: "ada@example.org", csrf_token: "x" }))
    assert.deepEqual([forged.status, forged.error.id], [403, "security_csrf_violation"])
    const csrf_token = input(flow, "csrf_token").attributes.value
    const { data: sent } = await submit({ method: "code", email: "ada@example.org", csrf_token })
    assert.equal(sent.state, "sent_email")
  })

  test("an application gets back in by a code that an administrator handed over", async () => {
    const at = { ...site, base: `${site.origin}/p/verifies` }
    const frontend = anonymous(at)
    const office = watched(new IdentityApi(new Configuration({ basePath: at.base, apiKey: site.rootKey })))
    const [{ id: identity_id }] = (await office.listIdentities({ credentialsIdentifier: "ada@example.org" })).data

    const { data: flow } = await frontend.createNativeRecoveryFlow()
    assert.deepEqual(outline(flow), ["default/csrf_token", "code/email", "code/method=code"])
    const submit = (id, body) => frontend.updateRecoveryFlow({ flow: id, updateRecoveryFlowBody: body })
    const sent = await submit(flow.id, { method: "code", email: "nobody@example.org" })
    assert.deepEqual([sent.status, messages(sent.data.ui)], [200, [1060003]])

    const made = await office.createRecoveryCodeForIdentity({
      createRecoveryCodeForIdentityBody: { identity_id, expires_in: "10m", flow_type: "api" },
    })
    assert.equal(made.status, 201)
    const { recovery_code: code, recovery_link } = made.data
    const id = new URL(recovery_link).searchParams.get("flow")
    const { data: handed } = await frontend.getRecoveryFlow({ id })
    assert.equal(handed.state, "sent_email")
    const { data: done } = await submit(id, { method: "code", code })
    assert.equal(done.state, "passed_challenge")
    const [token, settings] = done.continue_with
    assert.deepEqual([token.action, settings.action], ["set_ory_session_token", "show_settings_ui"])
    const { data: session } = await frontend.toSession({ xSessionToken: token.ory_session_token })
    assert.equal(session.identity.id, identity_id)
    assert.equal(session.authentication_methods[0].method, "code_recovery")

    const link = await office.createRecoveryLinkForIdentity({ createRecoveryLinkForIdentityBody: { identity_id } })
    assert.equal(link.status, 200)
    const visitor = new Browser()
    const opened = await visitor.go(link.data.recovery_link)
    assert.equal(opened.status, 303)
    assert.ok(opened.location.startsWith(`${at.base}/ui/settings?flow=`))
  })

  test("a script begins a recovery", async () => {
    const at = { ...site, base: `${site.origin}/p/verifies` }
    const visitor = new Browser()
    const configuration = new Configuration({
      basePath: at.base,
      baseOptions: { headers: { Accept: "application/json" } },
    })
    const frontend = watched(new FrontendApi(configuration, undefined, visitor.axios()))
    const { data: flow } = await frontend.createBrowserRecoveryFlow()
    const submit = (body) => frontend.updateRecoveryFlow({ flow: flow.id, updateRecoveryFlowBody: body })
    const forged = await refusal(submit({ method: "code", email: "ada@example.org", csrf_token: "x" }))
    assert.deepEqual([forged.status, forged.error.id], [403, "security_csrf_violation"])
    const csrf_token = input(flow, "csrf_token").attributes.value
    const { data: sent } = await submit({ method: "code", email: "ada@example.org", csrf_token })
    assert.equal(sent.state, "sent_email")
    const { data: wrong } = await submit({ method: "code", code: "000000", csrf_token })
    assert.deepEqual(messages(wrong.ui), [4060006])
  })
}
