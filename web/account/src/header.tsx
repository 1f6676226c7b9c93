// The heading of a card, which the library words alike whatever the flow has come to.
import { useOryFlow } from "@ory/elements-react"
import { getOryComponents } from "@ory/elements-react/theme"
import { createIntl, RawIntlProvider, useIntl } from "react-intl"
import { useFocus } from "./focus"
import { t } from "./texts"

const { Header: Shipped } = getOryComponents().Card

type Flow = ReturnType<typeof useOryFlow>

/** The library's texts to put ours in place of. */
function instead({ flow, flowType }: Flow): Record<string, string> {
  const { state } = flow as { state?: string }
  if (flowType === "verification" && state === "passed_challenge") {
    return { "verification.title": t().verified, "verification.subtitle": t().verifiedGoOn }
  }
  if (!flow.ui.nodes.some(({ group }) => group === "link")) return {}
  if (state === "sent_email") return { "verification.subtitle": t().openLink, "recovery.subtitle": t().openLink }
  return { "recovery.subtitle": t().recoverByLink }
}

/** The library's heading, in words that fit what was sent and what is done. */
export function Header() {
  const flow = useOryFlow()
  const intl = useIntl()
  useFocus()
  const { locale } = intl
  return (
    <RawIntlProvider value={createIntl({ locale, messages: { ...intl.messages, ...instead(flow) } as Record<string, string> })}>
      <Shipped />
    </RawIntlProvider>
  )
}
