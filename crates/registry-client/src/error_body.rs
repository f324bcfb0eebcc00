//! The bodies of error responses.

use image_name::Digest;
use serde::Deserialize;
use serde_json::Value;

use crate::redact::printable;

/// One entry of the error body of a registry or of a vendor's API.
///
/// Source: distribution specification, "Error Codes".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorCode {
    /// Such as `NAME_UNKNOWN`.
    pub code: String,
    /// The registry's message.
    pub message: String,
    /// The digests that the message or the detail names.
    pub digests: Vec<Digest>,
}

/// The maximum length of a code or message, in characters.
pub(crate) const LENGTH: usize = 300;

/// The body of the distribution specification, which Harbor's API uses too.
#[derive(Deserialize)]
struct RegistryErrors {
    errors: Vec<RegistryError>,
}

#[derive(Deserialize)]
struct RegistryError {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    detail: Value,
}

/// The body of an AWS service.
///
/// Source: Smithy specification, "AWS JSON 1.1 protocol", "Operation error serialization".
#[derive(Deserialize)]
struct AwsError {
    /// `CODE`, or `NAMESPACE#CODE` and with a URL after a colon in older services.
    #[serde(rename = "__type")]
    kind: String,
    #[serde(default, alias = "Message")]
    message: Option<String>,
}

/// The body of quay's API.
///
/// Source: quay, `endpoints/exception.py`.
#[derive(Deserialize)]
struct QuayError {
    error_type: String,
    #[serde(default)]
    error_message: Option<String>,
    #[serde(default)]
    detail: Option<String>,
}

/// Returns the codes of an error body, or `None` for a body in an unknown format.
pub(crate) fn parse(body: &[u8]) -> Option<Vec<ErrorCode>> {
    if let Ok(RegistryErrors { errors }) = serde_json::from_slice(body) {
        return Some(errors.into_iter().map(RegistryError::into_code).collect());
    }
    if let Ok(AwsError { kind, message }) = serde_json::from_slice(body) {
        let code = kind.rsplit('#').next().unwrap_or_default();
        let code = code.split(':').next().unwrap_or_default();
        return Some(vec![plain(code, message)]);
    }
    let error: QuayError = serde_json::from_slice(body).ok()?;
    let message = error.error_message.filter(|text| !text.is_empty());
    Some(vec![plain(&error.error_type, message.or(error.detail))])
}

impl RegistryError {
    fn into_code(self) -> ErrorCode {
        let message = self.message.unwrap_or_default();
        let mut digests = digests_in(&message);
        // A string in distribution, an object in other registries.
        digests.extend(digests_in(&self.detail.to_string()));
        ErrorCode {
            code: printable(&self.code, LENGTH),
            message: printable(&message, LENGTH),
            digests,
        }
    }
}

fn plain(code: &str, message: Option<String>) -> ErrorCode {
    ErrorCode {
        code: printable(code, LENGTH),
        message: printable(&message.unwrap_or_default(), LENGTH),
        digests: Vec::new(),
    }
}

/// Returns the digests in a text.
fn digests_in(text: &str) -> Vec<Digest> {
    let words =
        text.split(|character: char| !character.is_ascii_alphanumeric() && character != ':');
    let mut digests = Vec::new();
    for digest in words.filter_map(|word| word.trim_matches(':').parse().ok()) {
        if !digests.contains(&digest) {
            digests.push(digest);
        }
    }
    digests
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_from_the_error_bodies_of_vendors() {
        let table = [
            (
                r#"{"errors":[{"code":"CONFLICT","message":"The project named a already exists"}]}"#,
                Some(("CONFLICT", "The project named a already exists")),
            ),
            (
                r#"{"__type":"RepositoryAlreadyExistsException","message":"it exists"}"#,
                Some(("RepositoryAlreadyExistsException", "it exists")),
            ),
            (
                r#"{"__type":"com.amazonaws.ecr#AccessDeniedException:http://x/","Message":"no"}"#,
                Some(("AccessDeniedException", "no")),
            ),
            (
                r#"{"detail":"d","error_message":"Repository already exists","error_type":"invalid_request","title":"t","status":400}"#,
                Some(("invalid_request", "Repository already exists")),
            ),
            (
                r#"{"detail":"d","error_type":"invalid_token"}"#,
                Some(("invalid_token", "d")),
            ),
            (r#"{"message":"404 Project Not Found"}"#, None),
            ("<html>", None),
        ];
        for (body, expected) in table {
            let codes = parse(body.as_bytes());
            let first = codes.as_deref().and_then(<[_]>::first);
            let found = first.map(|code| (code.code.as_str(), code.message.as_str()));
            assert_eq!(found, expected, "{body}");
        }
    }
}
