// Starts the binary in development mode, as anybody would who tries it, and stops it again.

import { spawn } from "node:child_process"
import { once } from "node:events"
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"

// Nothing else of a developer's shell reaches the server.
const PASSED = ["PATH", "HOME", "TMPDIR", "INSULA_PG_BIN"]

/** Defaults, but who signs up is signed in. */
const PLAIN = { selfservice: { flows: { registration: { after: { password: { hooks: [{ hook: "session" }] } } } } } }

/** Make a project with that configuration; its base. */
export async function createProject({ origin, rootKey }, slug, config) {
  const query = "mutation ($input: CreateProjectInput!) { createProject(input: $input) { project { publicUrl } } }"
  const variables = { input: { slug, name: slug, environment: "DEVELOPMENT", config } }
  const answer = await fetch(`${origin}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${rootKey}` },
    body: JSON.stringify({ query, variables }),
  })
  const { data, errors } = await answer.json()
  if (errors) throw new Error(`the project ${slug} was not made: ${JSON.stringify(errors)}`)
  return data.createProject.project.publicUrl
}

function binary() {
  const root = fileURLToPath(new URL("../..", import.meta.url))
  const target = resolve(root, process.env.CARGO_TARGET_DIR ?? "target")
  const path = process.env.INSULA_BIN ?? join(target, "debug/insula")
  if (!existsSync(path)) {
    throw new Error(`there is no ${path}; \`cargo build -p cli\` makes it, or set INSULA_BIN`)
  }
  return path
}

/** A server of its own on a free port: `{ origin, base, rootKey, stop }`; `base` is that of the project `plain`. */
export async function start() {
  const program = binary()
  const folder = mkdtempSync(join(tmpdir(), "insula-node-"))
  chmodSync(folder, 0o711) // started as root, the private PostgreSQL's own user walks through
  const data = join(folder, "data")
  const port = ["--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0"]
  const env = Object.fromEntries(PASSED.filter((n) => n in process.env).map((n) => [n, process.env[n]]))
  const child = spawn(program, ["serve", "--dev", ...port, "--data", data], {
    cwd: folder,
    env: { ...env, INSULA_LOG: "warn" },
    stdio: ["ignore", "pipe", "inherit"],
  })
  const exited = once(child, "exit")
  const kill = () => child.kill("SIGTERM")
  process.once("exit", kill)
  const origin = await Promise.race([
    greeting(child),
    exited.then(([code]) => Promise.reject(new Error(`the server ended with status ${code}`))),
  ])
  const rootKey = readFileSync(join(data, "root.key"), "utf8").trim()
  return {
    origin,
    base: await createProject({ origin, rootKey }, "plain", PLAIN),
    rootKey,
    async stop() {
      kill()
      const [code] = await exited
      process.off("exit", kill)
      rmSync(folder, { recursive: true, force: true })
      return code
    },
  }
}

/** The origin that the greeting names; it is printed when the server is ready. */
async function greeting(child) {
  for await (const line of createInterface({ input: child.stdout })) {
    const origin = /^Insula is ready after .*: (\S+)$/.exec(line)?.[1]
    if (origin) {
      child.stdout.resume() // an unread pipe would fill up
      return origin
    }
  }
  return new Promise(() => {}) // the exit status says more
}
