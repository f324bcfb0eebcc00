//! The lists and locks of the base.

use std::collections::HashMap;

use images_list::{ApprovedDigest, List, Lock, Row};

/// A list of the base with its lock.
#[derive(Debug)]
pub(crate) struct BaseList {
    /// The name for messages.
    pub(crate) name: String,
    /// The list, empty if the base did not have it.
    pub(crate) list: List,
    /// The lock, if the base had a valid one.
    pub(crate) lock: Option<Lock>,
}

/// The rows of all lists of the base, with the approved digest of each, and the rows of followed entries
/// in their locks.
///
/// Another line of a lock without a row in its list approves nothing.
#[derive(Debug)]
pub(crate) struct BaseApprovals<'a> {
    rows: HashMap<&'a Row, Vec<BaseApproval<'a>>>,
}

/// A row in one list of the base.
#[derive(Debug, Clone, Copy)]
struct BaseApproval<'a> {
    /// The index of the list.
    list: usize,
    approved: Option<&'a ApprovedDigest>,
    /// A followed entry gives the row; it is not in the list.
    is_followed: bool,
}

impl<'a> BaseApprovals<'a> {
    /// Indexes the lists of the base.
    pub(crate) fn new(base: &'a [BaseList]) -> Self {
        let mut rows: HashMap<_, Vec<_>> = HashMap::new();
        for (
            list,
            BaseList {
                list: old, lock, ..
            },
        ) in base.iter().enumerate()
        {
            for at in old.rows() {
                let approved = lock.as_ref().and_then(|lock| lock.get(at.row));
                let known: &mut Vec<_> = rows.entry(at.row).or_default();
                known.push(BaseApproval {
                    list,
                    approved,
                    is_followed: false,
                });
            }
            for followed in lock.iter().flat_map(Lock::followed) {
                let known: &mut Vec<_> = rows.entry(followed.row).or_default();
                if !known.iter().any(|known| known.list == list) {
                    known.push(BaseApproval {
                        list,
                        approved: Some(followed.approved),
                        is_followed: true,
                    });
                }
            }
        }
        Self { rows }
    }

    /// Returns the rows of followed entries that the base locked beside the list at index `list`.
    pub(crate) fn followed(&self, list: usize) -> Vec<&'a Row> {
        let rows = self.rows.iter().filter(|(_, known)| {
            let mut known = known.iter();
            known.any(|known| known.is_followed && known.list == list)
        });
        let mut rows: Vec<&Row> = rows.map(|(row, _)| *row).collect();
        rows.sort_by_cached_key(ToString::to_string);
        rows
    }

    /// Checks whether a list of the base had the row, or its lock had it for a followed entry.
    pub(crate) fn has_row(&self, row: &Row) -> bool {
        self.rows.contains_key(row)
    }

    /// Returns the approval that a row in the list at index `list` had to keep. In a list that had
    /// the row it is that list's; a row that was moved keeps the approval of the list it comes from.
    /// Of several approvals the result has the digest of `now`, if one of them has it.
    pub(crate) fn approved(
        &self,
        list: usize,
        row: &Row,
        now: Option<&ApprovedDigest>,
    ) -> Option<&'a ApprovedDigest> {
        let known = self.rows.get(row)?;
        let here = known.iter().filter(|known| known.list == list);
        let here: Vec<_> = here.map(|known| known.approved).collect();
        let elsewhere = || known.iter().filter_map(|known| known.approved);
        let same = || {
            let now = now.map(ApprovedDigest::digest);
            elsewhere().find(|approved| Some(approved.digest()) == now)
        };
        match here.first() {
            Some(Some(approved)) => Some(approved),
            // The row was here without an approval. One that another list has is as good.
            Some(None) => same(),
            None => same().or_else(|| elsewhere().next()),
        }
    }
}
