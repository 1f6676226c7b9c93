// Where this page stands: everything before `/ui/` is the project's base, whatever it looks like.

const found = location.pathname.match(/^(.*)\/ui\/([a-z]+)$/)

/** The page's name: `login`, `session` … */
export const page = found?.[2] ?? ""

/** The project's base URL, without a slash at its end. */
export const base = location.origin + (found?.[1] ?? "")

/** The flow to show, or the error. */
export const id = new URLSearchParams(location.search).get(page === "error" ? "id" : "flow") ?? ""

/** To the start of a flow; the server sends the browser back here with its id. */
export function start(flow: string, query = ""): void {
  location.replace(`${base}/self-service/${flow}/browser${query}`)
}

/**
 * Could so many flows not be read, one after the other, that it must be a circle? A browser that keeps no
 * cookies is given flow after flow and may read none of them.
 */
export function circling(): boolean {
  if (!navigator.cookieEnabled) return true
  try {
    const now = Date.now()
    const past: number[] = JSON.parse(sessionStorage.getItem("insula-unread") ?? "[]")
    const recent = [...past.filter((at) => now - at < 10_000), now]
    sessionStorage.setItem("insula-unread", JSON.stringify(recent))
    return recent.length > 4
  } catch {
    return false
  }
}
