//! The command line: parsing validates, effects come later.

mod adding;
mod checking;
mod cli;
mod copying;
mod everyday;
mod locking;
mod reporting;
mod retrieving;
mod reviewing;
mod wanted;

pub(crate) use adding::AddTagArgs;
pub(crate) use checking::{CompareArgs, FmtArgs, LintArgs};
pub(crate) use cli::{Cli, Command, wants_json};
pub(crate) use copying::{CopyArgs, CopyingArgs, SyncArgs};
pub(crate) use everyday::{DemoArgs, InspectArgs, LoginArgs, TagsArgs};
pub(crate) use locking::{LockArgs, MutableArgs};
pub(crate) use reporting::{MergeArgs, ReportArgs, ReportCommand};
pub(crate) use retrieving::RetrieveTagsArgs;
pub(crate) use reviewing::CheckNewArgs;
