// Builds the pages into dist/: the same bytes for every project, found beside `{base}/ui/`, each file
// also compressed, so that the server never does it.
import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { brotliCompressSync, constants, gzipSync } from "node:zlib"
import react from "@vitejs/plugin-react"
import { defineConfig, type Plugin } from "vite"

/** Languages besides English, which is always there. */
const languages = ["de"]

/** The library carries 83 languages in each of two bundles; all but English become nothing. */
const oneLanguage: Plugin = {
  name: "one-language",
  transform(code, id) {
    if (!/elements-react\/dist\/.*index\.mjs$/.test(id)) return
    return { code: code.replace(/^var (?!en_)([a-z]{2})_default = \{[^]*?^\};/gm, "var $1_default = {};"), map: null }
  },
}

/** `virtual:texts/de`: the library's texts of one language, loaded by whoever needs them. */
const texts: Plugin = {
  name: "texts",
  resolveId: (id) => (id.startsWith("virtual:texts/") ? `\0${id}` : undefined),
  async load(id) {
    const language = id.match(/^\0virtual:texts\/([a-z]{2})$/)?.[1]
    if (!language) return
    if (!languages.includes(language)) throw new Error(`no texts of ${language}`)
    const { OryLocales } = await import("@ory/elements-react")
    const found = (OryLocales as Record<string, Record<string, string>>)[language]
    if (!found || Object.keys(found).length < 200) throw new Error(`the library has no texts of ${language} any more`)
    return `export default ${JSON.stringify(found)}`
  },
}

const compressed: Plugin = {
  name: "compressed",
  writeBundle({ dir }) {
    const assets = join(dir!, "assets")
    for (const file of readdirSync(assets).filter((name) => /\.(js|css)$/.test(name))) {
      const bytes = readFileSync(join(assets, file))
      writeFileSync(join(assets, `${file}.gz`), gzipSync(bytes, { level: 9 }))
      const params = { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length }
      writeFileSync(join(assets, `${file}.br`), brotliCompressSync(bytes, { params }))
    }
  },
}

export default defineConfig({
  base: "./",
  plugins: [react(), oneLanguage, texts, compressed],
  // Nothing inlined as data:, which the Content-Security-Policy allows for images alone.
  build: { target: "es2022", assetsInlineLimit: 0, modulePreload: { polyfill: false }, chunkSizeWarningLimit: 900 },
})
