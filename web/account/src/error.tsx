// The page of an error: what it means for people, and what to tell whoever runs this.
import type { FlowError } from "@ory/client-fetch"
import type { Project } from "./api"
import { Card } from "./card"
import { when } from "./session"
import { t } from "./texts"

/** What the server keeps of an error, besides its message. */
type Told = { code?: number; reason?: string; message?: string }

export function ErrorPage({ project, error }: { project: Project; error: FlowError }) {
  const { code = 500, reason, message } = (error.error ?? {}) as Told
  return (
    <Card project={project} title={t().broken}>
      <p>{code < 500 ? t().refusedWhy : t().failed}</p>
      <a className="button" href={project.default_redirect_url}>
        {t().back}
      </a>
      <section className="report">
        <p>{t().report}</p>
        <p>
          <code>{reason ?? message}</code>
        </p>
        <p>
          ID: <code>{error.id}</code>
        </p>
        {error.created_at && (
          <p>
            {t().time}: {when(error.created_at)}
          </p>
        )}
      </section>
    </Card>
  )
}
