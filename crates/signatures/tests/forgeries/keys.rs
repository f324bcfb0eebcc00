//! Forgeries of signatures with keys.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PSS_SHA256, RsaKeyPair};
use serde_json::{Value, json};
use signatures::{Cause, KeySigners, LogRequirement, PublicKey, Requirement, Signers};
use testkit::signing::{
    SigningKey, TransparencyLog, bundle_json, classic_payload, dsse_log_body, envelope,
    hashed_log_body, pae, statement,
};

use super::world::{Document, ENTRY, SIGN, World, digest_of};

const RSA: &str = include_str!("../data/rsa-2048.test-key.pem");

/// A signature with a key as a forger makes it, and the beginning of the cause as Rust prints it.
type Row = (String, Document, LogRequirement, &'static str);

fn requirement(key: &SigningKey, log: LogRequirement) -> Requirement {
    let key = PublicKey::from_pem("team.pub", &key.public_pem()).unwrap();
    let mut requirement = Requirement::new(Signers::Keys(KeySigners {
        keys: vec![key],
        threshold: 1,
    }));
    requirement.log = log;
    requirement
}

/// Returns a bundle with these log entries.
fn bundle(envelope: &Value, entries: &[Value]) -> Document {
    Document::Bundle(bundle_json(
        json!({"publicKey": {"hint": ""}}),
        entries,
        envelope,
    ))
}

fn classic(payload: &str, signature: String, entry: Option<&Value>) -> Document {
    let entry = entry.map(|entry| {
        let annotation = TransparencyLog::annotation(entry);
        ("dev.sigstore.cosign/bundle".to_owned(), annotation)
    });
    let signature = ("dev.cosignproject.cosign/signature".to_owned(), signature);
    Document::Classic {
        payload: payload.as_bytes().to_vec(),
        annotations: BTreeMap::from_iter(entry.into_iter().chain([signature])),
    }
}

/// Both forms, with the entries that a log makes of them.
fn logged(
    world: &World,
    key: &SigningKey,
    log: &TransparencyLog,
    verifier: &SigningKey,
) -> [Document; 2] {
    let envelope = envelope(key, &statement(SIGN, &world.digest()));
    let body = dsse_log_body(&envelope, &verifier.public_pem());
    let bundle = bundle(&envelope, &[log.append(&body, ENTRY)]);
    let payload = classic_payload(&world.name(), &world.digest());
    let signature = key.sign_base64(payload.as_bytes());
    let body = hashed_log_body(payload.as_bytes(), &signature, &verifier.public_pem());
    let entry = log.append(&body, ENTRY);
    [bundle, classic(&payload, signature, Some(&entry))]
}

#[test]
fn logged_signatures_with_keys_are_accepted_with_their_time() {
    let world = World::new();
    let root = world.authority.trusted_root();
    let (first, second) = (SigningKey::p256(), SigningKey::p384());
    let [bundle, classic] = logged(&world, &first, world.authority.log(), &first);
    let [bundle_384, classic_384] = logged(&world, &second, world.authority.log(), &second);
    for (key, document) in [(&first, bundle), (&first, classic), (&second, bundle_384)] {
        let requirement = requirement(key, LogRequirement::Required);
        let found = world.decide_with(&document, &root, &requirement);
        assert!(found.unwrap().logged_at.is_some(), "{document:?}");
    }
    // The entry has the SHA-256 digest, and the signature is one over the SHA-384 digest.
    let checked = requirement(&second, LogRequirement::Checked);
    let found = world.decide_with(&classic_384, &root, &checked);
    assert_eq!(found.unwrap().logged_at, None);
    let required = requirement(&second, LogRequirement::Required);
    let cause = world.decide_with(&classic_384, &root, &required);
    assert!(matches!(cause, Err(Cause::Unsupported(_))), "{cause:?}");
}

#[test]
fn every_forgery_of_a_signature_with_a_key_is_refused_with_its_own_cause() {
    let world = World::new();
    let root = world.authority.trusted_root();
    let key = SigningKey::p256();
    let rsa = SigningKey::from_pem(RSA);
    let mut table = log_forgeries(&world, &key);
    table.extend(confusions(&world, &key));
    for (name, document, log, expected) in &table {
        let decision = world.decide_with(document, &root, &requirement(&key, *log));
        let found = decision.map_err(|cause| format!("{cause:?}"));
        let refused = found
            .as_ref()
            .is_err_and(|found| found.starts_with(expected));
        assert!(refused, "{name}: {found:?}, not {expected}");
    }
    let payload = classic_payload(&world.name(), &world.digest());
    let pss = classic(&payload, sign_pss(payload.as_bytes()), None);
    let decision = world.decide_with(&pss, &root, &requirement(&rsa, LogRequirement::Checked));
    let cause = format!("{:?}", decision.unwrap_err());
    assert!(cause.starts_with("OtherKey("), "RSA with PSS: {cause}");
}

/// Entries of a log about something else, or none.
fn log_forgeries(world: &World, key: &SigningKey) -> Vec<Row> {
    let (log, other_log) = (world.authority.log(), world.other.log());
    let other = SigningKey::p256();
    let checked = LogRequirement::Checked;
    let envelope_of = |key: &SigningKey| envelope(key, &statement(SIGN, &world.digest()));
    let own = envelope_of(key);
    let other_entry = log.append(&dsse_log_body(&envelope_of(key), &key.public_pem()), ENTRY);
    let rows = [
        (
            "logged under another key",
            logged(world, key, log, &other),
            checked,
            "OtherEntry(",
        ),
        (
            "logged by an unknown log",
            logged(world, key, other_log, key),
            checked,
            "UnknownLog(",
        ),
        (
            "by another key, logged",
            logged(world, &other, log, &other),
            checked,
            "OtherKey(",
        ),
    ];
    let mut table: Vec<Row> = Vec::new();
    for (name, documents, log, expected) in rows {
        let both = documents.into_iter().enumerate();
        table.extend(
            both.map(|(form, document)| (format!("{name} ({form})"), document, log, expected)),
        );
    }
    let required = LogRequirement::Required;
    table.push((
        "entry of another signature".to_owned(),
        bundle(&own, &[other_entry]),
        checked,
        "OtherEntry(",
    ));
    table.push((
        "not logged".to_owned(),
        bundle(&own, &[]),
        required,
        "NotLogged",
    ));
    let payload = classic_payload(&world.name(), &world.digest());
    let signature = key.sign_base64(payload.as_bytes());
    table.push((
        "not logged (classic)".to_owned(),
        classic(&payload, signature, None),
        required,
        "NotLogged",
    ));
    table
}

/// Signatures over something else, or in another encoding.
fn confusions(world: &World, key: &SigningKey) -> Vec<Row> {
    let payload = classic_payload(&world.name(), &world.digest());
    let statement = statement(SIGN, &world.digest());
    let text = statement.to_string();
    let encoded = pae("application/vnd.in-toto+json", text.as_bytes());
    let hash = digest_of(payload.as_bytes());
    let with_signature = |signature: Vec<u8>| {
        let mut envelope = envelope(key, &statement);
        envelope["signatures"][0]["sig"] = STANDARD.encode(signature).into();
        bundle(&envelope, &[])
    };
    let signed = |signature: Vec<u8>| classic(&payload, STANDARD.encode(signature), None);
    let raw = |message: &[u8]| raw_signature(&key.sign(message));
    let by_certificate = world.signer().bundle(&statement, ENTRY);
    let other = "OtherKey(";
    let as_envelope = key.sign(&pae("text/plain", payload.as_bytes()));
    [
        (
            "a payload signed as an envelope",
            signed(as_envelope),
            other,
        ),
        (
            "the digest of the payload",
            signed(key.sign(hash.as_bytes())),
            other,
        ),
        (
            "the encoding r and s",
            signed(raw(payload.as_bytes())),
            other,
        ),
        ("no signature bytes", signed(vec![0; 64]), other),
        (
            "an envelope signed without its type",
            with_signature(key.sign(text.as_bytes())),
            other,
        ),
        (
            "an envelope with the encoding r and s",
            with_signature(raw(&encoded)),
            other,
        ),
        (
            "a certificate",
            Document::Bundle(by_certificate),
            "KeyRequired",
        ),
    ]
    .into_iter()
    .map(|(name, document, expected)| {
        (name.to_owned(), document, LogRequirement::Checked, expected)
    })
    .collect()
}

/// Converts an ECDSA signature from DER to r and s of 32 bytes.
fn raw_signature(der: &[u8]) -> Vec<u8> {
    let first = usize::from(der[3]);
    let (r, s) = (&der[4..4 + first], &der[6 + first..]);
    let number = |bytes: &[u8]| {
        let digits = bytes.strip_prefix(&[0]).unwrap_or(bytes);
        [&vec![0; 32 - digits.len()][..], digits].concat()
    };
    [number(r), number(s)].concat()
}

/// Signs with the RSA key and PSS, which cosign does not use.
fn sign_pss(message: &[u8]) -> String {
    let body: String = RSA.lines().filter(|line| !line.starts_with('-')).collect();
    let key = RsaKeyPair::from_pkcs8(&STANDARD.decode(body).unwrap()).unwrap();
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(
        &RSA_PSS_SHA256,
        &SystemRandom::new(),
        message,
        &mut signature,
    )
    .unwrap();
    STANDARD.encode(signature)
}
