// Repairs of the library's components for people who do not see the page.
import { getOryComponents } from "@ory/elements-react/theme"
import type { OryMessageContentProps, OryNodeLabelProps } from "@ory/elements-react"
import { useEffect, useRef } from "react"
import { Header } from "./header"
import { Button, CONFIRMATION, Toast } from "./settings"

const shipped = getOryComponents()
const { Content } = shipped.Message
const { Label } = shipped.Node

/** A message that is read out when it appears. */
function Message({ message }: OryMessageContentProps) {
  return (
    <span id={`message-${message.id}`} role={message.type === "error" ? "alert" : "status"}>
      <Content message={message} />
    </span>
  )
}

/** A field, unless it stands in a section of ours. */
function Field(props: OryNodeLabelProps) {
  return props.attributes.name === CONFIRMATION ? null : <Described {...props} />
}

/** A field that knows which message is about it. */
function Described(props: OryNodeLabelProps) {
  const box = useRef<HTMLDivElement>(null)
  useEffect(() => {
    const input = box.current?.querySelector("input, select")
    const messages = [...(box.current?.querySelectorAll('[id^="message-"]') ?? [])]
    if (!input) return
    if (messages.length) input.setAttribute("aria-describedby", messages.map((m) => m.id).join(" "))
    else input.removeAttribute("aria-describedby")
    const wrong = messages.some((m) => m.getAttribute("role") === "alert")
    if (wrong) input.setAttribute("aria-invalid", "true")
    else input.removeAttribute("aria-invalid")
  })
  return (
    <div ref={box}>
      <Label {...props} />
    </div>
  )
}

/** What the flows are drawn with. */
export const components = {
  Card: { Header },
  Message: { Content: Message, Toast },
  Node: { Button, Label: Field },
}
