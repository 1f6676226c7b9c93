// Traits that are no plain texts: numbers, days, points in time, in registration and in settings.
import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { look, lookAround, password, skip, stage, whoami } from "./stage.mjs"

const properties = {
  email: {
    type: "string",
    format: "email",
    title: "E-mail",
    "ory.sh/kratos": { credentials: { password: { identifier: true } } },
  },
  age: { type: "integer", title: "Age", minimum: 18 },
  height: { type: "number", title: "Height" },
  born: { type: "string", format: "date", title: "Born" },
  arrives: { type: "string", format: "date-time", title: "Arrives" },
  news: { type: "boolean", title: "News" },
}
const schema = {
  $id: "https://example.org/traits.json",
  type: "object",
  properties: { traits: { type: "object", properties, required: ["email", "age"], additionalProperties: false } },
}
const config = {
  identity: {
    default_schema_id: "typed",
    schemas: [{ id: "typed", url: `base64://${Buffer.from(JSON.stringify(schema)).toString("base64")}` }],
  },
  selfservice: { flows: { registration: { after: { password: { hooks: [{ hook: "session" }] } } } } },
}

describe("traits of other types", { skip }, () => {
  const on = stage()

  test("are registered and changed as what they are", async () => {
    const base = await on.project("typed", "Typed", config)
    const { page, leave } = await on.visitor({ timezoneId: "Europe/Vienna" })
    const field = (name) => page.locator(`input[id="traits.${name}"]`)
    const next = () => page.locator('form button[type="submit"]').last().click()
    const traits = async () => (await whoami(page, base)).identity.traits

    await page.goto(`${base}/ui/registration`)
    await field("email").fill("ada@example.org")
    await field("age").fill("17")
    await field("height").fill("1.75")
    await field("born").fill("1999-12-31")
    await field("arrives").fill("2026-12-24T18:00")
    await lookAround(page, "registration-typed")
    await next()
    await page.locator('[id="traits.age"][aria-invalid="true"]').waitFor()
    assert.equal(await field("arrives").inputValue(), "2026-12-24T18:00")
    await field("age").fill("20")
    await next()
    await page.locator('[name="password"]').fill(password)
    await next()
    await page.waitForURL(`${base}/ui/session`)
    await page.getByText(/24 Dec 2026, 18:00/).waitFor()
    const registered = await traits()
    assert.deepEqual(registered, {
      email: "ada@example.org",
      age: 20,
      height: 1.75,
      born: "1999-12-31",
      arrives: "2026-12-24T17:00:00Z",
      news: false,
    })

    await page.goto(`${base}/ui/settings`)
    await page.waitForURL(`${base}/ui/settings?flow=**`)
    await field("age").fill("21")
    await field("height").fill("")
    await field("arrives").fill("2026-07-01T09:30")
    await page.locator('[name="traits.news"]').check()
    await page.locator('button[value="profile"]').click()
    await page.locator("main .toast").waitFor()
    const { height: _, ...kept } = registered
    assert.deepEqual(await traits(), { ...kept, age: 21, arrives: "2026-07-01T07:30:00Z", news: true })
    await look(page, "settings-typed-desktop-light")
    await leave()
  })

  test("a list has a field for each item and one for another, and is sent as a form has it", async () => {
    const base = await on.project("listed", "Listed", config)
    const { page, context } = await on.visitor()
    await context.route("**/self-service/registration/flows**", async (route) => {
      const response = await route.fetch()
      const flow = await response.json()
      const email = flow.ui.nodes.find(({ attributes }) => attributes.name === "traits.email")
      const node = (name, value) => ({ ...email, attributes: { ...email.attributes, type: "text", name, value } })
      flow.ui.nodes.push(node("traits.tags"), node("traits.tags.0", "one"), node("traits.tags.1", "two"))
      await route.fulfill({ response, json: flow })
    })
    await page.goto(`${base}/ui/registration`)
    await page.locator('[name="traits.tags.2"]').fill("three")
    assert.equal(await page.locator('[name="traits.tags.1"]').inputValue(), "two")
    await page.locator('[name="traits.tags.0"]').fill("")
    const [request] = await Promise.all([
      page.waitForRequest((request) => request.method() === "POST"),
      page.locator('form button[type="submit"]').last().click(),
    ])
    const sent = [...new URLSearchParams(request.postData())].filter(([name]) => name.startsWith("traits.tags"))
    assert.deepEqual(sent.map(([, value]) => value), ["two", "three"])
    await context.close()
  })
})
