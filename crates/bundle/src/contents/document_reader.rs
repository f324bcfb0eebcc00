//! The reader of `mirror.json`. The document is hostile input.

use std::collections::HashSet;

use serde::Deserialize;

use super::document::{Contents, FORMAT_VERSION, LayoutKind};
use super::member_path::{MemberFile, MemberPath};

/// The maximum size of the document in bytes: 300,000 members take 64 MiB.
pub const MAX_CONTENTS: u64 = 64 << 20;

/// The maximum length of an error of the JSON reader in characters.
const MAX_DETAIL: usize = 300;

/// The reason why a text is not the contents of a bundle.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ContentsError {
    /// The document is too long.
    #[error("mirror.json has {size} bytes, more than the maximum of {MAX_CONTENTS}")]
    TooLong {
        /// The size in bytes.
        size: u64,
    },
    /// The format is newer than this program.
    #[error("mirror.json has format version {version}, and only {FORMAT_VERSION} is known")]
    Version {
        /// The version.
        version: u64,
    },
    /// The document does not have the form of the format.
    #[error("mirror.json is not valid: {detail}")]
    Form {
        /// The cause with its position.
        detail: String,
    },
    /// Two members have the same path.
    #[error("mirror.json lists the member {path} more than once")]
    Duplicate {
        /// The path.
        path: MemberPath,
    },
    /// A blob has another digest than its name.
    #[error("mirror.json lists the member {path} with another digest than its name")]
    Misnamed {
        /// The path.
        path: MemberPath,
    },
    /// A member is in the layout of a repository, or outside of all, against the kind of the layout.
    #[error("mirror.json lists the member {path}, which its layout does not have")]
    Misplaced {
        /// The path.
        path: MemberPath,
    },
    /// The sizes of the members do not fit into 64 bits.
    #[error("mirror.json lists members of more than 2^63 bytes")]
    Overflow,
}

#[derive(Deserialize)]
struct VersionOnly {
    #[serde(rename = "formatVersion")]
    version: u64,
}

impl Contents {
    /// Parses the document.
    ///
    /// # Errors
    ///
    /// [`ContentsError`] for anything that [`Contents::to_bytes`] does not write: unknown or duplicate keys,
    /// names that are not in full, members with a path that no bundle has.
    pub fn parse(bytes: &[u8]) -> Result<Self, ContentsError> {
        let size = bytes.len() as u64;
        if size > MAX_CONTENTS {
            return Err(ContentsError::TooLong { size });
        }
        // The text may quote the whole document.
        let form = |error: serde_json::Error| ContentsError::Form {
            detail: error.to_string().chars().take(MAX_DETAIL).collect(),
        };
        let VersionOnly { version } = serde_json::from_slice(bytes).map_err(form)?;
        if version != u64::from(FORMAT_VERSION) {
            return Err(ContentsError::Version { version });
        }
        let contents: Self = serde_json::from_slice(bytes).map_err(form)?;
        contents.check_members()?;
        Ok(contents)
    }

    fn check_members(&self) -> Result<(), ContentsError> {
        let mut paths = HashSet::with_capacity(self.members.len());
        let mut total: u64 = 0;
        for member in &self.members {
            let path = || member.path.clone();
            if !paths.insert(&member.path) {
                return Err(ContentsError::Duplicate { path: path() });
            }
            if let Some(digest) = member.path.digest()
                && *digest != member.digest
            {
                return Err(ContentsError::Misnamed { path: path() });
            }
            if !self.has_place_for(&member.path) {
                return Err(ContentsError::Misplaced { path: path() });
            }
            let sum = total.checked_add(member.size);
            total = sum
                .filter(|sum| *sum <= u64::MAX >> 1)
                .ok_or(ContentsError::Overflow)?;
        }
        Ok(())
    }

