//! The signers of an image for which there is no requirement yet.

use serde_json::{Value, json};
use signatures::Cause;

use super::report::{VerifiedImage, VerifyStatus};

/// A name that no issuer and no identity has.
const NONE: &str = "-";

/// Returns a policy that no signature satisfies: what it refuses for its issuer alone has passed all other checks.
pub(super) fn policy() -> Value {
    json!({"images": [{"match": "*", "keyless": {"issuer": NONE, "identity": NONE}}]})
}

/// Turns the decision of [`policy`] into a list of the signers.
pub(super) fn list(image: &mut VerifiedImage) {
    let Some(rejected) = image.rejected.take() else {
        return;
    };
    let mut signers = Vec::new();
    let mut has_key = false;
    let mut others = Vec::new();
    for examined in &rejected.examined {
        match &examined.cause {
            Cause::OtherIssuer { found, issuer, .. } => {
                let signer = (found.clone(), issuer.clone());
                if !signers.contains(&signer) {
                    signers.push(signer);
                }
            }
            Cause::CertificateRequired => has_key = true,
            _ => others.push(examined.to_string()),
        }
    }
    image.examined = others;
    image.hint = None;
    let by = signers.iter();
    let mut found: Vec<String> = by
        .map(|(identity, issuer)| format!("signed by {identity} (issuer {issuer})"))
        .collect();
    if has_key {
        found.push("signed with a key, which is not verified".to_owned());
    }
    match (signers.first(), has_key) {
        (Some((identity, issuer)), _) => {
            image.status = VerifyStatus::Signed;
            image.hint = Some(format!(
                "require it with the entry {} in policy.json",
                entry(&image.image, identity, issuer)
            ));
        }
        (None, true) => {
            image.hint = Some("verify the key with --key FILE".to_owned());
        }
        (None, false) => found.push(rejected.found.clone()),
    }
    image.message = Some(found.join("; "));
}

/// Returns the entry of a policy that requires a signer for the images of a repository.
fn entry(image: &str, identity: &str, issuer: &str) -> Value {
    let name = image.split('@').next().unwrap_or(image);
    let path = name.rfind('/').map_or(0, |slash| slash + 1);
    let end = name[path..]
        .find(':')
        .map_or(name.len(), |colon| path + colon);
    let mut keyless = json!({"issuer": unquoted(issuer)});
    // A workflow has another identity for each tag that it builds. On a branch, it has always the same one.
    match unquoted(identity).split_once("@refs/tags/") {
        Some((workflow, _)) => {
            keyless["identityRegexp"] = format!("^{}@refs/tags/.*", escaped(workflow)).into();
        }
        None => keyless["identity"] = unquoted(identity).into(),
    }
    json!({"match": &name[..end], "keyless": keyless})
}

/// Returns the text in quotes of a cause.
fn unquoted(text: &str) -> String {
    serde_json::from_str(text).unwrap_or_else(|_| text.to_owned())
}

/// Returns a text as a part of a regular expression.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        if !character.is_ascii_alphanumeric() && !"/:-_@".contains(character) {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entry_requires_the_workflow_whatever_its_tag() {
        let workflow = "https://github.com/org/repo/.github/workflows/release.yml@refs/tags/v1";
        for (image, identity, want) in [
            (
                "ghcr.io/org/app:v1",
                workflow,
                r#"{"match":"ghcr.io/org/app","keyless":{"issuer":"https://i","identityRegexp":"^https://github\\.com/org/repo/\\.github/workflows/release\\.yml@refs/tags/.*"}}"#,
            ),
            (
                "r.io:5000/app@sha256:12",
                "me@example.com",
                r#"{"match":"r.io:5000/app","keyless":{"issuer":"https://i","identity":"me@example.com"}}"#,
            ),
        ] {
            assert_eq!(entry(image, identity, "https://i").to_string(), want);
        }
    }
}
