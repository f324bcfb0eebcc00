//! What sources have now, and what becomes of a lock by it.

use std::collections::HashMap;

use futures::StreamExt;
use images_list::{Approved, List, Lock, Row};

use crate::registries::availability::{Looked, Lookout};
use crate::rows::adding::Pair;

/// Rows looked for at once; the client sees to what each registry bears.
const AT_ONCE: usize = 512;

/// What sources said, each image once.
#[derive(Debug)]
pub(crate) struct Answers(HashMap<Pair, Looked<Approved>>);

/// What has become of a row's line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    /// The row, as the list spells it.
    pub(crate) row: Row,
    /// What was approved before.
    pub(crate) before: Option<Approved>,
    /// What is approved now.
    pub(crate) now: Approved,
}

fn pair_of(row: &Row) -> Pair {
    Pair {
        source: row.source.clone(),
        tag: row.tag.clone(),
    }
}

impl Answers {
    /// Asks for the images of rows, all at the same time.
    pub(crate) async fn ask(lookout: &Lookout, rows: impl Iterator<Item = &Row>) -> Self {
        let mut open: Vec<Pair> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        open.extend(rows.map(pair_of).filter(|pair| seen.insert(pair.clone())));
        let asked = futures::stream::iter(open)
            .map(|pair| async move {
                let looked = lookout.image(&pair.source, &pair.tag).await;
                (pair, looked)
            })
            .buffer_unordered(AT_ONCE);
        Self(asked.collect().await)
    }

    /// What was said of a row's image.
    pub(crate) fn of(&self, row: &Row) -> Option<&Looked<Approved>> {
        self.0.get(&pair_of(row))
    }

    /// Enters what was found for the selected rows of a list, in its order.
    pub(crate) fn enter(
        &self,
        list: &List,
        lock: &mut Lock,
        is_wanted: impl Fn(&Row, &Lock) -> bool,
    ) -> Vec<Change> {
        let mut changes = Vec::new();
        for at in list.rows() {
            let Some(Looked::Found(now)) = self.of(at.row) else {
                continue;
            };
            let before = lock.get(at.row).cloned();
            if before.as_ref() == Some(now) || !is_wanted(at.row, lock) {
                continue;
            }
            lock.set(at.row.clone(), now.clone());
            changes.push(Change {
                row: at.row.clone(),
                before,
                now: now.clone(),
            });
        }
        changes
    }
}
