//! Forgeries of what a containers-policy.json(5) requires with an authority and logs of its own.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use signatures::{Decision, Policy, Requirement};
use testkit::signing::{
    EntryOptions, KeylessSigner, LeafOptions, Sct, SigningAuthority, SigningKey, TransparencyLog,
    classic_payload, hashed_log_body, statement,
};

use super::world::{Document, ENTRY, ISSUER, SIGN, SIGNED, World};

const EMAIL: &str = "ci@example.com";

/// A signature as a forger makes it, and the beginning of the cause as Rust prints it.
type Row = (&'static str, Document, &'static str);

/// Returns what a `sigstoreSigned` requires. The authority and log of the policy are those of the world.
fn requirement(world: &World, key: &SigningKey, fields: &Value) -> Requirement {
    let mut requirement = fields.clone();
    requirement["type"] = "sigstoreSigned".into();
    let text = json!({
        "default": [{"type": "reject"}],
        "transports": {"docker": {"registry.example.com/org": [requirement]}},
    });
    let mut read = |path: &str| match path {
        "/ca.pem" => Ok(world.authority.chain_pem()),
        "/root.pem" => Ok(world.authority.root_pem()),
        "/rekor.pub" => Ok(world.authority.log().key().public_pem()),
        "/team.pub" => Ok(key.public_pem()),
        other => Err(format!("no file {other}")),
    };
    let policy = Policy::parse(&text.to_string(), &mut read).unwrap();
    let rule = policy.rule(&world.name().parse().unwrap(), None);
    let Decision::Signed(all) = rule.decision() else {
        panic!("{rule} requires no signature");
    };
    all[0].clone()
}

fn fulcio(authority: &str) -> Value {
    json!({
        "fulcio": {"caPath": authority, "oidcIssuer": ISSUER, "subjectEmail": EMAIL},
        "rekorPublicKeyPath": "/rekor.pub",
    })
}

/// The certificates of such an authority need not be in a certificate log.
fn leaf() -> LeafOptions {
    let mut leaf = LeafOptions::new(EMAIL, ISSUER, SIGNED);
    leaf.sct = Sct::Missing;
    leaf
}

/// Signs a classic payload for a name and returns it with its annotations.
fn classic(world: &World, signer: &KeylessSigner<'_>, name: &str) -> Document {
    let payload = classic_payload(name, &world.digest());
    Document::Classic {
        annotations: signer.classic(&payload, ENTRY.time).into_iter().collect(),
        payload: payload.into_bytes(),
    }
}

fn changed(document: Document, change: impl FnOnce(&mut BTreeMap<String, String>)) -> Document {
    match document {
        Document::Classic {
            payload,
            mut annotations,
        } => {
            change(&mut annotations);
            Document::Classic {
                payload,
                annotations,
            }
        }
        other => panic!("not a classic signature: {other:?}"),
    }
}

fn by_leaf(world: &World, authority: &SigningAuthority, leaf: &LeafOptions) -> Document {
    let signer = KeylessSigner::new(authority, leaf);
    classic(world, &signer, &format!("{}:1.0", world.name()))
}

/// Signs with a key, and logs the signature.
fn by_key(world: &World, key: &SigningKey, log: Option<&TransparencyLog>) -> Document {
    let payload = classic_payload(&format!("{}:1.0", world.name()), &world.digest());
    let signature = key.sign_base64(payload.as_bytes());
    let body = hashed_log_body(payload.as_bytes(), &signature, &key.public_pem());
    let entry = log.map(|log| TransparencyLog::annotation(&log.append(&body, ENTRY)));
    let entry = entry.map(|entry| ("dev.sigstore.cosign/bundle".to_owned(), entry));
    let signature = ("dev.cosignproject.cosign/signature".to_owned(), signature);
    Document::Classic {
        payload: payload.into_bytes(),
        annotations: BTreeMap::from_iter(entry.into_iter().chain([signature])),
    }
}

