// Where the keyboard stands after a step. The library redraws what had it, and the browser then begins at the
// top of the page.
import { useOryFlow } from "@ory/elements-react"
import { useEffect } from "react"

const FIELDS = "input:not([type=hidden]):enabled, select:enabled"

/** Has a first step been shown? Some steps bring components of their own, which cannot know. */
let drawn = false

/** What the visitor was at last. */
let last: HTMLElement | undefined
document.addEventListener("focusin", ({ target }) => {
  if (target instanceof HTMLElement) last = target
})

/** After each step: to the first field that is wrong; else on from where the visitor was, `stay`, or into the new form. */
export function useFocus(stay = false): void {
  const { flow, formState } = useOryFlow()
  useEffect(() => {
    if (formState.isSubmitting) return
    const first = !drawn
    drawn = true
    if (first) return
    // After the library, which looks for a field of its own.
    const timer = setTimeout(() => refocus(stay))
    return () => clearTimeout(timer)
  }, [flow, formState.current, formState.isSubmitting, stay])
}

function refocus(stay: boolean): void {
  const main = document.querySelector("main")
  const wrong = main?.querySelector<HTMLElement>("[aria-invalid=true]:enabled")
  if (wrong) return wrong.focus()
  if (document.activeElement !== document.body) return
  if (stay && last?.isConnected) return last.focus()
  const field = main?.querySelector<HTMLElement>(FIELDS)
  if (field) return field.focus()
  const heading = main?.querySelector("h2")
  if (!heading) return
  heading.tabIndex = -1
  heading.focus()
}
