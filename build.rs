//! Generates the parser from `grammar/vi.lalrpop`, and the table of the pages of `docs/errors`, into
//! the build folder; says by `cfg(machine_code)` whether Cranelift is among the dependencies.

use std::path::Path;
use std::{env, fs, io, process};

fn main() {
    println!("cargo::rerun-if-changed=grammar/vi.lalrpop");
    println!("cargo::rerun-if-changed=docs/errors");
    println!("cargo::rustc-check-cfg=cfg(machine_code)");
    if has_compiler() {
        println!("cargo::rustc-cfg=machine_code");
    }
    if let Err(error) = lalrpop::Configuration::new()
        .set_in_dir("grammar")
        .emit_rerun_directives(false)
        .process()
    {
        eprintln!("grammar/vi.lalrpop: {error}");
        process::exit(1);
    }
    if let Err(error) = error_pages() {
        eprintln!("docs/errors: {error}");
        process::exit(1);
    }
}

/// Whether tapes can be compiled to machine code: the feature `jit` is on, and the target is one for
/// which Cargo.toml has Cranelift.
fn has_compiler() -> bool {
    let target = |what: &str| env::var(format!("CARGO_CFG_TARGET_{what}")).unwrap_or_default();
    env::var_os("CARGO_FEATURE_JIT").is_some()
        && ["x86_64", "aarch64"].contains(&target("ARCH").as_str())
        && ["linux", "macos", "windows", "freebsd"].contains(&target("OS").as_str())
        && target("POINTER_WIDTH") == "64"
}

/// Writes `error_pages.rs`, a constant slice of codes and the text of their pages, in order, and `error_codes.rs`, of the codes.
fn error_pages() -> io::Result<()> {
    let folder = |name| env::var_os(name).ok_or(io::ErrorKind::NotFound);
    let pages = Path::new(&folder("CARGO_MANIFEST_DIR")?).join("docs/errors");
    let (mut rows, mut codes) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(pages)? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "md")
            && let Some(code) = path.file_stem()
        {
            let code = code.to_string_lossy().into_owned();
            rows.push(format!("    ({code:?}, include_str!({path:?})),\n"));
            codes.push(format!("    {code:?},\n"));
        }
    }
    rows.sort();
    codes.sort();
    let out = folder("OUT_DIR")?;
    let table = |rows: &[String]| format!("&[\n{}]\n", rows.concat());
    fs::write(Path::new(&out).join("error_codes.rs"), table(&codes))?;
    fs::write(Path::new(&out).join("error_pages.rs"), table(&rows))
}
