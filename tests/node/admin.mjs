// Identities, their sessions and schemas, as a back office handles them with a key.

import assert from "node:assert/strict"
import { test } from "node:test"

import { Configuration, IdentityApi } from "@ory/kratos-client"

import { refusal, watched } from "./clients.mjs"
import { signIn, signUp } from "./native.mjs"

const PASSWORD = "correct-horse-battery"

export const office = (site, apiKey = site.rootKey) =>
  watched(new IdentityApi(new Configuration({ basePath: site.base, apiKey })))

/** The query of the link of that name. */
function link(answer, rel) {
  const found = new RegExp(`<([^>]*)>; rel="${rel}"`).exec(answer.headers.link)
  return found && new URL(found[1], "http://x").searchParams
}

export function admin(site) {
  test("makes, shows and deletes an identity", async () => {
    const identities = office(site)
    const made = await identities.createIdentity({
      createIdentityBody: {
        schema_id: "preset://email",
        traits: { email: "Made@Example.org" },
        credentials: { password: { config: { password: PASSWORD } } },
        metadata_public: { plan: "free" },
        metadata_admin: { note: "imported" },
        external_id: "crm-1",
        verifiable_addresses: [
          { value: "made@example.org", verified: true, via: "email", status: "completed" },
        ],
      },
    })
    assert.equal(made.status, 201)
    const { id } = made.data
    assert.deepEqual(made.data.traits, { email: "Made@Example.org" })
    assert.equal(made.data.schema_id, "preset://email")
    assert.equal(made.data.state, "active")
    assert.equal(made.data.external_id, "crm-1")
    assert.deepEqual(made.data.metadata_admin, { note: "imported" })
    assert.deepEqual(made.data.credentials.password.identifiers, ["made@example.org"])
    assert.equal(made.data.credentials.password.config, undefined)
    const [address] = made.data.verifiable_addresses
    assert.deepEqual(
      [address.value, address.verified, address.via, address.status],
      ["made@example.org", true, "email", "completed"],
    )
    assert.deepEqual(made.data.recovery_addresses.map(({ value, via }) => [value, via]), [
      ["made@example.org", "email"],
    ])

    const { data: shown } = await identities.getIdentity({ id })
    assert.deepEqual(shown.traits, made.data.traits)
    const { data: opened } = await identities.getIdentity({ id, includeCredential: ["password"] })
    assert.match(opened.credentials.password.config.hashed_password, /^\$argon2id\$/)
    assert.equal((await signIn(site, "made@example.org")).session.identity.id, id)
    const again = await refusal(
      identities.createIdentity({
        createIdentityBody: { schema_id: "preset://email", traits: { email: "made@example.org" } },
      }),
    )
    assert.deepEqual([again.status, again.error.code], [409, 409])
    const bad = await refusal(
      identities.createIdentity({ createIdentityBody: { schema_id: "preset://email", traits: {} } }),
    )
    assert.equal(bad.status, 400)
    assert.match(bad.error.reason, /email/)

    assert.equal((await identities.deleteIdentity({ id })).status, 204)
    assert.equal((await refusal(identities.getIdentity({ id }))).error.code, 404)
  })

  test("lists identities page by page", async () => {
    const identities = office(site)
    const made = []
    for (let n = 0; n < 3; n += 1) {
      const { data } = await identities.createIdentity({
        createIdentityBody: { schema_id: "preset://email", traits: { email: `listed-${n}@example.org` } },
      })
      made.push(data.id)
    }
    const seen = []
    let pageToken
    do {
      const answer = await identities.listIdentities({ pageSize: 2, pageToken })
      assert.ok(answer.data.length <= 2)
      seen.push(...answer.data.map(({ id }) => id))
      pageToken = link(answer, "next")?.get("page_token")
    } while (pageToken)
    assert.equal(new Set(seen).size, seen.length, "nobody twice")
    assert.ok(made.every((id) => seen.includes(id)), "everybody once")

    const { data: some } = await identities.listIdentities({ ids: made.slice(0, 2) })
    assert.deepEqual(some.map(({ id }) => id).sort(), made.slice(0, 2).sort())
    const { data: one } = await identities.listIdentities({ credentialsIdentifier: "listed-1@example.org" })
    assert.deepEqual(one.map(({ id }) => id), [made[1]])
    await signUp(site, "found@example.org")
    const { data: found } = await identities.listIdentities({ credentialsIdentifier: "FOUND@example.org" })
    assert.deepEqual(found.map(({ traits }) => traits.email), ["found@example.org"])
    assert.deepEqual(found[0].credentials.password.identifiers, ["found@example.org"])
  })

  test("shows and ends sessions", async () => {
    const identities = office(site)
    const { identity, session } = await signUp(site, "watched@example.org")
    const second = await signIn(site, "watched@example.org")
    const { id } = identity
    const mine = await identities.listIdentitySessions({ id, active: true })
    assert.deepEqual(mine.data.map((s) => s.id), [second.session.id, session.id])
    assert.equal(mine.headers["x-total-count"], "2")
    const { data: paged } = await identities.listIdentitySessions({ id, perPage: 1, page: 2 })
    assert.deepEqual(paged.map((s) => s.id), [session.id])

    const first = await identities.listSessions({ pageSize: 1, expand: ["identity"] })
    assert.equal(first.data[0].id, second.session.id)
    assert.equal(first.data[0].identity.id, id)
    const pageToken = link(first, "next").get("page_token")
    const { data: next } = await identities.listSessions({ pageSize: 1, pageToken })
    assert.equal(next[0].id, session.id)

    const { data: shown } = await identities.getSession({ id: session.id, expand: ["identity", "devices"] })
    assert.equal(shown.active, true)
    assert.equal(shown.identity.traits.email, "watched@example.org")
    assert.equal(shown.devices.length, 1)
    assert.equal(shown.authentication_methods[0].method, "password")
    assert.equal((await identities.disableSession({ id: session.id })).status, 204)
    assert.equal((await identities.getSession({ id: session.id })).data.active, false)
    assert.equal((await identities.deleteIdentitySessions({ id })).status, 204)
    assert.equal((await refusal(identities.getSession({ id: second.session.id }))).status, 404)
  })

  test("reads the schemas", async () => {
    const identities = office(site)
    const { data: all } = await identities.listIdentitySchemas()
    assert.ok(all.some(({ id }) => id === "preset://email"))
    const { data: schema } = await identities.getIdentitySchema({ id: "preset://email" })
    assert.deepEqual(schema, all.find(({ id }) => id === "preset://email").schema)
    const { data: two } = await identities.listIdentitySchemas({ perPage: 2 })
    assert.equal(two.length, 2)
  })

  test("needs its key", async () => {
    const nobody = await refusal(office(site, "ins_nobody").listIdentities())
    assert.deepEqual([nobody.status, nobody.error.code], [401, 401])
  })
}
