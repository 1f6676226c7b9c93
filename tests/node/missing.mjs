// What the SDK can ask for and this release does not serve. Whoever serves one takes its line out here
// and calls it in the tests; a method that is in neither place fails.

import assert from "node:assert/strict"
import { test } from "node:test"

import { Configuration, CourierApi, FrontendApi, IdentityApi, MetadataApi } from "@ory/kratos-client"

import { calls, refusal } from "./clients.mjs"

const ID = "3f0b2f0e-8f5c-4d2a-9b57-0d6a3f6a1c11"

const MISSING = [
  [
    FrontendApi,
    {
      createFedcmFlow: {},
      updateFedcmFlow: { updateFedcmFlowBody: { csrf_token: "", token: "" } },
      exchangeSessionToken: { initCode: "a", returnToCode: "b" },
      getWebAuthnJavaScript: {},
    },
  ],
  [
    IdentityApi,
    {
      batchPatchIdentities: { patchIdentitiesBody: { identities: [] } },
      updateIdentity: { id: ID, updateIdentityBody: { schema_id: "preset://email", traits: {}, state: "active" } },
      patchIdentity: { id: ID, jsonPatch: [{ op: "replace", path: "/state", value: "inactive" }] },
      getIdentityByExternalID: { externalID: "crm-1" },
      deleteIdentityCredentials: { id: ID, type: "totp" },
      extendSession: { id: ID },
    },
  ],
  [CourierApi, {}],
  [MetadataApi, {}],
]

export function missing(site) {
  for (const [kind, methods] of MISSING) {
    for (const [method, request] of Object.entries(methods)) {
      test(`${kind.name}.${method}`, async () => {
        const api = new kind(new Configuration({ basePath: site.base, apiKey: site.rootKey }))
        const { status, error } = await refusal(api[method](request))
        assert.ok(status === 404 || status === 405, `${status}`)
        assert.equal(error.code, status)
        assert.ok(error.message.length > 0 && error.status.length > 0)
      })
    }
  }

  test("every other method was called", () => {
    for (const [kind, methods] of MISSING) {
      const { called, has } = calls(kind)
      const rest = has.filter((name) => !(name in methods))
      assert.deepEqual([...called].sort(), rest.sort(), kind.name)
    }
  })
}
