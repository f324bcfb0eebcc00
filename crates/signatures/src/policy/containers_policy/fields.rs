//! The fields of a containers-policy.json(5) as written.

use strict_json::{FromJson, Located, NamedMap, NonEmpty, ObjectReader, Problems, Value};

/// The file.
#[derive(Debug)]
pub(super) struct PolicyFields {
    pub(super) default: Option<Located<NonEmpty<Vec<Located<RequirementFields>>>>>,
    pub(super) transports: Option<Located<NamedMap<Scopes>>>,
}

/// The requirements of the scopes of a transport.
#[derive(Debug)]
pub(super) struct Scopes(pub(super) NamedMap<NonEmpty<Vec<Located<RequirementFields>>>>);

/// A requirement.
#[derive(Debug)]
pub(super) struct RequirementFields {
    pub(super) kind: Option<Located<String>>,
    /// The keys that are given inline or as files, one of the four at most.
    pub(super) keys: Vec<KeySource>,
    pub(super) signed_identity: Option<Located<IdentityFields>>,
    /// The first key that is known and cannot be honored.
    pub(super) unsupported: Option<Located<&'static str>>,
}

/// A way in which keys are given.
#[derive(Debug)]
pub(super) enum KeySource {
    /// `keyPath` and `keyPaths`.
    Files(Located<Vec<Located<String>>>),
    /// `keyData` and `keyDatas`, in base64.
    Inline(Located<Vec<Located<String>>>),
}

/// The value of `signedIdentity`.
#[derive(Debug)]
pub(super) struct IdentityFields {
    pub(super) kind: Option<Located<String>>,
    pub(super) docker_reference: Option<Located<String>>,
    pub(super) docker_repository: Option<Located<String>>,
    pub(super) prefix: Option<Located<String>>,
    pub(super) signed_prefix: Option<Located<String>>,
}

/// Keys of requirements that cannot be honored.
const UNSUPPORTED: [&str; 7] = [
    "fulcio",
    "pki",
    "rekorPublicKeyPath",
    "rekorPublicKeyPaths",
    "rekorPublicKeyData",
    "rekorPublicKeyDatas",
    "keyType",
];

impl PolicyFields {
    pub(super) fn read(mut fields: ObjectReader<'_>, problems: &mut Problems<'_>) -> Self {
        let read = Self {
            default: fields.require("default", problems),
            transports: fields.take("transports", problems),
        };
        fields.finish(|_| None, problems);
        read
    }
}

impl FromJson for Scopes {
    const NOUN: Option<&'static str> = Some("transport");

    fn from_json(value: &Value<'_>, key: &str, problems: &mut Problems<'_>) -> Option<Self> {
        FromJson::from_json(value, key, problems).map(Self)
    }
}

impl FromJson for RequirementFields {
    fn from_json(value: &Value<'_>, key: &str, problems: &mut Problems<'_>) -> Option<Self> {
        let mut fields = ObjectReader::new(value, key, problems)?;
        let kind = fields.require::<String>("type", problems);
        let mut keys = Vec::new();
        let one = |one: Located<Located<String>>| Located {
            offset: one.offset,
            value: vec![one.value],
        };
        keys.extend(
            fields
                .take("keyPath", problems)
                .map(one)
                .map(KeySource::Files),
        );
        keys.extend(fields.take("keyPaths", problems).map(KeySource::Files));
        keys.extend(
            fields
                .take("keyData", problems)
                .map(one)
                .map(KeySource::Inline),
        );
        keys.extend(fields.take("keyDatas", problems).map(KeySource::Inline));
        let signed_identity = fields.take("signedIdentity", problems);
        let mut unsupported = None;
        for key in UNSUPPORTED {
            let found = fields.take::<AnyValue>(key, problems);
            let found = found.map(|found| Located {
                value: key,
                offset: found.offset,
            });
            unsupported = unsupported.or(found);
        }
        fields.finish(|_| None, problems);
        Some(Self {
            kind,
            keys,
            signed_identity,
            unsupported,
        })
    }
}

impl FromJson for IdentityFields {
    fn from_json(value: &Value<'_>, key: &str, problems: &mut Problems<'_>) -> Option<Self> {
        let mut fields = ObjectReader::new(value, key, problems)?;
        let identity = Self {
            kind: fields.require("type", problems),
            docker_reference: fields.take("dockerReference", problems),
            docker_repository: fields.take("dockerRepository", problems),
            prefix: fields.take("prefix", problems),
            signed_prefix: fields.take("signedPrefix", problems),
        };
        fields.finish(|_| None, problems);
        Some(identity)
    }
}

/// A value whose content is not looked at.
struct AnyValue;

impl FromJson for AnyValue {
    fn from_json(_: &Value<'_>, _: &str, _: &mut Problems<'_>) -> Option<Self> {
        Some(Self)
    }
}
