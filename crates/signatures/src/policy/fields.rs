//! The fields of a policy file as written.
//!
//! These types are the reference of the file format: the JSON Schema is generated from them, and the
//! reader reads into them.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::Value as Json;
use strict_json::{
    FromJson, Located, NonEmpty, ObjectReader, Problems, Value, report_wrong_type, schema_of,
};

/// The images that may enter the mirror: whose signatures they need.
#[derive(Debug, JsonSchema)]
#[schemars(
    rename = "mirror's policy.json",
    rename_all = "camelCase",
    deny_unknown_fields
)]
pub(super) struct PolicyFields {
    /// The schema, for editors.
    #[schemars(rename = "$schema")]
    #[expect(dead_code, reason = "read for its type only")]
    pub(super) schema: Option<Located<String>>,
    /// The requirements. The first entry whose pattern matches the source of an image decides.
    #[schemars(required)]
    pub(super) images: Option<Located<Vec<Located<ImageFields>>>>,
    /// The decision about images that no pattern matches. Default: `reject`.
    pub(super) default: Option<Located<DefaultField>>,
}

/// The requirement of the images that a pattern matches. It has exactly one of `keys`, `keyless`, `accept` and
/// `reject`.
#[derive(Debug, JsonSchema)]
#[schemars(rename = "Image", rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ImageFields {
    /// The sources, by their full name with or without `:TAG`, such as `docker.io/library/*`: a pattern in
    /// which `*` matches any text, `?` one character, `{a,b}` either part.
    #[schemars(required, rename = "match")]
    pub(super) sources: Option<Located<String>>,
    /// The signers that have a certificate for their identity.
    pub(super) keyless: Option<Located<KeylessFields>>,
    /// Files with the public keys of the signers (PEM), relative to the policy file.
    pub(super) keys: Option<Located<NonEmpty<Vec<Located<String>>>>>,
    /// The number of keys that must have signed. Default: 1.
    pub(super) threshold: Option<Located<u16>>,
    /// The attestations that the image must have too.
    pub(super) attestations: Option<Located<NonEmpty<Vec<Located<AttestationFields>>>>>,
    /// `attestation`: the first of `attestations` counts as the signature, as for images with GitHub's
    /// `attest-build-provenance`. Default: `signature`.
    pub(super) signed_by: Option<Located<SignedByField>>,
    /// Days that must have passed since the signature was logged.
    pub(super) minimum_age: Option<Located<u16>>,
    /// `unsigned`: the images need no signature.
    pub(super) accept: Option<Located<AcceptField>>,
    /// `true`: the images are rejected.
    pub(super) reject: Option<Located<RejectField>>,
    /// The keys that the entry has, with valid values or not.
    #[schemars(skip)]
    pub(super) present: Vec<Located<&'static str>>,
}

/// The certificate of a signer.
#[derive(Debug, JsonSchema)]
#[schemars(rename = "Keyless", rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct KeylessFields {
    /// The OpenID Connect issuer, such as `https://token.actions.githubusercontent.com`.
    #[schemars(required)]
    pub(super) issuer: Option<Located<String>>,
    /// The identity, such as the URL of a workflow or a mail address.
    pub(super) identity: Option<Located<String>>,
    /// A regular expression for the identity. It begins with `^`.
    pub(super) identity_regexp: Option<Located<String>>,
}

/// An attestation that an image must have.
#[derive(Debug, JsonSchema)]
#[schemars(rename = "Attestation", rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct AttestationFields {
    /// The type of the predicate, such as `https://slsa.dev/provenance/v1`.
    #[schemars(required)]
    pub(super) predicate_type: Option<Located<String>>,
    /// The certificate of its signer. Default: the signers of the image.
    pub(super) keyless: Option<Located<KeylessFields>>,
    /// Files with the public keys of its signers. Default: the signers of the image.
    pub(super) keys: Option<Located<NonEmpty<Vec<Located<String>>>>>,
    /// The number of keys that must have signed it. Default: 1.
    pub(super) threshold: Option<Located<u16>>,
}

/// The value of `default`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DefaultField {
    Reject,
    Unsigned,
}

/// The value of `signedBy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SignedByField {
    Signature,
    Attestation,
}

/// The value of `accept`.
#[derive(Debug, Clone, Copy)]
pub(super) struct AcceptField;

/// The value of `reject`.
#[derive(Debug, Clone, Copy)]
pub(super) struct RejectField;

/// Returns the JSON Schema (draft 2020-12) of a policy file, the content of `policy.schema.json`. It covers
/// names and types; [`Policy::parse`](super::Policy::parse) also checks the values.
#[must_use]
pub fn policy_schema() -> Json {
    schema_of::<PolicyFields>()
}

