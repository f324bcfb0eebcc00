//! Refusals of runs whose list or configuration may be incomplete.

use super::destination_history::DestinationHistory;
use crate::cli::failure::Failure;
use crate::files::config_file;
use crate::files::list_file::{self, ListFile};
use crate::files::lock_file::LockFile;
use crate::rows::selection::Selection;
use crate::session::Session;

/// Refuses a run without a configuration if a lock has rows of followed entries: they would all be candidates.
pub(super) fn refuse_lost_configuration(
    session: &Session,
    lists: &[ListFile],
) -> Result<(), Failure> {
    if config_file::read_followed(&session.common)?.is_some() {
        return Ok(());
    }
    for file in lists {
        let lock = LockFile::read(file)?;
        if lock.is_some_and(|lock| !lock.lock.followed().is_empty()) {
            let message = format!(
                "the lock of {} has rows of followed entries, and there is no configuration",
                file.name
            );
            return Err(Failure::unusable(message).hint(
                "name the configuration with --config FILE; a configuration without followed entries may be {}"
                    .to_owned(),
            ));
        }
    }
    Ok(())
}

/// Refuses a run without the rows of a followed entry.
pub(super) fn refuse_failed_entries(selection: &Selection) -> Result<(), Failure> {
    let findings = selection.entry_findings();
    if findings.is_empty() {
        return Ok(());
    }
    let message = "a followed entry failed, so its tags are unknown; nothing was deleted";
    Err(Failure::failed(message)
        .hint("run again when its version source responds".to_owned())
        .problems(findings))
}

/// Refuses lists that have lost all their rows.
pub(super) fn refuse_emptied(
    lists: &[ListFile],
    history: &DestinationHistory<'_>,
) -> Result<(), Failure> {
    let is_empty = lists.iter().all(|file| file.list.rows().next().is_none());
    if is_empty && history.has_rows() {
        return Err(list_file::no_row(lists)
            .hint("restore the list: all its former tags would be candidates".to_owned()));
    }
    Ok(())
}

/// Refuses a run in which an entry gives no row, and a lock has rows of it: a version source that lists nothing for
/// a moment would clear the mirror of its tags.
pub(super) fn refuse_emptied_entries(selection: &Selection) -> Result<(), Failure> {
    let emptied = selection.followed.iter();
    let emptied: Vec<_> = emptied
        .filter(|entry| entry.rows().next().is_none())
        .collect();
    for file in &selection.lists {
        let Some(lock) = LockFile::read(file)? else {
            continue;
        };
        for row in lock.lock.followed() {
            if let Some(entry) = emptied.iter().find(|entry| entry.name == *row.entry) {
                let message = format!(
                    "the entry {} follows no tag, but {} has tags of the entry; nothing was deleted",
                    entry.name, lock.name
                );
                return Err(Failure::failed(message).hint(
                    "check its version source, or remove the entry if all its tags may go"
                        .to_owned(),
                ));
            }
        }
    }
    Ok(())
}
