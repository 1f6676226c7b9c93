// Who is signed in here, and the way out.
import type { Session } from "@ory/client-fetch"
import { useState } from "react"
import { api, fetchApi, type Project } from "./api"
import { Card } from "./card"
import { base } from "./place"
import { locale, t, titled } from "./texts"

/** A point in time, as the visitor writes it. */
export const when = (date: Date) => date.toLocaleString(locale, { dateStyle: "medium", timeStyle: "short" })

/** The part of a JSON Schema that names things. */
type Schema = { title?: string; format?: string; properties?: Record<string, Schema> }

/** What the project calls its traits; nothing when the schema cannot be had, which is no reason to stop. */
export async function loadTraitNames(session: Session): Promise<Schema> {
  try {
    const id = session.identity?.schema_url.split("/").pop()
    const schema: Schema = await (await fetchApi(`${base}/schemas/${id}`)).json()
    return schema.properties?.traits ?? {}
  } catch {
    return {}
  }
}

/** The person's traits that are plain values, nested ones too. */
function facts(traits: unknown, schema: Schema | undefined): [string, string][] {
  return Object.entries(traits ?? {}).flatMap(([key, value]): [string, string][] => {
    const part = schema?.properties?.[key]
    const name = titled(part?.title ?? key)
    if (Array.isArray(value)) return [[name, value.filter((v) => typeof v !== "object").join(", ")]]
    if (value && typeof value === "object") return facts(value, part)
    if (value === null || value === "") return []
    return [[name, said(value, part)]]
  })
}

function said(value: unknown, schema: Schema | undefined): string {
  if (typeof value === "boolean") return value ? t().yes : t().no
  const time = schema?.format === "date-time" ? new Date(String(value)) : undefined
  return time && !isNaN(time.getTime()) ? when(time) : String(value)
}

/** The way out. */
export function SignOut({ quiet }: { quiet?: boolean }) {
  const [leaving, setLeaving] = useState(false)
  const signOut = async () => {
    setLeaving(true)
    try {
      const { logout_url } = await api.createBrowserLogoutFlow()
      location.assign(logout_url)
    } catch {
      // Signed out elsewhere meanwhile, or the notice has said what is wrong.
      location.reload()
    }
  }
  return (
    <button className={quiet ? "button quiet" : "button"} type="button" disabled={leaving} onClick={signOut}>
      {t().signOut}
    </button>
  )
}

export function SessionPage(props: { project: Project; session: Session; names: Schema }) {
  const { project, session, names } = props
  const methods = (session.authentication_methods ?? []).map((m) => t().methods[m.method ?? ""] ?? m.method)
  const rows: [string, string][] = [
    ...facts(session.identity?.traits, names),
    [t().by, [...new Set(methods)].join(", ")],
    ...(session.authenticated_at ? [[t().since, when(session.authenticated_at)] as [string, string]] : []),
    ...(session.expires_at ? [[t().until, when(session.expires_at)] as [string, string]] : []),
  ]
  return (
    <Card project={project} title={t().signedIn}>
      <dl>
        {rows.map(([name, value], row) => (
          <div key={row}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {project.settings_enabled && (
        <a className="button quiet" href={project.settings_ui_url}>
          {t().titles.settings}
        </a>
      )}
      <SignOut />
    </Card>
  )
}
