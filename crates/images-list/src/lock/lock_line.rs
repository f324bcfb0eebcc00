//! The lines of a lock, in its two versions.

use image_name::{AttachedDigest, Digest, ManifestReference};

use super::approved_digest::{ApprovedDigest, ApprovedDigestError};
use super::attached_digests::AttachedDigests;
use super::entry_name::{self, EntryName};
use super::problem::LockProblemKind;
use super::signer::{self, Signer};
use crate::row::{NameCache, Row, fields, is_merge_mark};

/// The start of the first line, before the number of the version.
const MARK: &str = "# mirror-lock ";
/// The first column of an attached digest.
const ATTACHED: &str = "+";

/// The version of a lock's format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    /// Rows with their digest and media type.
    One,
    /// Also keys of rows, and attached digests.
    Two,
}

/// A row with its approval.
#[derive(Debug)]
pub(super) struct LockedRow {
    pub(super) row: Row,
    pub(super) approved: ApprovedDigest,
    /// The entry that gives the row, for a row that is not in the list.
    pub(super) entry: Option<EntryName>,
}

/// A line that is neither blank nor a comment.
#[derive(Debug)]
pub(super) enum LockLine {
    /// `SOURCE DESTINATION TAG DIGEST MEDIA_TYPE [KEY=VALUE…]`.
    Row(LockedRow),
    /// `+ SUBJECT TAG DIGEST`, about the row above.
    Attached(AttachedDigest),
}

impl Version {
    /// Returns the version of a lock. Version 1 has no mark.
    pub(super) fn parse(text: &str) -> Result<Self, LockProblemKind> {
        let first = text.lines().next().unwrap_or_default();
        match first.strip_prefix(MARK).map(str::trim_ascii) {
            None | Some("1") => Ok(Self::One),
            Some("2") => Ok(Self::Two),
            Some(found) => Err(LockProblemKind::Version {
                found: found.to_owned(),
            }),
        }
    }

    /// Parses a line; `None` for blank lines and comments.
    pub(super) fn parse_line(
        self,
        text: &str,
        names: &mut NameCache,
    ) -> Result<Option<LockLine>, Vec<LockProblemKind>> {
        if is_merge_mark(text) {
            let text = text.to_owned();
            return Err(vec![LockProblemKind::MergeMark { text }]);
        }
        let columns: Vec<&str> = fields(text).collect();
        match columns[..] {
            [] => Ok(None),
            [first, ..] if first.starts_with('#') => Ok(None),
            [ATTACHED, ..] if self == Self::One => Err(vec![LockProblemKind::AttachedInVersion1]),
            [ATTACHED, ref columns @ ..] => attached(columns).map(Some),
            _ => self.row(&columns, names).map(Some),
        }
    }

    fn row(
        self,
        columns: &[&str],
        names: &mut NameCache,
    ) -> Result<LockLine, Vec<LockProblemKind>> {
        let found = columns.len();
        let [source, destination, tag, digest, media_type, ref keys @ ..] = columns[..] else {
            return Err(vec![LockProblemKind::Fields { found }]);
        };
        let keys = match self {
            Self::Two => Keys::parse(keys, found),
            Self::One if keys.is_empty() => Ok(Keys::default()),
            Self::One => Err(LockProblemKind::Fields { found }),
        };
        let Keys { entry, signer } = keys.map_err(|kind| vec![kind])?;
        let row = names.parse_row(&format!("{source} {destination} {tag}"));
        let approved = ApprovedDigest::parse(digest, media_type).map_err(|reason| {
            let text = digest.to_owned();
            LockProblemKind::Digest { text, reason }
        });
        match (row, approved) {
            (Ok(row), Ok(approved)) => Ok(LockLine::Row(LockedRow {
                row,
                approved: match self {
                    Self::One => approved,
                    Self::Two => approved
                        .with_attached(AttachedDigests::default())
                        .with_signer(signer),
                },
                entry,
            })),
            (row, approved) => {
                let errors = row.err().into_iter().flatten().map(LockProblemKind::Row);
                Err(errors.chain(approved.err()).collect())
            }
        }
    }
}

/// The `KEY=VALUE` columns of a line.
#[derive(Debug, Default)]
struct Keys {
    entry: Option<EntryName>,
    signer: Option<Signer>,
}

impl Keys {
    /// Parses the columns of a line with `found` columns in all.
    fn parse(columns: &[&str], found: usize) -> Result<Self, LockProblemKind> {
        let mut keys = Self::default();
        for column in columns {
            let Some((key, value)) = column.split_once('=') else {
                return Err(LockProblemKind::Fields { found });
            };
            let written = || value.to_owned();
            let is_repeated = match key {
                entry_name::KEY => {
                    let name = EntryName::parse_column(value);
                    let name = name.ok_or_else(|| LockProblemKind::Source { value: written() })?;
                    keys.entry.replace(name).is_some()
                }
                signer::KEY => {
                    let name = value.parse();
                    let name = name.map_err(|_| LockProblemKind::Signer { value: written() })?;
                    keys.signer.replace(name).is_some()
                }
                unknown => {
                    let key = unknown.to_owned();
                    return Err(LockProblemKind::UnknownKey { key });
                }
            };
            if is_repeated {
                let known = [entry_name::KEY, signer::KEY];
                let key = known.into_iter().find(|known| *known == key);
                let key = key.unwrap_or_default();
                return Err(LockProblemKind::DuplicateKey { key });
            }
        }
        Ok(keys)
    }
}

/// Returns true for the line of an attached digest, valid or not.
pub(super) fn is_attached(text: &str) -> bool {
    fields(text).next() == Some(ATTACHED)
}

fn attached(columns: &[&str]) -> Result<LockLine, Vec<LockProblemKind>> {
    let [subject, tag, digest] = *columns else {
        let found = columns.len() + 1;
        return Err(vec![LockProblemKind::AttachedFields { found }]);
    };
    match (parse_digest(subject), parse_digest(digest)) {
        (Ok(subject), Ok(digest)) => match subject.tag_kind(tag) {
            Some(kind) => Ok(LockLine::Attached(AttachedDigest {
                subject,
                kind,
                digest,
            })),
            None => Err(vec![LockProblemKind::AttachedTag {
                tag: tag.to_owned(),
                subject,
            }]),
        },
        (subject, digest) => Err([subject.err(), digest.err()]
            .into_iter()
            .flatten()
            .collect()),
    }
}

fn parse_digest(text: &str) -> Result<Digest, LockProblemKind> {
    let reason = match text.parse() {
        Ok(ManifestReference::Digest(digest)) => return Ok(digest),
        Ok(ManifestReference::Tag(_)) => ApprovedDigestError::Tag,
        Err(error) => error.into(),
    };
    let text = text.to_owned();
    Err(LockProblemKind::Digest { text, reason })
}
