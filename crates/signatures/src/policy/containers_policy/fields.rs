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
    /// The keys of signers that are given inline or as files, one of the four at most.
    pub(super) keys: Vec<KeySource>,
    /// The certificate authority and the identity of a signer.
    pub(super) fulcio: Option<Located<FulcioFields>>,
    /// The keys of transparency logs, one of the four at most.
    pub(super) log_keys: Vec<KeySource>,
    pub(super) signed_identity: Option<Located<IdentityFields>>,
    /// The first known key that cannot be enforced.
    pub(super) unsupported: Option<Located<&'static str>>,
}

/// A way in which keys are given.
#[derive(Debug)]
pub(super) enum KeySource {
    /// `keyPath` and `keyPaths`, or those of logs.
    Files(Located<Vec<Located<String>>>),
    /// `keyData` and `keyDatas`, or those of logs, in base64.
    Inline(Located<Vec<Located<String>>>),
}

/// The value of `fulcio`.
#[derive(Debug)]
pub(super) struct FulcioFields {
    pub(super) ca_path: Option<Located<String>>,
    pub(super) ca_data: Option<Located<String>>,
    pub(super) issuer: Option<Located<String>>,
    pub(super) email: Option<Located<String>>,
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

/// Keys of requirements that cannot be enforced.
const UNSUPPORTED: [&str; 2] = ["pki", "keyType"];

/// The keys of requirements that give the keys of signers, and those that give the keys of logs: a file, files,
/// one inline, several inline.
const SIGNERS: [&str; 4] = ["keyPath", "keyPaths", "keyData", "keyDatas"];
const LOGS: [&str; 4] = [
    "rekorPublicKeyPath",
    "rekorPublicKeyPaths",
    "rekorPublicKeyData",
    "rekorPublicKeyDatas",
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
        let keys = key_sources(SIGNERS, &mut fields, problems);
        let log_keys = key_sources(LOGS, &mut fields, problems);
        let fulcio = fields.take("fulcio", problems);
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
            fulcio,
            log_keys,
            signed_identity,
            unsupported,
        })
    }
}

/// Takes the ways in which keys are given.
fn key_sources(
    [path, paths, data, datas]: [&'static str; 4],
    fields: &mut ObjectReader<'_>,
    problems: &mut Problems<'_>,
) -> Vec<KeySource> {
    let one = |one: Located<Located<String>>| Located {
        offset: one.offset,
        value: vec![one.value],
    };
    let file = fields.take(path, problems).map(one);
    let files = fields.take(paths, problems);
    let inline = fields.take(data, problems).map(one);
    let all_inline = fields.take(datas, problems);
    let files = file.into_iter().chain(files).map(KeySource::Files);
    let inline = inline.into_iter().chain(all_inline).map(KeySource::Inline);
    files.chain(inline).collect()
}

impl FromJson for FulcioFields {
    fn from_json(value: &Value<'_>, key: &str, problems: &mut Problems<'_>) -> Option<Self> {
        let mut fields = ObjectReader::new(value, key, problems)?;
        let fulcio = Self {
            ca_path: fields.take("caPath", problems),
            ca_data: fields.take("caData", problems),
            issuer: fields.require("oidcIssuer", problems),
            email: fields.require("subjectEmail", problems),
        };
        fields.finish(|_| None, problems);
        Some(fulcio)
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
