//! The payload of a classic signature ("simple signing").

use image_name::Digest;

use super::json;
use crate::refusal::Cause;

/// The payload of a classic signature. Source: containers/image, `signature-protocols`, and cosign's
/// "Signature Specification".
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Payload {
    /// The image's name, `critical.identity.docker-reference`.
    pub(super) reference: String,
    /// The digest of the manifest, `critical.image.docker-manifest-digest`.
    pub(super) digest: Digest,
}

/// The value of `critical.type` in signatures by cosign.
const TYPE: &str = "cosign container image signature";

/// The maximum size of a payload, in bytes.
pub(super) const MAX_PAYLOAD: usize = 1024 * 1024;

impl Payload {
    pub(super) fn parse(content: &[u8]) -> Result<Self, Cause> {
        if content.len() > MAX_PAYLOAD {
            return Err(Cause::TooLarge {
                size: content.len(),
                limit: MAX_PAYLOAD,
            });
        }
        let value = json::parse(content)?;
        let kind = json::text(&value, "/critical/type")?;
        if kind != TYPE {
            return Err(Cause::PayloadType(Cause::text(kind)));
        }
        // A reader must know everything that is critical.
        for (pointer, known) in [
            ("", &["critical", "optional"][..]),
            ("/critical", &["identity", "image", "type"]),
            ("/critical/identity", &["docker-reference"]),
            ("/critical/image", &["docker-manifest-digest"]),
        ] {
            let object = value.pointer(pointer).and_then(|value| value.as_object());
            let mut keys = object.into_iter().flat_map(|object| object.keys());
            if let Some(key) = keys.find(|key| !known.contains(&key.as_str())) {
                let message = format!("unknown key {} in the payload", Cause::text(key));
                return Err(Cause::Malformed(message));
            }
        }
        let digest = json::text(&value, "/critical/image/docker-manifest-digest")?;
        let malformed = |_| Cause::Malformed(format!("{} is no digest", Cause::text(digest)));
        Ok(Self {
            reference: json::text(&value, "/critical/identity/docker-reference")?.to_owned(),
            digest: digest.parse().map_err(malformed)?,
        })
    }
}
