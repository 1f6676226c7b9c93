// `insula serve --dev` in a folder of its own, and a browser to look at it with.
import { spawn } from "node:child_process"
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { delimiter, join } from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { chromium } from "playwright-core"

const root = fileURLToPath(new URL("../../", import.meta.url))
const binary = process.env.INSULA_BINARY ?? join(root, "target/debug/insula")

/** Where screenshots are kept. */
export const screenshots = join(root, "target/screenshots")

/** Start the server; `{ origin, rootKey, stop }`. Projects are made over GraphQL, as people do. */
export async function startServer() {
  const folder = mkdtempSync(join(tmpdir(), "insula-browser-"))
  chmodSync(folder, 0o711)
  const kept = ["PATH", "HOME", "TMPDIR", "INSULA_PG_BIN"].filter((name) => process.env[name])
  const child = spawn(binary, ["serve", "--dev", "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0"], {
    cwd: folder,
    env: Object.fromEntries(kept.map((name) => [name, process.env[name]])),
    stdio: ["ignore", "pipe", "pipe"],
  })
  const log = []
  child.stderr.on("data", (data) => log.push(data))
  const ended = new Promise((done) => child.once("exit", done))
  let origin
  for await (const line of createInterface({ input: child.stdout })) {
    origin ??= line.match(/^Insula is ready.*: (http\S+)$/)?.[1]
    if (line.includes("Ctrl-C stops it")) break
  }
  if (!origin) throw new Error(`the server did not start:\n${Buffer.concat(log)}`)
  const key = readFileSync(join(folder, ".insula/root.key"), "utf8").trim()
  const stop = async () => {
    child.kill("SIGTERM")
    await ended
    rmSync(folder, { recursive: true, force: true })
  }
  return { origin, stop, graphql: (query, variables) => graphql(origin, key, query, variables) }
}

async function graphql(origin, key, query, variables) {
  const response = await fetch(`${origin}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${key}` },
    body: JSON.stringify({ query, variables }),
  })
  const answer = await response.json()
  if (answer.errors) throw new Error(JSON.stringify(answer.errors))
  return answer.data
}

const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]

/** The browser's executable, or nothing when this machine has none. */
export function findChromium() {
  if (process.env.INSULA_CHROMIUM) return process.env.INSULA_CHROMIUM
  const folders = (process.env.PATH ?? "").split(delimiter)
  return folders.flatMap((folder) => names.map((name) => join(folder, name))).find((path) => existsSync(path))
}

/** A browser with a new profile. */
export function launch() {
  mkdirSync(screenshots, { recursive: true })
  const args = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"]
  // Chromium's sandbox does not work for root.
  if (process.getuid?.() === 0) args.push("--no-sandbox")
  return chromium.launch({ executablePath: findChromium(), args })
}
