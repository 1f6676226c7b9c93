//! What evaluates Jsonnet for the suite, as `insula sandbox` does for the server.

fn main() -> std::process::ExitCode {
    tenants::serve_sandbox()
}
