//! The `elbo` command.

fn main() -> std::process::ExitCode {
    elbo::cli::main()
}
