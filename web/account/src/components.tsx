// Repairs of the library's components for people who do not see the page.
import { getOryComponents } from "@ory/elements-react/theme"
import type { OryMessageContentProps, OryNodeInputProps, OryNodeLabelProps } from "@ory/elements-react"
import { useEffect, useRef, type ChangeEvent } from "react"
import { MOMENT, toLocal, toStored } from "./form"
import { Footer } from "./footer"
import { Header } from "./header"
import { Logo } from "./logo"
import { Button, CONFIRMATION, Toast } from "./settings"
import { t } from "./texts"

const shipped = getOryComponents()
const { Content } = shipped.Message
const { Input, Label } = shipped.Node

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
    const input = box.current?.querySelector("input:not([type=hidden]), select")
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

/** Times in the visitor's own, and numbers that need not be whole. */
function Typed(props: OryNodeInputProps) {
  const { inputProps } = props
  if (inputProps.type === MOMENT) return <Moment {...props} />
  if (inputProps.type === "password") return <Secret {...props} />
  // What it may be is for the project's schema to say, and for the server.
  const free = inputProps.type === "number" ? { step: "any" } : {}
  return <Input {...props} inputProps={{ ...inputProps, ...free }} />
}

/** Its button names itself, in English alone. */
function Secret(props: OryNodeInputProps) {
  const box = useRef<HTMLDivElement>(null)
  useEffect(() => {
    const button = box.current?.querySelector("button")
    if (!button) return
    const names: Record<string, string> = { "Show password": t().showPassword, "Hide password": t().hidePassword }
    const rename = () => {
      const label = button.getAttribute("aria-label") ?? ""
      const better = names[label]
      if (better && better !== label) button.setAttribute("aria-label", better)
    }
    const observer = new MutationObserver(rename)
    observer.observe(button, { attributeFilter: ["aria-label"] })
    rename()
    return () => observer.disconnect()
  }, [])
  return (
    <div ref={box}>
      <Input {...props} />
    </div>
  )
}

/** The form holds the time as it is stored. */
function Moment({ inputProps, ...props }: OryNodeInputProps) {
  const { name, value, onChange } = inputProps
  const local = {
    ...inputProps,
    type: "datetime-local",
    name: "",
    step: "any",
    value: toLocal(value),
    onChange: (event: ChangeEvent<HTMLInputElement>) => onChange(toStored(event.target.value)),
  }
  return (
    <>
      <input type="hidden" {...{ name }} value={String(value ?? "")} />
      <Input {...props} inputProps={local} />
    </>
  )
}

/** What the flows are drawn with. */
export const components = {
  Card: { Footer, Header, Logo },
  Message: { Content: Message, Toast },
  Node: { Button, Input: Typed, Label: Field },
}
