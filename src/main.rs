//! The `elbo` command.

#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    elbo::cli::main()
}
