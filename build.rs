//! Generates the parser from `grammar/vi.lalrpop` into the build folder.

fn main() {
    println!("cargo::rerun-if-changed=grammar/vi.lalrpop");
    if let Err(error) = lalrpop::Configuration::new()
        .set_in_dir("grammar")
        .emit_rerun_directives(false)
        .process()
    {
        eprintln!("grammar/vi.lalrpop: {error}");
        std::process::exit(1);
    }
}
