//! The rows of the lists, by image and tag.

use std::collections::HashMap;

use image_name::{ManifestReference, RepositoryName};
use images_list::{Destination, Row};
use tag_retrieval::{FoundTag, UntaggedImage};

use crate::files::list_file::ListFile;

/// The rows of all lists. Rows that are commented out count, because they were removed on purpose
/// and are not proposed again.
#[derive(Debug, Default)]
pub(crate) struct KnownRows {
    rows: HashMap<(RepositoryName, ManifestReference), Vec<KnownRow>>,
}

#[derive(Debug)]
struct KnownRow {
    destination: Destination,
    location: String,
}

impl KnownRows {
    /// Reads the lists.
    pub(crate) fn new(lists: &[ListFile]) -> Self {
        let mut known = Self::default();
        for file in lists {
            for at in file.list.rows() {
                known.add(at.row, file.location(at.line).to_string());
            }
            for commented in file.list.commented_rows() {
                let location = format!("{}, commented out,", file.location(commented.line));
                known.add(&commented.row, location);
            }
        }
        known
    }

    fn add(&mut self, row: &Row, location: String) {
        let key = (row.source.clone(), row.tag.source().clone());
        let destination = row.destination.clone();
        let rows = self.rows.entry(key).or_default();
        rows.push(KnownRow {
            destination,
            location,
        });
    }

    /// Returns the location of a row with this image by digest.
    pub(crate) fn digest_location(&self, image: &UntaggedImage) -> Option<String> {
        let key = (image.repository.parse().ok()?, image.digest.parse().ok()?);
        let row = self.rows.get(&key)?.first()?;
        Some(row.location.clone())
    }

    /// Returns the location of a row with this image and tag, and with the destination that the
    /// configuration names, if it does. `None` for text that no row can have.
    pub(crate) fn location(&self, pair: &FoundTag) -> Option<String> {
        let key = (pair.image.parse().ok()?, pair.tag.parse().ok()?);
        let wanted: Option<Destination> = match &pair.destination {
            Some(name) => Some(name.parse().ok()?),
            None => None,
        };
        let rows = self.rows.get(&key)?.iter();
        let mut fits = rows.filter(|row| match &wanted {
            Some(wanted) => row.destination == *wanted,
            None => true,
        });
        fits.next().map(|row| row.location.clone())
    }
}

#[cfg(test)]
mod tests {
    use images_list::List;
    use std::sync::Arc;
    use tag_retrieval::Origin;

    use super::*;

    #[test]
    fn location_compares_full_names_and_tags() {
        let text = "a/a r/a 1.6.10\nbusybox r/b 1\nbusybox r/c 2\n# d/d r/d 1\n";
        let lists = [ListFile {
            name: "list".to_owned(),
            path: "list".into(),
            list: List::parse(text),
            targets: Arc::default(),
        }];
        let known = KnownRows::new(&lists);
        let table = [
            ("a/a", "1.6.10", None, Some("list:1")),
            ("a/a", "1.6.1", None, None),
            ("a/a", "1.6_10", None, None),
            ("quay.io/a/a", "1.6.10", None, None),
            ("docker.io/library/busybox", "1", None, Some("list:2")),
            ("busybox", "2", Some("docker.io/r/c"), Some("list:3")),
            ("busybox", "2", Some("r/b"), None),
            ("d/d", "1", None, Some("list:4, commented out,")),
        ];
        for (image, tag, destination, want) in table {
            let pair = FoundTag {
                image: image.to_owned(),
                tag: tag.to_owned(),
                destination: destination.map(str::to_owned),
                origin: Origin::Repository {
                    repository: image.to_owned(),
                },
            };
            assert_eq!(known.location(&pair).as_deref(), want, "{image}:{tag}");
        }
    }
}
