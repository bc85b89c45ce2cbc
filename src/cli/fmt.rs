//! `elbo fmt`: programs written in the one way we write them.

use super::streams::{Exit, Failure, Result, note, print};
use crate::data::{Disk, Files};
use crate::diag::{Diagnostic, Sources};
use crate::{output, syntax};
use clap::Args;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Formats programs in place; a program with mistakes in its grammar is left as it is
#[derive(Args)]
#[command(after_help = "\
Examples:
  elbo fmt schools.vi coin.vi    rewrites the files that are not yet in form
  elbo fmt --check *.vi          names them, and exits with code 1 if there are any
  elbo fmt --check models        the same for all `.vi` files under a folder
  elbo fmt - < schools.vi        from standard input to standard output")]
pub(super) struct Fmt {
    /// The programs, or folders of them; `-` is standard input, whose form goes to standard output
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Writes nothing: prints the names of the files that would change, and exits with code 1 if there are
    /// any
    #[arg(long)]
    check: bool,
}

impl Fmt {
    pub(super) fn run(&self) -> Result<Exit> {
        let mut exit = Exit::Good;
        let files: Vec<PathBuf> = self.files.iter().flat_map(|path| programs(path)).collect();
        for path in &files {
            match self.file(path) {
                Ok(Exit::Good) => {}
                Ok(found) => exit = found,
                // The other files have nothing to do with what is wrong in this one.
                Err(failure @ Failure::Told { .. }) => exit = failure.tell(false),
                Err(failure) => return Err(failure),
            }
        }
        Ok(exit)
    }

    fn file(&self, path: &Path) -> Result<Exit> {
        let piped = path == Path::new("-");
        let name = match piped {
            true => "standard input".to_string(),
            false => path.display().to_string(),
        };
        let text = read(path, piped).map_err(|why| {
            let message = format!("cannot read the program {name}: {why}");
            Failure::wrong(
                vec![Diagnostic::error("E0631", message)],
                &Sources::default(),
            )
        })?;
        let mut sources = Sources::default();
        let id = sources.add(&name, &text);
        let (ast, problems) = syntax::parse(id, &text);
        if !problems.is_empty() {
            return Err(Failure::wrong(problems, &sources));
        }
        let formatted = syntax::format(&ast, &text);
        match (self.check, piped) {
            (true, _) if formatted != text => print(&format!("{name}\n")).map(|()| Exit::Wrong),
            (true, _) => Ok(Exit::Good),
            (false, true) => print(&formatted).map(|()| Exit::Good),
            (false, false) if formatted != text => {
                output::replace_file(path, &formatted)
                    .map_err(|problem| Failure::wrong(vec![problem], &sources))?;
                note(&format!("formatted {name}"));
                Ok(Exit::Good)
            }
            (false, false) => Ok(Exit::Good),
        }
    }
}

/// The `.vi` files under a folder, in order of their names; what is no folder is taken for a program.
fn programs(path: &Path) -> Vec<PathBuf> {
    let Ok(names) = Disk.list(path) else {
        return vec![path.to_path_buf()];
    };
    let mut found = Vec::new();
    for name in names.iter().filter(|name| !name.starts_with('.')) {
        let inside = path.join(name);
        if !Disk.exists(&inside) {
            found.extend(
                programs(&inside)
                    .into_iter()
                    .filter(|path| Disk.exists(path)),
            );
        } else if inside.extension().is_some_and(|end| end == "vi") {
            found.push(inside);
        }
    }
    found
}

fn read(path: &Path, piped: bool) -> io::Result<String> {
    let mut bytes = Vec::new();
    if piped {
        io::stdin().lock().read_to_end(&mut bytes)?;
    } else {
        bytes = Disk.read(path)?;
    }
    String::from_utf8(bytes)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not text (UTF-8)"))
}
