// A browser's cookies, the SDK on top of them, and a record of which of its methods were called.

import axios from "axios"

/** Cookies by name, as one site sets them. */
class Jar {
  #cookies = new Map()

  keep(lines = []) {
    for (const line of lines) {
      const [pair, ...attributes] = line.split("; ")
      const at = pair.indexOf("=")
      if (attributes.includes("Max-Age=0")) this.#cookies.delete(pair.slice(0, at))
      else this.#cookies.set(pair.slice(0, at), pair.slice(at + 1))
    }
  }

  names() {
    return [...this.#cookies.keys()]
  }

  toString() {
    return [...this.#cookies].map(([name, value]) => `${name}=${value}`).join("; ")
  }
}

/** Somebody at a browser. Redirects are not followed, so that tests see them. */
export class Browser {
  jar = new Jar()

  /** A click on a link or, with `fields`, the submission of a form. */
  async go(url, fields) {
    const response = await fetch(url, {
      method: fields ? "POST" : "GET",
      body: fields && new URLSearchParams(fields),
      headers: { accept: "text/html,application/xhtml+xml,*/*;q=0.8", cookie: `${this.jar}` },
      redirect: "manual",
    })
    this.jar.keep(response.headers.getSetCookie())
    await response.arrayBuffer()
    return { status: response.status, location: response.headers.get("location") }
  }

  /** What a script in this browser sends with; the browser keeps and adds the cookies. */
  axios() {
    const instance = axios.create({ maxRedirects: 0 })
    instance.interceptors.request.use((request) => {
      request.headers.set("Cookie", `${this.jar}`)
      return request
    })
    const keep = (response) => this.jar.keep(response?.headers["set-cookie"])
    instance.interceptors.response.use(
      (response) => (keep(response), response),
      (error) => (keep(error.response), Promise.reject(error)),
    )
    return instance
  }
}

const called = new Map()

/** The same API object; the methods called on it are noted under its class's name. */
export function watched(api) {
  const kind = Object.getPrototypeOf(api).constructor
  const names = called.get(kind) ?? called.set(kind, new Set()).get(kind)
  return new Proxy(api, {
    get(target, name) {
      const value = target[name]
      if (typeof value !== "function") return value
      names.add(name)
      return value.bind(target)
    },
  })
}

/** Which methods of an API class were called so far, and which it has. */
export function calls(kind) {
  const has = Object.getOwnPropertyNames(kind.prototype).filter((name) => name !== "constructor")
  return { called: called.get(kind) ?? new Set(), has }
}

/** The answer to a call that has to be refused. */
export async function refusal(call) {
  const answer = await call.then(
    ({ status }) => Promise.reject(new Error(`answered ${status}, and should have refused`)),
    (error) => error.response ?? Promise.reject(error),
  )
  return { status: answer.status, ...answer.data }
}

/** The input of that name, as the SDK decoded it. */
export function input(flow, name, value) {
  const named = flow.ui.nodes.filter((node) => node.attributes.name === name)
  return named.find((node) => value === undefined || node.attributes.value === value)
}

/** `group/name`, and `=value` for buttons, in the order shown. */
export function outline(flow) {
  return flow.ui.nodes.map(({ group, attributes: { name, type, value } }) =>
    type === "submit" ? `${group}/${name}=${value}` : `${group}/${name}`,
  )
}

/** Ids of the messages of a form or of one of its nodes. */
export const messages = (of) => (of?.messages ?? []).map(({ id }) => id)
