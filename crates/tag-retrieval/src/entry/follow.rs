//! `follow`: entries whose tags are mirrored without rows in a list.

use std::num::NonZeroU16;

use strict_json::{Flag, Located, NonEmpty, Problems};

use super::entry_fields::{EntryFields, ImageField};

/// The settings of a followed entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Follow {
    /// `maximum`: the entry fails if its filters leave more tags.
    pub maximum: Option<NonZeroU16>,
}

impl Follow {
    /// Reads `follow` and `maximum` of the entry `name`, and reports keys that have no effect. Returns
    /// `None` for an entry that is not followed.
    pub(crate) fn parse(
        name: &str,
        fields: &EntryFields,
        problems: &mut Problems<'_>,
    ) -> Option<Self> {
        let on = |follow: &&Located<Flag>| follow.value == Flag::On;
        let Some(follow) = fields.follow.as_ref().filter(on) else {
            if let Some(maximum) = &fields.maximum {
                let message = "`maximum` is for followed entries: add `\"follow\": true`";
                problems.add(maximum.offset, message);
            }
            return None;
        };
        if name.is_empty() || name.contains(|c: char| c.is_whitespace() || c.is_control()) {
            let message = "the name of a followed entry is a column of the lock: use a name without \
                           whitespace";
            problems.add(follow.offset, message);
        }
        report_missing_destinations(fields, problems);
        for key in ["reviewers", "labels"] {
            let present = fields.present.iter().find(|present| present.value == key);
            if let Some(present) = present {
                let message =
                    format!("`{key}` has no effect: a followed entry has no pull requests");
                problems.add(present.offset, message);
            }
        }
        Some(Self {
            maximum: fields.maximum.as_ref().map(|maximum| maximum.value),
        })
    }
}

fn report_missing_destinations(fields: &EntryFields, problems: &mut Problems<'_>) {
    let Some(images) = &fields.images else { return };
    let NonEmpty(images) = &images.value;
    for Located { value, offset } in images {
        if let ImageField::Name(source) = value {
            let message = format!(
                "`images`: a followed entry names the destination of each image: write \
                 {{\"source\": \"{source}\", \"destination\": …}}"
            );
            problems.add(*offset, message);
        }
    }
}