#[test]
fn the_authority_and_log_of_a_containers_policy_are_trusted_in_place_of_others() {
    let world = World::new();
    let key = SigningKey::p256();
    // The root of the caller knows neither.
    let root = world.other.trusted_root();
    let signer = KeylessSigner::new(&world.authority, &leaf());
    let tagged = classic(&world, &signer, &format!("{}:1.0", world.name()));
    let bundle = Document::Bundle(signer.bundle(&statement(SIGN, &world.digest()), ENTRY));
    for (authority, document) in [
        ("/ca.pem", &tagged),
        // The chain of the signature leads to the root.
        ("/root.pem", &tagged),
        ("/ca.pem", &bundle),
    ] {
        let requirement = requirement(&world, &key, &fulcio(authority));
        let found = world.decide_with(document, &root, &requirement).unwrap();
        assert_eq!(found.signed_by, EMAIL, "{authority}");
        assert!(found.logged_at.is_some(), "{authority}");
    }
    let keys = json!({"keyPath": "/team.pub", "rekorPublicKeyPath": "/rekor.pub"});
    let keys = requirement(&world, &key, &keys);
    let document = by_key(&world, &key, Some(world.authority.log()));
    let found = world.decide_with(&document, &root, &keys).unwrap();
    assert!(found.logged_at.is_some());
}

#[test]
fn every_forgery_of_what_a_containers_policy_requires_is_refused() {
    let world = World::new();
    let key = SigningKey::p256();
    let root = world.other.trusted_root();
    let keyless = requirement(&world, &key, &fulcio("/ca.pem"));
    let keys = json!({"keyPath": "/team.pub", "rekorPublicKeyPath": "/rekor.pub"});
    let keys = requirement(&world, &key, &keys);
    let rows = certificates(&world).into_iter().chain(names(&world));
    let rows = rows.chain(log(&world, &key)).map(|row| (&keyless, row));
    let rows = rows.chain(
        logged_keys(&world, &key)
            .into_iter()
            .map(|row| (&keys, row)),
    );
    let rows: Vec<_> = rows.collect();
    for (requirement, (name, document, expected)) in &rows {
        let decision = world.decide_with(document, &root, requirement);
        let found = decision.map_err(|cause| format!("{cause:?}"));
        let refused = found
            .as_ref()
            .is_err_and(|found| found.starts_with(expected));
        assert!(refused, "{name}: {found:?}, not {expected}");
    }
    assert!(rows.len() >= 20, "{} forgeries", rows.len());
    let only_root = requirement(&world, &key, &fulcio("/root.pem"));
    let without_chain = changed(by_leaf(&world, &world.authority, &leaf()), |annotations| {
        annotations.remove("dev.sigstore.cosign/chain");
    });
    let cause = world.decide_with(&without_chain, &root, &only_root);
    let cause = format!("{:?}", cause.unwrap_err());
    assert!(cause.starts_with("Chain("), "without its chain: {cause}");
}

/// A change of a certificate, and the cause for which signatures with it are refused.
type Break = (&'static str, &'static str, fn(&mut LeafOptions));

const BREAKS: &[Break] = &[
    ("certificate: another issuer", "OtherIssuer {", |leaf| {
        leaf.issuer = Some("https://evil.example".to_owned());
        leaf.issuer_v1 = None;
    }),
    ("certificate: expired", "Expired {", |leaf| {
        leaf.lifetime = 2;
    }),
    ("certificate: too young", "NotYetValid {", |leaf| {
        leaf.not_before = SIGNED + 6;
    }),
    ("certificate: itself an authority", "Chain(", |leaf| {
        leaf.is_authority = true;
    }),
    ("certificate: for no purpose", "Chain(", |leaf| {
        leaf.usage = None;
    }),
];

