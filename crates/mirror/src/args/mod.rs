//! The command line: parsing validates, effects come later.

mod checking;
mod cli;
mod common;
mod copying;
mod duration;
mod everyday;
mod operands;
mod selecting;

pub(crate) use checking::{CompareArgs, FmtArgs, LintArgs};
pub(crate) use cli::{Cli, Command, wants_json};
pub(crate) use common::{Common, LogFormat};
pub(crate) use copying::{CopyArgs, CopyingArgs, SyncArgs};
pub(crate) use everyday::{DemoArgs, InspectArgs, LoginArgs, TagsArgs};
pub(crate) use operands::Key;
pub(crate) use selecting::{Places, SelectArgs};
