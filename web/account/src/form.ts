// Between the library's forms and the server's: what is drawn, and what is sent.
import type { Context } from "./german"
import { reasonOf, titled } from "./texts"

/** An input of a point in time, under a name that the library does not throw at. */
export const MOMENT = "moment"

type Message = { id: number; text: string; context?: Context }
type Attributes = { name?: string; type?: string }
type Node = { attributes: Attributes; messages?: Message[]; meta?: { label?: Message } }
type Flow = { ui: { nodes?: Node[]; messages?: Message[] } }

/** An answer's form, made fit for the library and its texts. */
export function drawable({ ui: { nodes = [], messages = [] } }: Flow): void {
  messages.forEach(translate)
  for (const { messages = [], meta } of nodes) {
    messages.forEach(translate)
    if (meta?.label) translate(meta.label)
  }
  fit(nodes.map(({ attributes }) => attributes))
}

/** The label of a trait: its title in the project's schema. */
const FIELD_LABEL = 1070002

/** The library knows messages by their ids; these carry words, which it shows as they are. */
function translate(message: Message): void {
  const { id, context } = message
  if (!context) return
  const reason = reasonOf(context)
  if (reason) context.reason = reason
  if (id === FIELD_LABEL && context.title) message.text = context.title = titled(context.title)
}

function fit(inputs: Attributes[]): void {
  const names = new Set(inputs.map(({ name }) => name))
  for (const input of inputs) {
    if (input.type === "datetime-local") input.type = MOMENT
    // The field for one more item of a list stands beside `traits.tags.0` as `traits.tags`; the library keeps
    // values by path, where a list cannot be a text as well.
    let items = 0
    while (names.has(`${input.name}.${items}`)) items++
    if (items) input.name += `.${items}`
  }
}

/**
 * Traits go as a browser sends them by itself. The server reads such a form by the project's schema, and JSON
 * as it stands: a number would have to be one already, and these pages only know texts.
 */
export function asForm(init: RequestInit): RequestInit {
  const headers = new Headers(init.headers)
  if (typeof init.body !== "string" || headers.get("content-type") !== "application/json") return init
  const body: Record<string, unknown> = JSON.parse(init.body)
  if (!body.traits) return init
  headers.delete("content-type")
  return { ...init, headers, body: new URLSearchParams(pairs(body)) }
}

/** Every value by its dotted path. */
function pairs(value: unknown, path: string[] = []): [string, string][] {
  if (value === null || value === undefined) return []
  if (typeof value !== "object") return [[path.join("."), String(value)]]
  return Object.entries(value).flatMap(([key, inner]) => pairs(inner, [...path, key]))
}

/** A stored time as the visitor's clock shows it, in an input's words; nothing for what is no time. */
export function toLocal(stored: unknown): string {
  const time = new Date(typeof stored === "string" ? stored : "")
  if (isNaN(time.getTime())) return ""
  const local = new Date(time.getTime() - time.getTimezoneOffset() * 60_000)
  return local.toISOString().replace(/(:00)?\.\d{3}Z$/, "")
}

/** And back: RFC 3339. */
export const toStored = (local: string) => (local ? new Date(local).toISOString().replace(".000Z", "Z") : "")
