//! The names in a file, as tags of one repository.

use image_name::{ImageName, RepositoryPath, Tag};

/// The tag that stands for an image whose name in the file is no tag.
const UNNAMED: &str = "image";
/// The repository that stands for a file without repositories.
const NO_REPOSITORY: &str = "image";

/// The names of a file from the view of one image: those of its repository are tags.
///
/// A name is a tag (`v1`), as in the layout of one repository, or a full name (`quay.io/a/b:v1`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ImageNames {
    /// The name of the image, `None` for one without a name.
    pub(super) name: Option<String>,
    /// The tag of the image.
    pub(super) tag: Tag,
    /// The text before the tag in the names of the repository.
    prefix: String,
    /// The name holds a tag.
    pub(super) is_tagged: bool,
}

impl ImageNames {
    /// Creates the view of an image with a name, or without one.
    pub(super) fn new(name: Option<&str>) -> Self {
        let (prefix, tag) = match name {
            Some(name) => split(name),
            None => ("", None),
        };
        Self {
            name: name.map(str::to_owned),
            is_tagged: tag.is_some(),
            tag: tag.unwrap_or_else(unnamed),
            prefix: prefix.to_owned(),
        }
    }

    /// Returns the name of a tag in the file.
    pub(super) fn name_of(&self, tag: &Tag) -> Option<String> {
        if *tag == self.tag {
            return self.name.clone();
        }
        Some(format!("{}{tag}", self.prefix))
    }

    /// Returns the tag of a name in the file, `None` for that of another repository.
    pub(super) fn tag_of(&self, name: &str) -> Option<Tag> {
        if self.name.as_deref() == Some(name) {
            return Some(self.tag.clone());
        }
        name.strip_prefix(&self.prefix)?.parse().ok()
    }

    /// Returns the path of the repository, for references.
    pub(super) fn repository(&self) -> &str {
        let path = self.prefix.trim_end_matches(':');
        if path.parse::<RepositoryPath>().is_ok() {
            path
        } else {
            NO_REPOSITORY
        }
    }
}

/// Splits a name into the text before its tag, and the tag.
fn split(name: &str) -> (&str, Option<Tag>) {
    let after_path = name.rfind('/').map_or(0, |slash| slash + 1);
    if let Some(at) = name.find('@') {
        // No name of a tag: that of an image by its digest.
        let (prefix, _) = split(&name[..at]);
        return (if prefix.is_empty() { "" } else { prefix }, None);
    }
    match name[after_path..].find(':') {
        Some(colon) => {
            let (prefix, tag) = name.split_at(after_path + colon + 1);
            (prefix, tag.parse().ok())
        }
        None if after_path == 0 => ("", name.parse().ok()),
        None => ("", None),
    }
}

fn unnamed() -> Tag {
    #[expect(clippy::expect_used, reason = "the constant is a tag")]
    UNNAMED.parse().expect("a tag")
}

/// Returns the full name with a tag that a name stands for: `docker.io/library/busybox:1` for `busybox:1`.
/// `None` for a name without a tag, and for a bare tag.
pub(super) fn full_name(name: &str) -> Option<String> {
    if !name.contains([':', '/']) {
        return None;
    }
    let image: ImageName = name.parse().ok()?;
    (image.tag.is_some() && image.digest.is_none()).then(|| image.reference(None).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_one_repository_are_its_tags() {
        let sig: Tag = "sha256-1.sig".parse().unwrap();
        for (name, tag, signature, repository) in [
            ("v1", "v1", "sha256-1.sig", "image"),
            (
                "quay.io/a/b:v1",
                "v1",
                "quay.io/a/b:sha256-1.sig",
                "quay.io/a/b",
            ),
            ("busybox:1", "1", "busybox:sha256-1.sig", "busybox"),
            (
                "localhost:5000/a:1",
                "1",
                "localhost:5000/a:sha256-1.sig",
                "image",
            ),
            ("quay.io/a/b", "image", "sha256-1.sig", "image"),
        ] {
            let names = ImageNames::new(Some(name));
            assert_eq!(names.tag.as_str(), tag, "{name}");
            assert_eq!(names.name_of(&sig).unwrap(), signature, "{name}");
            assert_eq!(names.tag_of(signature), Some(sig.clone()), "{name}");
            assert_eq!(names.tag_of(name), Some(names.tag.clone()), "{name}");
            assert_eq!(names.repository(), repository, "{name}");
        }
        let names = ImageNames::new(Some("quay.io/a/b:v1"));
        assert_eq!(names.tag_of("quay.io/a/c:v1"), None);
    }

    #[test]
    fn image_without_a_name_has_none() {
        let names = ImageNames::new(None);
        assert_eq!(names.name_of(&names.tag), None);
        assert!(!names.is_tagged);
        let by_digest = ImageNames::new(Some("quay.io/a/b:v1@sha256:12"));
        assert!(!by_digest.is_tagged);
        assert_eq!(by_digest.repository(), "quay.io/a/b");
    }

    #[test]
    fn full_names_are_written_out() {
        for (name, full) in [
            ("busybox:1", Some("docker.io/library/busybox:1")),
            ("quay.io/a/b:v1", Some("quay.io/a/b:v1")),
            ("v1", None),
            ("quay.io/a/b", None),
        ] {
            assert_eq!(full_name(name).as_deref(), full, "{name}");
        }
    }
}
