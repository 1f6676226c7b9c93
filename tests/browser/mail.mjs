// A mail server on loopback that keeps what it is given, and lets tests wait for it.
import { simpleParser } from "mailparser"
import { SMTPServer } from "smtp-server"

/** `{ relay, next, stop }`: `next` hands out each letter to an address once, the oldest first. */
export async function startMail(within) {
  const unread = []
  let arrived = () => {}
  const server = new SMTPServer({
    authOptional: true,
    // It has no certificate that anybody would trust.
    disabledCommands: ["AUTH", "STARTTLS"],
    disableReverseLookup: true,
    onData(stream, { envelope }, done) {
      simpleParser(stream).then((letter) => {
        unread.push({ letter, to: envelope.rcptTo.map(({ address }) => address) })
        arrived()
        done()
      }, done)
    },
  })
  await new Promise((done, failed) => {
    server.once("error", failed)
    server.listen(0, "127.0.0.1", done)
  })
  const relay = `smtp://127.0.0.1:${server.server.address().port}/?disable_starttls=true`

  /** The oldest unread letter to an address, as mailparser has it; waits until there is one. */
  async function next(address) {
    const until = Date.now() + within
    for (;;) {
      const at = unread.findIndex(({ to }) => to.includes(address))
      if (at >= 0) return unread.splice(at, 1)[0].letter
      const left = until - Date.now()
      if (left <= 0) throw new Error(`no letter to ${address}; unread: ${unread.map(({ to, letter }) => `${to}: ${letter.subject}`).join("; ")}`)
      await new Promise((done) => {
        const timer = setTimeout(done, left)
        arrived = () => {
          clearTimeout(timer)
          done()
        }
      })
    }
  }

  /** Are there letters to an address that nobody has read? */
  const unreadTo = (address) => unread.filter(({ to }) => to.includes(address)).map(({ letter }) => letter.subject)

  return { relay, next, unreadTo, stop: () => new Promise((done) => server.close(done)) }
}

/** The code in a letter; the same in its text and its HTML. */
export function codeOf(letter) {
  return same(letter, /\b\d{6}\b/)
}

/** The link in a letter; the same in its text and its HTML. */
export function linkOf(letter) {
  return same(letter, /https?:\/\/[^\s"<>]+/)
}

function same(letter, pattern) {
  const found = letter.text.match(pattern)?.[0]
  if (!found) throw new Error(`nothing like ${pattern} in ${letter.text}`)
  const html = letter.html.replaceAll("&amp;", "&").replaceAll("&#x2f;", "/")
  if (!html.includes(found)) throw new Error(`the HTML lacks ${found}: ${html}`)
  return found
}
