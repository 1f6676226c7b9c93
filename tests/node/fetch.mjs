// Ory's newer SDK, which decodes times to `Date` and unions by their tag.

import assert from "node:assert/strict"
import { test } from "node:test"

import { Configuration, FrontendApi, IdentityApi, ResponseError } from "@ory/client-fetch"

export function fetchClient(site) {
  test("signs up, is somebody, and is listed", async () => {
    const frontend = new FrontendApi(new Configuration({ basePath: site.base }))
    const flow = await frontend.createNativeRegistrationFlow()
    assert.ok(flow.expires_at instanceof Date)
    assert.equal(flow.expires_at - flow.issued_at, 3_600_000)
    assert.ok(flow.ui.nodes.every(({ attributes, type }) => attributes.node_type === type))
    const body = { method: "password", password: "correct-horse-battery", traits: { email: "fetch@example.org" } }
    const done = await frontend.updateRegistrationFlow({ flow: flow.id, updateRegistrationFlowBody: body })
    assert.deepEqual(done.continue_with, [
      { action: "set_ory_session_token", ory_session_token: done.session_token },
    ])
    const session = await frontend.toSession({ xSessionToken: done.session_token })
    assert.ok(session.authenticated_at instanceof Date)
    assert.equal(session.authentication_methods[0].method, "password")
    assert.equal(session.identity.traits.email, "fetch@example.org")
    assert.ok(session.identity.verifiable_addresses[0].created_at instanceof Date)

    const office = new IdentityApi(new Configuration({ basePath: site.base, accessToken: site.rootKey }))
    const [listed] = await office.listIdentities({ credentialsIdentifier: "fetch@example.org" })
    assert.equal(listed.id, session.identity.id)
    assert.ok(listed.created_at instanceof Date)
  })

  test("is refused", async () => {
    const headers = { Accept: "application/json" }
    const frontend = new FrontendApi(new Configuration({ basePath: site.base, headers }))
    const flow = await frontend.createBrowserLoginFlow()
    assert.equal(flow.type, "browser")
    const error = await frontend.getLoginFlow({ id: flow.id }).catch((thrown) => thrown)
    assert.ok(error instanceof ResponseError)
    assert.equal(error.response.status, 403)
    assert.equal((await error.response.json()).error.id, "security_csrf_violation")
  })
}