    fn has_place_for(&self, path: &MemberPath) -> bool {
        let is_list = matches!(path.file(), MemberFile::List | MemberFile::Lock);
        let has_repository = path.repository().is_some();
        is_list || has_repository == (self.layout == LayoutKind::Repositories)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contents::{AttachedManifest, BundledImage, Member};

    fn hex(letter: char) -> String {
        letter.to_string().repeat(64)
    }

    fn contents() -> Contents {
        let digest: image_name::Digest = format!("sha256:{}", hex('a')).parse().unwrap();
        let mut contents = Contents::new("mirror 0.1.0");
        contents.images.push(BundledImage {
            source: "nginx".parse().unwrap(),
            destination: "registry.example.com/mirror/nginx".parse().unwrap(),
            tag: "1.27".parse().unwrap(),
            destination_tag: "1.27".parse().unwrap(),
            digest: digest.clone(),
            media_type: "application/vnd.oci.image.index.v1+json".into(),
            size: 12,
            platforms: Vec::new(),
            attached: vec![AttachedManifest {
                subject: digest.clone(),
                digest: digest.clone(),
                media_type: "x/y".into(),
                size: 1,
                tag: Some(digest.tag(image_name::DigestTagKind::Signature)),
                artifact_type: None,
            }],
        });
        contents.members.push(Member {
            path: MemberPath::blob(digest.clone()),
            digest,
            size: 12,
        });
        contents
    }

    #[test]
    fn contents_are_read_as_they_were_written() {
        let bytes = contents().to_bytes();
        let text = std::str::from_utf8(&bytes).unwrap();
        assert!(
            text.starts_with("{\n  \"formatVersion\": 1,\n  \"createdBy\""),
            "{text}"
        );
        assert!(
            text.contains(r#""source": "docker.io/library/nginx""#),
            "{text}"
        );
        assert_eq!(Contents::parse(&bytes).unwrap(), contents());
    }

    #[test]
    fn other_documents_are_refused_with_their_cause() {
        let text = String::from_utf8(contents().to_bytes()).unwrap();
        let member = format!(
            "{{\"path\": \"blobs/sha256/{0}\", \"digest\": \"sha256:{0}\", \"size\": 1}}",
            hex('a')
        );
        let cases = [
            (
                "\"formatVersion\": 1",
                "\"formatVersion\": 2",
                "format version 2",
            ),
            (
                "\"layout\": \"single\",",
                "\"layout\": \"single\", \"layout\": \"single\",",
                "duplicate field `layout`",
            ),
            ("\"target\"", "\"targets\"", "unknown field `targets`"),
            ("docker.io/library/nginx", "nginx", "is not in full"),
            (
                "registry.example.com/mirror/nginx",
                "registry.example.com/../nginx",
                "not valid",
            ),
            (
                "\"path\": \"blobs",
                "\"path\": \"../blobs",
                "no member of a bundle",
            ),
            (
                "\"members\": [",
                &format!("\"members\": [{member},"),
                "more than once",
            ),
            (
                &format!("\"path\": \"blobs/sha256/{}", hex('a')),
                &format!("\"path\": \"blobs/sha256/{}", hex('b')),
                "another digest",
            ),
            (
                "\"path\": \"blobs",
                "\"path\": \"mirror/nginx/blobs",
                "its layout does not have",
            ),
            (
                "\"size\": 12\n    }\n  ]",
                "\"size\": -1\n    }\n  ]",
                "not valid",
            ),
            (
                "\"size\": 12\n    }\n  ]",
                "\"size\": 9223372036854775808\n    }\n  ]",
                "2^63",
            ),
        ];
        for (from, to, cause) in cases {
            assert!(text.contains(from), "{from}");
            let error = Contents::parse(text.replace(from, to).as_bytes()).unwrap_err();
            assert!(error.to_string().contains(cause), "{from}: {error}");
        }
    }

    #[test]
    fn long_document_is_not_parsed() {
        let text = vec![b' '; usize::try_from(MAX_CONTENTS).unwrap() + 1];
        let error = Contents::parse(&text).unwrap_err();
        assert!(matches!(error, ContentsError::TooLong { .. }), "{error}");
    }
}
