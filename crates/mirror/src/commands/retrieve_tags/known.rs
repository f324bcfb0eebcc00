//! What the lists have, looked up by image and tag.

use std::collections::HashMap;

use image_name::{ManifestReference, RepositoryName};
use images_list::Row;
use tag_retrieval::FoundTag;

use crate::files::list_file::ListFile;

/// The rows of all lists, those that were commented out included: somebody did
/// not want them, so they are not proposed again.
#[derive(Debug, Default)]
pub(crate) struct KnownRows {
    rows: HashMap<(RepositoryName, ManifestReference), Vec<Place>>,
}

#[derive(Debug)]
struct Place {
    destination: RepositoryName,
    said: String,
}

impl KnownRows {
    /// Reads the lists.
    pub(crate) fn of(lists: &[ListFile]) -> Self {
        let mut known = Self::default();
        for file in lists {
            for at in file.list.rows() {
                known.add(at.row, format!("{}:{}", file.name, at.line));
            }
            for commented in file.list.commented_rows() {
                let place = format!("{}:{}, commented out,", file.name, commented.line);
                known.add(&commented.row, place);
            }
        }
        known
    }

    fn add(&mut self, row: &Row, said: String) {
        let key = (row.source.clone(), row.tag.clone());
        let destination = row.destination.clone();
        let places = self.rows.entry(key).or_default();
        places.push(Place { destination, said });
    }

    /// Where a pair stands: a row with its image and its tag, whatever its
    /// destination, unless the configuration names one. What can be no row is
    /// known nowhere.
    pub(crate) fn place(&self, pair: &FoundTag) -> Option<String> {
        let key = (pair.image.parse().ok()?, pair.tag.parse().ok()?);
        let wanted: Option<RepositoryName> = match &pair.destination {
            Some(name) => Some(name.parse().ok()?),
            None => None,
        };
        let places = self.rows.get(&key)?.iter();
        let mut fits = places.filter(|place| match &wanted {
            Some(wanted) => place.destination == *wanted,
            None => true,
        });
        fits.next().map(|place| place.said.clone())
    }
}

#[cfg(test)]
mod tests {
    use images_list::List;
    use tag_retrieval::Origin;

    use super::*;

    #[test]
    fn fields_are_compared_whole() {
        let text = "a/a r/a 1.6.10\nbusybox r/b 1\nbusybox r/c 2\n# d/d r/d 1\n";
        let lists = [ListFile {
            name: "list".to_owned(),
            path: "list".into(),
            list: List::parse(text),
        }];
        let known = KnownRows::of(&lists);
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
            assert_eq!(known.place(&pair).as_deref(), want, "{image}:{tag}");
        }
    }
}