impl PolicyFields {
    pub(super) fn read(mut fields: ObjectReader<'_>, problems: &mut Problems<'_>) -> Self {
        let read = Self {
            schema: fields.take("$schema", problems),
            images: fields.require("images", problems),
            default: fields.take("default", problems),
        };
        fields.finish(
            |key| (key == "match").then_some("in an entry of `images`"),
            problems,
        );
        read
    }
}

impl FromJson for ImageFields {
    fn from_json(value: &Value<'_>, key: &str, problems: &mut Problems<'_>) -> Option<Self> {
        let mut fields = ObjectReader::new(value, key, problems)?;
        let mut image = Self {
            sources: fields.require("match", problems),
            keyless: fields.take("keyless", problems),
            keys: fields.take("keys", problems),
            threshold: fields.take("threshold", problems),
            attestations: fields.take("attestations", problems),
            signed_by: fields.take("signedBy", problems),
            minimum_age: fields.take("minimumAge", problems),
            accept: fields.take("accept", problems),
            reject: fields.take("reject", problems),
            present: Vec::new(),
        };
        let home = |key: &str| match key {
            "issuer" | "identity" | "identityRegexp" => Some("in `keyless`"),
            "predicateType" => Some("in an entry of `attestations`"),
            "default" => Some("beside `images`"),
            _ => None,
        };
        image.present = fields.finish(home, problems);
        Some(image)
    }
}

impl FromJson for KeylessFields {
    fn from_json(value: &Value<'_>, key: &str, problems: &mut Problems<'_>) -> Option<Self> {
        let mut fields = ObjectReader::new(value, key, problems)?;
        let keyless = Self {
            issuer: fields.require("issuer", problems),
            identity: fields.take("identity", problems),
            identity_regexp: fields.take("identityRegexp", problems),
        };
        fields.finish(|_| None, problems);
        Some(keyless)
    }
}

impl FromJson for AttestationFields {
    fn from_json(value: &Value<'_>, key: &str, problems: &mut Problems<'_>) -> Option<Self> {
        let mut fields = ObjectReader::new(value, key, problems)?;
        let attestation = Self {
            predicate_type: fields.require("predicateType", problems),
            keyless: fields.take("keyless", problems),
            keys: fields.take("keys", problems),
            threshold: fields.take("threshold", problems),
        };
        fields.finish(|_| None, problems);
        Some(attestation)
    }
}

impl FromJson for DefaultField {
    fn from_json(value: &Value<'_>, key: &str, problems: &mut Problems<'_>) -> Option<Self> {
        match value {
            Value::StringLit(text) if text.value == "reject" => Some(Self::Reject),
            Value::StringLit(text) if text.value == "unsigned" => Some(Self::Unsigned),
            other => report_wrong_type(other, key, "\"reject\" or \"unsigned\"", problems),
        }
    }
}

impl FromJson for SignedByField {
    fn from_json(value: &Value<'_>, key: &str, problems: &mut Problems<'_>) -> Option<Self> {
        match value {
            Value::StringLit(text) if text.value == "signature" => Some(Self::Signature),
            Value::StringLit(text) if text.value == "attestation" => Some(Self::Attestation),
            other => report_wrong_type(other, key, "\"signature\" or \"attestation\"", problems),
        }
    }
}

impl FromJson for AcceptField {
    fn from_json(value: &Value<'_>, key: &str, problems: &mut Problems<'_>) -> Option<Self> {
        match value {
            Value::StringLit(text) if text.value == "unsigned" => Some(Self),
            other => report_wrong_type(other, key, "\"unsigned\"", problems),
        }
    }
}

impl FromJson for RejectField {
    fn from_json(value: &Value<'_>, key: &str, problems: &mut Problems<'_>) -> Option<Self> {
        match value {
            Value::BooleanLit(flag) if flag.value => Some(Self),
            other => report_wrong_type(other, key, "true", problems),
        }
    }
}

impl JsonSchema for DefaultField {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Default".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"enum": ["reject", "unsigned"]})
    }
}

impl JsonSchema for SignedByField {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "SignedBy".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"enum": ["signature", "attestation"]})
    }
}

impl JsonSchema for AcceptField {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Accept".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"const": "unsigned"})
    }
}

impl JsonSchema for RejectField {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Reject".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"const": true})
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::{env, fs};

    use super::*;

    #[test]
    fn schema_file_is_current() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policy.schema.json");
        let generated = format!("{:#}\n", policy_schema());
        if env::var_os("RENEW_SCHEMA").is_some() {
            fs::write(&file, &generated).unwrap();
        }
        let file_text = fs::read_to_string(&file).unwrap_or_default();
        assert!(
            file_text == generated,
            "policy.schema.json is out of date; \
             renew it: RENEW_SCHEMA=1 cargo test -p signatures --lib schema"
        );
    }
}
