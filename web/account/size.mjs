// Fails when the pages have grown: an upgrade that brings the library's 83 languages back would not be
// noticed otherwise.
import { readdirSync, statSync } from "node:fs"

const limits = { js: 230_000, css: 20_000 }
const folder = new URL("dist/assets/", import.meta.url)
const size = (ending) =>
  readdirSync(folder)
    .filter((file) => file.endsWith(ending))
    .reduce((sum, file) => sum + statSync(new URL(file, folder)).size, 0)

let ok = true
for (const [kind, limit] of Object.entries(limits)) {
  const [plain, gzip, brotli] = [size(`.${kind}`), size(`.${kind}.gz`), size(`.${kind}.br`)]
  console.log(`${kind}: ${plain} bytes, gzip ${gzip} of at most ${limit}, brotli ${brotli}`)
  ok &&= gzip > 0 && gzip <= limit
}
if (!ok) {
  console.error("size.mjs: the pages are larger than allowed")
  process.exit(1)
}
