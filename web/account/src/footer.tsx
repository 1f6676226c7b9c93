// The foot of a card.
import { useOryFlow } from "@ory/elements-react"
import { getOryComponents } from "@ory/elements-react/theme"
import { base } from "./place"
import { t } from "./texts"

const { Footer: Shipped } = getOryComponents().Card

/** The library's, and the way back from a recovery. */
export function Footer() {
  const { flow, flowType } = useOryFlow()
  if (flowType !== "recovery") return <Shipped />
  const query = flow.return_to ? `?return_to=${encodeURIComponent(flow.return_to)}` : ""
  return (
    <a className="way-back" href={`${base}/self-service/login/browser${query}`}>
      {t().toSignIn}
    </a>
  )
}
