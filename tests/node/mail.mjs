// Messages: as the SDK shows them, and as a mail server that others keep (npm's smtp-server, with STARTTLS
// and a password) receives them.

import assert from "node:assert/strict"
import { test } from "node:test"

import { Configuration, CourierApi, FrontendApi } from "@ory/kratos-client"
import { SMTPServer } from "smtp-server"

import { watched } from "./clients.mjs"
import { createProject } from "./server.mjs"

/** A mail server that keeps what it takes for whoever waits. */
async function mailServer() {
  const taken = []
  let wake = () => {}
  const server = new SMTPServer({
    authMethods: ["PLAIN", "LOGIN"],
    closeTimeout: 200, // the worker keeps its connection for the next mail
    onAuth({ username, password }, session, done) {
      const known = username === "user" && password === "p@ss" && session.secure
      done(known ? null : new Error("no"), { user: username })
    },
    onData(stream, session, done) {
      let text = ""
      stream.on("data", (chunk) => (text += chunk))
      stream.on("end", () => {
        taken.push({ text, to: session.envelope.rcptTo[0].address, secure: session.secure })
        wake()
        done()
      })
    },
  })
  server.on("error", () => {}) // a caller that hangs up is no failure of the test
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening))
  return {
    port: server.server.address().port,
    async next() {
      while (taken.length === 0) {
        await new Promise((come) => (wake = come))
      }
      return taken.shift()
    },
    close: () => new Promise((closed) => server.close(closed)),
  }
}

export function mail(site) {
  test("somebody signs up by a code from a real mail server", { timeout: 60_000 }, async () => {
    const relay = await mailServer()
    const base = await createProject(site, "mailed", {
      courier: {
        smtp: {
          connection_uri: `smtp://user:p%40ss@127.0.0.1:${relay.port}/?skip_ssl_verify=true`,
          from_address: "no-reply@mailed.example",
        },
      },
      selfservice: {
        methods: { code: { passwordless_enabled: true } },
        flows: {
          registration: { style: "unified", after: { code: { hooks: [{ hook: "session" }] } } },
        },
      },
    })
    const app = new FrontendApi(new Configuration({ basePath: base }))
    const { data: flow } = await app.createNativeRegistrationFlow()
    const traits = { email: "ada@example.org" }
    const submit = (body) =>
      app.updateRegistrationFlow({
        flow: flow.id,
        updateRegistrationFlowBody: { method: "code", traits, ...body },
      })
    await assert.rejects(submit({}), ({ response }) => response.data.state === "sent_email")
    const { text, to, secure } = await relay.next()
    assert.equal(to, "ada@example.org")
    assert.ok(secure, "by TLS")
    assert.match(text, /^Message-ID: <[0-9a-f-]{36}@mailed\.example>\r$/m)
    assert.match(text, /^Content-Type: multipart\/alternative/m)
    const [code] = /\b\d{6}\b/.exec(text.split("\r\n\r\n").slice(1).join("\r\n\r\n"))
    const { data } = await submit({ code })
    assert.equal(data.session.identity.traits.email, "ada@example.org")

    const office = watched(
      new CourierApi(new Configuration({ basePath: base, apiKey: site.rootKey })),
    )
    const { data: listed } = await office.listCourierMessages({ recipient: to })
    assert.equal(listed.length, 1)
    assert.equal(listed[0].template_type, "registration_code_valid")
    const { data: shown } = await office.getCourierMessage({ id: listed[0].id })
    assert.deepEqual([shown.status, shown.send_count, shown.type], ["sent", 1, "email"])
    assert.equal(shown.dispatches[0].status, "success")
    assert.ok(shown.body.includes(code) && shown.subject.includes(code))
    await relay.close()
  })
}
