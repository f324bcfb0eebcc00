//! The tips of usage errors.

use std::ffi::OsString;

use clap::Command;
use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Replaces the tip to pass an unknown option as a value: no value of this program begins with `-`.
pub(super) fn with_own_tips(
    mut error: clap::Error,
    command_line: &Command,
    args: &[OsString],
) -> clap::Error {
    if error.kind() != ErrorKind::UnknownArgument {
        return error;
    }
    let Some(ContextValue::String(unknown)) = error.get(ContextKind::InvalidArg) else {
        return error;
    };
    let own = own_tip(unknown, command_line, args).map(StyledStr::from);
    let tips = match error.remove(ContextKind::Suggested) {
        Some(ContextValue::StyledStrs(tips)) => tips,
        _ => Vec::new(),
    };
    let kept = tips
        .into_iter()
        .filter(|tip| !tip.to_string().starts_with("to pass "));
    let tips: Vec<_> = kept.chain(own).collect();
    if !tips.is_empty() {
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(tips));
    }
    error
}

/// Returns the tips of an error as one line.
pub(crate) fn tips(error: &clap::Error) -> Option<String> {
    let text = error.to_string();
    let tips = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("tip: "));
    let tips = tips.collect::<Vec<_>>().join("; ");
    (!tips.is_empty()).then_some(tips)
}

/// Returns the tip for `-x`: the long options that begin with `x`, or how to write a negative number.
fn own_tip(unknown: &str, command_line: &Command, args: &[OsString]) -> Option<String> {
    let initial = unknown.strip_prefix('-')?.chars().next()?;
    if initial.is_ascii_digit() {
        return Some(format!(
            "to give '{unknown}' to an option, write '--OPTION={unknown}'"
        ));
    }
    let mut command = command_line;
    for arg in args.iter().skip(1) {
        command = command.find_subcommand(arg).unwrap_or(command);
    }
    let options = command.get_arguments().filter_map(|arg| arg.get_long());
    let similar = options.filter(|long| initial != '-' && long.starts_with(initial));
    let similar: Vec<_> = similar.map(|long| format!("'--{long}'")).collect();
    (!similar.is_empty()).then(|| {
        format!(
            "there is no '-{initial}'; options that begin with it: {}",
            similar.join(", ")
        )
    })
}
