// The German of the pages: of what the server says in English alone, each sentence has to be one that it says.
import assert from "node:assert/strict"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("../../", import.meta.url))

/** What the files of a folder hold, with the breaks of long Rust texts taken out. */
function read(folder, ending) {
  const names = readdirSync(join(root, folder), { recursive: true }).filter((name) => name.endsWith(ending))
  return names.map((name) => readFileSync(join(root, folder, name), "utf8").replaceAll(/\\\n\s*/g, "")).join("\n")
}

test("what is translated by its text is still said so", () => {
  const german = readFileSync(join(root, "web/account/src/german.ts"), "utf8")
  const english = [...german.matchAll(/^ {2}"(.+?)": "/gm)].map(([, text]) => text)
  assert.ok(english.length > 15)
  const said = read("flows/src", ".rs") + read("api/src", ".rs") + read("schemas/presets", ".json")
  assert.deepEqual(english.filter((text) => !said.includes(`"${text}"`)), [])
  assert.ok(said.includes("There were too many tries. Please wait {wait} before the next one."))
})
