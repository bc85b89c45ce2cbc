//! soon
use super::input::Input;
use super::report::{Exit, Result};
use clap::Args;
/// soon
#[derive(Args)]
pub(super) struct Profile {
    #[command(flatten)]
    input: Input,
}
impl Profile {
    pub(super) fn run(&self) -> Result<Exit> {
        self.input.bind(true)?;
        Ok(Exit::Good)
    }
}
