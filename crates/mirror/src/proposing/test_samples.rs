//! Proposals for the tests.

use std::collections::BTreeMap;

use images_list::List;
use tag_retrieval::Origin;

use crate::proposing::{Edit, Kind, Proposal, ProposedPair};

/// A pair of a row, found in a release that is named like its tag.
pub(crate) fn pair(row: &str) -> ProposedPair {
    let list = List::parse(row);
    let row = list.rows().next().unwrap().row.clone();
    let tag = row.tag.as_str().to_owned();
    ProposedPair {
        row,
        origin: Origin::Page {
            title: format!("release {tag}"),
            url: format!("https://x.io/{tag}"),
        },
    }
}

/// A proposal that adds a line for each pair to an empty list.
pub(crate) fn proposal(entry: &str, pairs: Vec<ProposedPair>) -> Proposal {
    let line = |pair: &ProposedPair| format!("{}\n", pair.row);
    let edit = Edit {
        before: Some("# list\n".to_owned()),
        after: format!("# list\n{}", pairs.iter().map(line).collect::<String>()),
    };
    Proposal {
        entry: entry.to_owned(),
        kind: Kind::Versions,
        pairs,
        left_out: Vec::new(),
        edited: BTreeMap::from([("lists/images-list".to_owned(), edit)]),
    }
}
