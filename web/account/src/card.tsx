// Cards of our own, alike to the library's: for the pages that are no flow.
import { Component, type ReactNode } from "react"
import type { Project } from "./api"
import { t } from "./texts"

/** Logo or name, a heading, and what the page is about. */
export function Card(props: { project?: Project; title: string; children: ReactNode }) {
  const { project, title, children } = props
  return (
    <div className="ory-elements">
      <div className="card">
        {project?.logo_light_url ? (
          <img className="logo" src={project.logo_light_url} alt={project.name} />
        ) : (
          project && <p className="project">{project.name}</p>
        )}
        <h1>{title}</h1>
        {children}
      </div>
    </div>
  )
}

/** A card with one sentence and one way on. */
export function Notice(props: { project?: Project; title: string; text: string; href: string; go: string }) {
  return (
    <Card project={props.project} title={props.title}>
      <p>{props.text}</p>
      <a className="button" href={props.href}>
        {props.go}
      </a>
    </Card>
  )
}

/** Something broke: say so, and offer to begin anew. */
export function Broken({ project, href }: { project?: Project; href: string }) {
  return <Notice project={project} title={t().broken} text={t().failed} href={href} go={t().again} />
}

/** A card instead of an empty page when drawing fails. */
export class Boundary extends Component<{ fallback: ReactNode; children: ReactNode }, { failed: boolean }> {
  override state = { failed: false }
  static getDerivedStateFromError() {
    return { failed: true }
  }
  override render() {
    return this.state.failed ? this.props.fallback : this.props.children
  }
}
