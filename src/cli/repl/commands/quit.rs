//! `:quit`: the end.

use super::{Command, Takes};

/// It is told from other lines before commands are looked at.
pub(super) const COMMAND: Command = Command {
    name: "quit",
    usage: "",
    about: "leaves, as Ctrl-D does",
    takes: Takes::Nothing,
    run: |_, _, _| Ok(String::new()),
};
