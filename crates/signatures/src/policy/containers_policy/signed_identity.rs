//! `signedIdentity`: the name that a classic signature must have.

use image_name::{ImageName, RepositoryName};
use strict_json::{Located, Problems};

use super::fields::IdentityFields;
use crate::requirement::SignedIdentity;

/// Returns the name that a classic signature must have.
pub(super) fn signed_identity(
    identity: &Located<IdentityFields>,
    problems: &mut Problems<'_>,
) -> Option<SignedIdentity> {
    let fields = &identity.value;
    let kind = fields.kind.as_ref()?;
    let required = |key: &str, value: &Option<Located<String>>, problems: &mut Problems<'_>| {
        if value.is_none() {
            problems.add(identity.offset, format!("`{key}` is missing"));
        }
        value.clone()
    };
    match kind.value.as_str() {
        "matchExact" => Some(SignedIdentity::Exact),
        "matchRepoDigestOrExact" => Some(SignedIdentity::RepositoryDigestOrExact),
        "matchRepository" => Some(SignedIdentity::Repository),
        "exactReference" => {
            let image = required("dockerReference", &fields.docker_reference, problems)?;
            let parsed = parse::<ImageName>(&image, problems)?;
            if parsed.tag.is_none() && parsed.digest.is_none() {
                problems.add(
                    image.offset,
                    "`dockerReference` has neither a tag nor a digest",
                );
                return None;
            }
            Some(SignedIdentity::ExactReference(parsed))
        }
        "exactRepository" => {
            let repository = required("dockerRepository", &fields.docker_repository, problems)?;
            parse::<RepositoryName>(&repository, problems).map(SignedIdentity::ExactRepository)
        }
        "remapIdentity" => {
            let prefix = required("prefix", &fields.prefix, problems);
            let signed_prefix = required("signedPrefix", &fields.signed_prefix, problems);
            Some(SignedIdentity::Remap {
                prefix: prefix?.value,
                signed_prefix: signed_prefix?.value,
            })
        }
        other => {
            let other = other.escape_debug();
            problems.add(kind.offset, format!("unknown signed identity `{other}`"));
            None
        }
    }
}

fn parse<T: std::str::FromStr<Err: std::fmt::Display>>(
    written: &Located<String>,
    problems: &mut Problems<'_>,
) -> Option<T> {
    let parsed = written.value.parse();
    parsed
        .map_err(|error: T::Err| problems.add(written.offset, error))
        .ok()
}
