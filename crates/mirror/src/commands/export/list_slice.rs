//! The slice of list and lock that travels with the images.

use images_list::{ApprovedDigest, List, Lock, Row, compare_lines};

use super::copying::repository_of;
use crate::rows::approvals::Approvals;
use crate::rows::selection::RunRow;

/// The exported rows of the list, and their approvals.
#[derive(Debug, Default)]
pub(super) struct ListSlice {
    pub(super) list: Vec<u8>,
    /// `None` if no exported row is locked.
    pub(super) lock: Option<Vec<u8>>,
}

impl ListSlice {
    /// Creates the slice of rows. Destinations are written in full, since the targets stay behind.
    pub(super) fn new<'a>(rows: impl Iterator<Item = &'a RunRow>, approvals: &Approvals) -> Self {
        let mut lines: Vec<(String, Row, Option<ApprovedDigest>)> = Vec::new();
        for run_row in rows {
            let Some(listed) = &run_row.listed else {
                continue;
            };
            let Ok(destination) = repository_of(&run_row.row.destination) else {
                continue;
            };
            let row = Row {
                destination: destination.into(),
                ..listed.row.clone()
            };
            lines.push((row.to_string(), row, approvals.approved(listed).cloned()));
        }
        lines.sort_by(|(one, ..), (other, ..)| compare_lines(one, other));
        lines.dedup_by(|(one, ..), (other, ..)| one == other);
        let mut text = String::new();
        let mut lock = Lock::default();
        let mut is_locked = false;
        for (line, row, approved) in lines {
            text.push_str(&line);
            text.push('\n');
            if let Some(approved) = approved {
                lock.set(row, approved);
                is_locked = true;
            }
        }
        let lock = is_locked.then(|| lock.text(&List::parse(&text)).into_bytes());
        Self {
            list: text.into_bytes(),
            lock,
        }
    }
}