/// Identities other than the required one.
const IDENTITIES: &[(&str, &str, &str)] = &[
    ("another email", "ci@example.org", "OtherIdentity {"),
    ("a longer email", "ci@example.com.evil", "OtherIdentity {"),
    ("a prefixed email", "xci@example.com", "OtherIdentity {"),
    ("email in capitals", "CI@example.com", "OtherIdentity {"),
    ("a URI without a scheme", "ci@example.com/", "Certificate("),
];

fn certificates(world: &World) -> Vec<Row> {
    let changed = BREAKS.iter().map(|(name, expected, change)| {
        let mut leaf = leaf();
        change(&mut leaf);
        (*name, by_leaf(world, &world.authority, &leaf), *expected)
    });
    let named = IDENTITIES.iter().map(|(name, identity, expected)| {
        let mut leaf = leaf();
        leaf.identities = vec![identity.as_bytes().to_vec()];
        (*name, by_leaf(world, &world.authority, &leaf), *expected)
    });
    let elsewhere = (
        "certificate of another authority, logged there",
        by_leaf(world, &world.other, &leaf()),
        "UnknownLog(",
    );
    changed.chain(named).chain([elsewhere]).collect()
}

/// Signatures for other names. By default the signature names the tag.
fn names(world: &World) -> Vec<Row> {
    let signer = KeylessSigner::new(&world.authority, &leaf());
    let named = |name: &str| classic(world, &signer, name);
    let (own, other) = (world.name(), format!("{}-other:1.0", world.name()));
    vec![
        ("no tag", named(&own), "OtherTag {"),
        ("another tag", named(&format!("{own}:0.9")), "OtherTag {"),
        (
            "a digest",
            named(&format!("{own}@{}", world.digest())),
            "OtherTag {",
        ),
        ("another repository", named(&other), "OtherRepository {"),
    ]
}

fn log(world: &World, key: &SigningKey) -> Vec<Row> {
    const ENTRY_OF: &str = "dev.sigstore.cosign/bundle";
    let valid = || by_leaf(world, &world.authority, &leaf());
    let signer = KeylessSigner::new(&world.authority, &leaf());
    let without_promise = EntryOptions {
        promise: false,
        ..ENTRY
    };
    let unpromised = signer.bundle(&statement(SIGN, &world.digest()), without_promise);
    let edited = |from: &'static str, to: &'static str| {
        changed(valid(), |annotations| {
            let entry = annotations.get_mut(ENTRY_OF).unwrap();
            assert!(entry.contains(from), "{entry}");
            *entry = entry.replace(from, to);
        })
    };
    let foreign = || KeylessSigner::new(&world.other, &leaf());
    let of_other_authority = changed(valid(), |annotations| {
        let pem = foreign().certificate_pem();
        annotations.insert("dev.sigstore.cosign/certificate".to_owned(), pem);
    });
    let no_entry = changed(valid(), |annotations| {
        annotations.remove(ENTRY_OF);
    });
    vec![
        ("no entry", no_entry, "NotLogged"),
        (
            "another time",
            edited("1767225605", "1767225606"),
            "InclusionPromise(",
        ),
        (
            "a proof without a promise",
            Document::Bundle(unpromised),
            "NoTime",
        ),
        (
            "certificate of another authority",
            of_other_authority,
            "Chain(",
        ),
        (
            "a key",
            by_key(world, key, Some(world.authority.log())),
            "CertificateRequired",
        ),
    ]
}

fn logged_keys(world: &World, key: &SigningKey) -> Vec<Row> {
    let other = SigningKey::p256();
    let own_log = Some(world.authority.log());
    vec![
        ("key: not logged", by_key(world, key, None), "NotLogged"),
        (
            "key: logged elsewhere",
            by_key(world, key, Some(world.other.log())),
            "UnknownLog(",
        ),
        (
            "key: another key",
            by_key(world, &other, own_log),
            "OtherKey(",
        ),
        (
            "key: a certificate",
            by_leaf(world, &world.authority, &leaf()),
            "KeyRequired",
        ),
    ]
}
