// The German of the pages: every title in a preset has one, and none stands there for nothing. That every reason
// of the server's has one is a test of the server's texts (`flows`).
import assert from "node:assert/strict"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("../../", import.meta.url))

/** The titles of traits, wherever they stand in a preset; that of the schema as a whole is not shown. */
function titles(schema) {
  if (typeof schema !== "object" || schema === null) return []
  const inner = Object.values(schema).flatMap(titles)
  return typeof schema.title === "string" ? [schema.title, ...inner] : inner
}

test("every title of a preset is translated, and nothing else", () => {
  const german = readFileSync(join(root, "web/account/src/german.ts"), "utf8")
  const translated = [...german.matchAll(/^ {2}"(.+?)": "/gm)].map(([, title]) => title)
  assert.ok(translated.length > 5)
  const folder = join(root, "schemas/presets")
  const presets = readdirSync(folder).map((name) => JSON.parse(readFileSync(join(folder, name), "utf8")))
  const shown = presets.flatMap((preset) => titles(preset.properties.traits))
  assert.deepEqual(translated.toSorted(), [...new Set(shown)].toSorted())
})
