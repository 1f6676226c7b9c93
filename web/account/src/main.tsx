// One bundle for all pages: look where we are, load what is to be shown, show it.
import { ResponseError } from "@ory/client-fetch"
import type { OryClientConfiguration } from "@ory/elements-react"
import { SessionProvider } from "@ory/elements-react/client"
import { Login, Recovery, Registration, Settings, Verification } from "@ory/elements-react/theme"
import type { ReactNode } from "react"
import { createRoot } from "react-dom/client"
import "@ory/elements-react/theme/styles.css"
import "./page.css"
import { api, fetchApi, loadProject, type Project } from "./api"
import { Boundary, Broken, Notice } from "./card"
import { components } from "./components"
import { ErrorPage } from "./error"
import { base, circling, id, page, start } from "./place"
import { loadTraitNames, SessionPage } from "./session"
import { SettingsPage } from "./settings"
import { language, loadLibraryTexts, t } from "./texts"

type Config = OryClientConfiguration

/** What each page loads and draws. `undefined`: the browser is on its way elsewhere. */
const flows: Record<string, (config: Config) => Promise<ReactNode>> = {
  login: async (config) => <Login flow={await api.getLoginFlow({ id })} {...{ config, components }} />,
  registration: async (config) => <Registration flow={await api.getRegistrationFlow({ id })} {...{ config, components }} />,
  recovery: async (config) => <Recovery flow={await api.getRecoveryFlow({ id })} {...{ config, components }} />,
  verification: async (config) => <Verification flow={await api.getVerificationFlow({ id })} {...{ config, components }} />,
  settings: async (config) => (
    <Settings flow={await api.getSettingsFlow({ id })} {...{ config, components }}>
      <SettingsPage />
    </Settings>
  ),
}

async function draw(project: Project): Promise<ReactNode> {
  if (page === "session") return drawSession(project)
  if (page === "error") return drawError(project)
  const off = (page === "recovery" && !project.recovery_enabled)
    || (page === "verification" && !project.verification_enabled)
    || (page === "settings" && !project.settings_enabled)
  if (off) return <Notice {...{ project }} title={title()} text={t().offWhy} href={`${base}/ui/session`} go={t().toAccount} />
  if (!id) return leave(location.search)
  const load = flows[page]
  try {
    return await load?.(await config(project))
  } catch (error) {
    return elsewhere(project, error)
  }
}

async function config(project: Project): Promise<Config> {
  return { project, sdk: { url: base, options: { fetchApi } }, intl: await loadLibraryTexts() }
}

async function drawSession(project: Project): Promise<ReactNode> {
  try {
    const session = await api.toSession()
    return <SessionPage {...{ project, session }} names={await loadTraitNames(session)} />
  } catch (error) {
    const gone = status(error) === 401 && new URLSearchParams(location.search).has("deleted")
    if (!gone) return elsewhere(project, error)
    return <Notice {...{ project }} title={t().deleted} text={t().deletedAll} href={project.login_ui_url} go={t().toSignIn} />
  }
}

async function drawError(project: Project): Promise<ReactNode> {
  const error = id ? await api.getFlowError({ id }).catch(() => undefined) : undefined
  if (error) return <ErrorPage {...{ project, error }} />
  return <Notice {...{ project }} title={t().broken} text={t().unknownError} href={project.login_ui_url} go={t().toSignIn} />
}

/** The flow cannot be had: where to, then? */
async function elsewhere(project: Project, error: unknown): Promise<ReactNode> {
  if (!(error instanceof ResponseError) || error.response.status >= 500 || error.response.status === 429) throw error
  const body = await error.response.json().catch(() => ({}))
  if (body.redirect_browser_to) {
    location.replace(body.redirect_browser_to)
    return undefined
  }
  if (error.response.status === 401) return leave(`?return_to=${encodeURIComponent(`${base}/ui/${page}`)}`, "login")
  if (circling()) {
    return <Notice {...{ project }} title={t().noCookies} text={t().noCookiesWhy} href={`${base}/ui/${page}`} go={t().again} />
  }
  return leave()
}

function leave(query = "", flow = page): undefined {
  start(flow, query)
}

const status = (error: unknown) => (error instanceof ResponseError ? error.response.status : undefined)

const title = () => t().titles[page] ?? ""

async function main() {
  document.documentElement.lang = language
  document.title = title()
  const restart = `${base}/ui/${page}`
  let project: Project | undefined
  let shown: ReactNode
  try {
    project = await loadProject()
    document.title = `${title()} · ${project.name}`
    shown = await draw(project)
  } catch {
    shown = <Broken project={project} href={restart} />
  }
  if (!shown) return
  createRoot(document.getElementById("root")!).render(
    <SessionProvider baseUrl={base}>
      <main className={page}>
        <Boundary fallback={<Broken project={project} href={restart} />}>{shown}</Boundary>
      </main>
    </SessionProvider>,
  )
}

void main()
