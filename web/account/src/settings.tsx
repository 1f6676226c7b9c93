// The page of settings: the library's sections, and below them what people do with their account as a whole.
import { isUiNodeInput, OrySettingsCard, uiTextToFormattedMessage, useOryConfiguration, useOryFlow } from "@ory/elements-react"
import type { OryNodeButtonProps, OryToastProps } from "@ory/elements-react"
import { getOryComponents } from "@ory/elements-react/theme"
import { useEffect, type ReactNode } from "react"
import { useIntl } from "react-intl"
import { toast } from "sonner"
import type { Project } from "./api"
import { useFocus } from "./focus"
import { Logo } from "./logo"
import { SignOut } from "./session"
import "./settings.css"
import { t } from "./texts"

const { Card, Node } = getOryComponents()

/** The field to confirm a deletion in; the library would show it among the traits. */
export const CONFIRMATION = "account_confirmation"
const NOT_CONFIRMED = 4900001
/** Too important to vanish after a few seconds. */
const RECOVERED = 1060001

/** Inside the library's `Settings`. */
export function SettingsPage() {
  return (
    <div className="ory-elements settings-page">
      <Top />
      <Recovered />
      <OrySettingsCard />
      <Data />
      <Deletion />
    </div>
  )
}

/** Whose page it is, and the ways off it. */
function Top() {
  const { flow } = useOryFlow()
  const { project } = useOryConfiguration()
  useFocus(true)
  return (
    <header className="top">
      <Logo />
      <SignOut quiet />
      <a href={flow.return_to ?? project.default_redirect_url}>
        <span aria-hidden="true">←</span> {t().back}
      </a>
    </header>
  )
}

function Recovered() {
  const intl = useIntl()
  const message = useOryFlow().flow.ui.messages?.find(({ id }) => id === RECOVERED)
  return message ? <p className="recovered" role="status">{uiTextToFormattedMessage(message, intl)}</p> : null
}

/** A section like the library's, with a form that the browser sends itself. */
function Section(props: { action: string; method: string; title: string; text: string; children?: ReactNode; button: ReactNode }) {
  return (
    <Card.SettingsSection action={props.action} method={props.method} onSubmit={() => {}}>
      <Card.SettingsSectionContent title={props.title} description={props.text}>
        {props.children}
      </Card.SettingsSectionContent>
      <Card.SettingsSectionFooter>{props.button}</Card.SettingsSectionFooter>
    </Card.SettingsSection>
  )
}

function Data() {
  const { account_data_url: url } = useOryConfiguration().project as Project
  const button = <button className="button quiet" type="submit">{t().download}</button>
  return url ? <Section action={url} method="get" title={t().data} text={t().dataWhat} {...{ button }} /> : null
}

/** Whoever succeeds here has no settings any more, and is sent elsewhere. */
function Deletion() {
  const { flow } = useOryFlow()
  const inputs = flow.ui.nodes.filter(isUiNodeInput)
  const field = inputs.find(({ attributes }) => attributes.name === CONFIRMATION)
  if (!field) return null
  const { expected } = (field.meta.label?.context ?? {}) as { expected?: string }
  const token = inputs.find(({ attributes }) => attributes.name === "csrf_token")?.attributes.value
  const wrong = field.messages.some(({ id }) => id === NOT_CONFIRMED)
  const button = (
    <button className="button danger" type="submit" name="method" value="account">
      {t().deleteAccount}
    </button>
  )
  return (
    <Section action={flow.ui.action} method="post" title={t().deletion} text={t().deletionWhat} {...{ button }}>
      <input type="hidden" name="csrf_token" defaultValue={token} />
      <label className="field">
        <span>{t().confirmBy(expected ?? "")}</span>
        <input
          name={CONFIRMATION}
          type="text"
          autoComplete="off"
          autoCapitalize="off"
          spellCheck={false}
          aria-invalid={wrong || undefined}
          aria-describedby={wrong ? "not-confirmed" : undefined}
          autoFocus={wrong}
        />
      </label>
      {wrong && (
        <p id="not-confirmed" className="wrong" role="alert">
          {t().notConfirmed}
        </p>
      )}
    </Section>
  )
}

/** The library's button, but for the one that stands in a section of ours. */
export function Button(props: OryNodeButtonProps) {
  return props.node.attributes.value === "account" ? null : <Node.Button {...props} />
}

/** What a change has come to, in one sentence and with a button that has a name. */
export function Toast({ message, id }: OryToastProps) {
  const intl = useIntl()
  const elsewhere = message.id === RECOVERED
  useEffect(() => {
    if (elsewhere) toast.dismiss(id)
  }, [elsewhere, id])
  if (elsewhere) return null
  return (
    <div className={`toast ${message.type}`}>
      <p>{uiTextToFormattedMessage(message, intl)}</p>
      <button type="button" aria-label={t().close} onClick={() => toast.dismiss(id)}>
        ×
      </button>
    </div>
  )
}
