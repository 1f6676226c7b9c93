//! The one binary, `insula`.

fn main() -> std::process::ExitCode {
    cli::main()
}
