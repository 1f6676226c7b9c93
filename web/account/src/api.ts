// Calls to the project. Elements shows nothing when a call fails for a reason other than its form: the
// notice does.
import { Configuration, FrontendApi } from "@ory/client-fetch"
import type { OryClientConfiguration } from "@ory/elements-react"
import { asForm, drawable } from "./form"
import { base } from "./place"
import { t } from "./texts"

/** `{base}/ui/config.json`. */
export type Project = OryClientConfiguration["project"] & { settings_enabled: boolean; account_data_url?: string }

/** What this project is called and allows. */
export async function loadProject(): Promise<Project> {
  const response = await fetch(`${base}/ui/config.json`)
  if (!response.ok) throw new Error(`config.json: ${response.status}`)
  const project: Project = await response.json()
  const dark = matchMedia("(prefers-color-scheme: dark)").matches
  return dark && project.logo_dark_url ? { ...project, logo_light_url: project.logo_dark_url } : project
}

/** `fetch`, with a notice when it came to nothing. */
export async function fetchApi(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  const response = await fetch(input, init && asForm(init)).catch(() => undefined)
  notice(await failed(response))
  return response ? repaired(response) : Response.error()
}

async function failed(response: Response | undefined): Promise<string> {
  if (!response || response.status >= 500) return t().failed
  if (response.status === 429) return t().tooMany
  if (response.status !== 400) return ""
  const body = await response.clone().json().catch(() => ({}))
  return body.ui ? "" : t().failed
}

/** Flows as the library can draw them. */
async function repaired(response: Response): Promise<Response> {
  if (response.status === 204 || !response.headers.get("content-type")?.includes("json")) return response
  const body = await response.clone().json().catch(() => undefined)
  if (!body?.ui) return response
  drawable(body)
  const { status, statusText, headers } = response
  return new Response(JSON.stringify(body), { status, statusText, headers })
}

function notice(text: string): void {
  const element = document.getElementById("notice")
  if (element) element.textContent = text
}

/** The client of this project. */
export const api = new FrontendApi(
  new Configuration({ basePath: base, credentials: "include", headers: { Accept: "application/json" }, fetchApi }),
)
