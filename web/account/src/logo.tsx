// The project's logo, or its name.
import { useOryConfiguration } from "@ory/elements-react"

/** Named after the project, which the library's is not. */
export function Logo() {
  const { name, logo_light_url: logo } = useOryConfiguration().project
  return <h1 className="project">{logo ? <img className="logo" src={logo} alt={name} /> : name}</h1>
}
