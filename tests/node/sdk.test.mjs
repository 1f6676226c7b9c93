// The official JavaScript SDKs, unmodified, against the binary in development mode.
//
// Fields are compared as the SDKs decoded them. What this release does not serve is listed in
// `missing.mjs`; a method of the SDK that is neither called nor listed there fails the last test.

import assert from "node:assert/strict"
import { after, before, describe } from "node:test"

import { admin } from "./admin.mjs"
import { browser } from "./browser.mjs"
import { challenges } from "./challenges.mjs"
import { demo } from "./demo.mjs"
import { fetchClient } from "./fetch.mjs"
import { mail } from "./mail.mjs"
import { missing } from "./missing.mjs"
import { native } from "./native.mjs"
import { pages } from "./pages.mjs"
import { start } from "./server.mjs"

const site = {}
before(async () => Object.assign(site, await start()))
after(async () => assert.equal(await site.stop?.(), 0, "stopped in good order"))

describe("an application without cookies", () => native(site))
describe("a script in a browser", () => browser(site))
describe("pages that a server renders", () => pages(site))
describe("proving an address and getting back in", () => challenges(site))
describe("administration", () => admin(site))
describe("mail", () => mail(site))
describe("the project that development mode makes", () => demo(site))
describe("the SDK for fetch", () => fetchClient(site))
describe("what is missing", () => missing(site))
