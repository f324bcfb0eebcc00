//! Forgeries of classic signatures.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use testkit::signing::{KeylessSigner, SigningKey, classic_payload};

use super::world::{Document, ENTRY, Forgery, Form, SIGNED, World, digest_of};

const SIGNATURE: &str = "dev.cosignproject.cosign/signature";
const CERTIFICATE: &str = "dev.sigstore.cosign/certificate";
const CHAIN: &str = "dev.sigstore.cosign/chain";
const LOG_ENTRY: &str = "dev.sigstore.cosign/bundle";

/// Forged classic signatures.
pub fn forgeries(world: &World) -> Vec<Forgery> {
    let mut table = Vec::new();
    let root = world.authority.trusted_root();
    let mut add = |name: &str, expected, payload: Vec<u8>, annotations| {
        table.push(Forgery {
            name: format!("classic: {name}"),
            form: Form::Classic,
            document: Document::Classic {
                payload,
                annotations,
            },
            trusted_root: root.clone(),
            expected,
        });
    };
    for (name, expected, payload) in payloads(world) {
        let annotations = world
            .signer()
            .classic(&payload, SIGNED + 5)
            .into_iter()
            .collect();
        add(name, expected, payload.into_bytes(), annotations);
    }
    for (name, expected, change) in BREAKS {
        let Document::Classic {
            mut payload,
            mut annotations,
        } = world.document(Form::Classic, &world.signer(), ENTRY)
        else {
            unreachable!()
        };
        change(&mut payload, &mut annotations, world);
        add(name, expected, payload, annotations);
    }
    table
}

/// A payload and the cause for which it is refused.
type Payload = (&'static str, &'static str, String);

/// Payloads that are about something else than this image, signed by the wanted signer.
fn payloads(world: &World) -> Vec<Payload> {
    let name = world.name();
    let for_repository = |repository: &str| classic_payload(repository, &world.digest());
    let other = "OtherRepository {";
    let mut table = fields(world);
    table.extend([
        (
            "replayed signature of an older tag",
            "OtherTag {",
            for_repository(&format!("{name}:0.9")),
        ),
        (
            "another repository",
            other,
            for_repository("registry.example.com/org/other"),
        ),
        (
            "another registry",
            other,
            for_repository("evil.example.com/org/app"),
        ),
        (
            "repository with a longer name",
            other,
            for_repository(&format!("{name}-evil")),
        ),
        (
            "repository in capitals",
            other,
            for_repository("registry.example.com/Org/app"),
        ),
        (
            "repository with a newline",
            other,
            for_repository(&format!("{name}\n")),
        ),
        ("no repository", other, for_repository("")),
    ]);
    table
}

/// Payloads with other fields.
fn fields(world: &World) -> Vec<Payload> {
    let (name, digest) = (world.name(), world.digest());
    let valid = classic_payload(&name, &digest);
    let replaced = |from: &str, to: &str| {
        assert!(valid.contains(from), "{from} in {valid}");
        valid.replacen(from, to, 1)
    };
    let other = digest_of(b"other");
    let field = format!("\"docker-manifest-digest\":\"{digest}\"");
    let two = format!("\"docker-manifest-digest\":\"{other}\",{field}");
    let cased = format!("\"Docker-Manifest-Digest\":\"{other}\",{field}");
    let two_payloads = format!("{valid}{}", classic_payload(&name, &other));
    let kind = "cosign container image signature";
    let critical = "\"critical\":{";
    let expires = "\"critical\":{\"expires\":1,";
    vec![
        (
            "another image",
            "OtherImage {",
            classic_payload(&name, &other),
        ),
        (
            "another type",
            "PayloadType(",
            replaced(kind, "atomic container signature"),
        ),
        (
            "unknown critical field",
            "Malformed(",
            replaced(critical, expires),
        ),
        ("unknown field", "Malformed(", replaced("{", "{\"more\":1,")),
        ("two digests", "DuplicateKey(", replaced(&field, &two)),
        (
            "two digests but for case",
            "DuplicateKey(",
            replaced(&field, &cased),
        ),
        ("no digest", "Malformed(", replaced(&field, "")),
        (
            "digest that is none",
            "Malformed(",
            replaced(&digest, "sha256:x"),
        ),
        ("two payloads", "Json(", two_payloads),
    ]
}

/// A change of a classic signature after it was made.
type Break = (
    &'static str,
    &'static str,
    fn(&mut Vec<u8>, &mut BTreeMap<String, String>, &World),
);

const BREAKS: &[Break] = &[
    ("changed payload", "SignatureInvalid", |payload, _, _| {
        payload.push(b' ');
    }),
    (
        "changed signature",
        "SignatureInvalid",
        |_, annotations, _| {
            let signature = annotations.get_mut(SIGNATURE).unwrap();
            let mut bytes = STANDARD.decode(&*signature).unwrap();
            bytes[12] ^= 1;
            *signature = STANDARD.encode(bytes);
        },
    ),
    (
        "signature of another signer",
        "SignatureInvalid",
        |payload, annotations, _| {
            annotations.insert(
                SIGNATURE.to_owned(),
                SigningKey::p256().sign_base64(payload),
            );
        },
    ),
    ("no signature", "Malformed(", |_, annotations, _| {
        annotations.remove(SIGNATURE);
    }),
    (
        "signature that is no base64",
        "Malformed(",
        |_, annotations, _| {
            annotations.insert(SIGNATURE.to_owned(), "***".to_owned());
        },
    ),
    ("no certificate", "Malformed(", |_, annotations, _| {
        annotations.remove(CERTIFICATE);
    }),
    (
        "neither certificate nor chain",
        "CertificateRequired",
        |_, annotations, _| {
            annotations.remove(CERTIFICATE);
            annotations.remove(CHAIN);
        },
    ),
    ("two certificates", "Ambiguous(", |_, annotations, world| {
        let other = world.signer().certificate_pem();
        annotations.get_mut(CERTIFICATE).unwrap().push_str(&other);
    }),
    (
        "certificate that is no PEM",
        "Certificate(",
        |_, annotations, _| {
            annotations.insert(CERTIFICATE.to_owned(), "certificate".to_owned());
        },
    ),
    ("endless chain", "Certificate(", |_, annotations, world| {
        annotations.insert(CHAIN.to_owned(), world.authority.chain_pem().repeat(20));
    }),
    (
        "chain with something else in it",
        "Certificate(",
        |_, annotations, _| {
            annotations.get_mut(CHAIN).unwrap().push_str("more");
        },
    ),
    (
        "certificate and entry of another signer",
        "SignatureInvalid",
        |payload, annotations, world| {
            let text = String::from_utf8(payload.clone()).unwrap();
            let own = annotations[SIGNATURE].clone();
            annotations.extend(world.signer().classic(&text, SIGNED + 5));
            annotations.insert(SIGNATURE.to_owned(), own);
        },
    ),
    ("not logged", "NotLogged", |_, annotations, _| {
        annotations.remove(LOG_ENTRY);
    }),
    (
        "entry of another signature",
        "OtherEntry(",
        |payload, annotations, world| {
            let text = String::from_utf8(payload.clone()).unwrap();
            let other: BTreeMap<_, _> = world
                .signer()
                .classic(&text, SIGNED + 5)
                .into_iter()
                .collect();
            annotations.insert(LOG_ENTRY.to_owned(), other[LOG_ENTRY].clone());
        },
    ),
    (
        "logged by another log",
        "UnknownLog(",
        |payload, annotations, world| {
            let text = String::from_utf8(payload.clone()).unwrap();
            let signer = KeylessSigner::new(&world.other, &world.leaf());
            let other: BTreeMap<_, _> = signer.classic(&text, SIGNED + 5).into_iter().collect();
            annotations.insert(LOG_ENTRY.to_owned(), other[LOG_ENTRY].clone());
        },
    ),
    (
        "another log time",
        "InclusionPromise(",
        |_, annotations, _| {
            edit(annotations, |entry| {
                entry["Payload"]["integratedTime"] = (SIGNED + 6).into();
            });
        },
    ),
    ("another index", "InclusionPromise(", |_, annotations, _| {
        edit(annotations, |entry| entry["Payload"]["logIndex"] = 0.into());
    }),
    (
        "promise that is missing",
        "Malformed(",
        |_, annotations, _| {
            edit(annotations, |entry| {
                entry["SignedEntryTimestamp"] = Value::Null;
            });
        },
    ),
    ("log ID that is none", "LogEntry(", |_, annotations, _| {
        edit(annotations, |entry| {
            entry["Payload"]["logID"] = "xyz".into();
        });
    }),
    (
        "entry with a duplicate key",
        "DuplicateKey(",
        |_, annotations, _| {
            let entry = annotations.get_mut(LOG_ENTRY).unwrap();
            *entry = entry.replacen('{', "{\"Payload\":{},", 1);
        },
    ),
    ("oversized entry", "TooLarge {", |_, annotations, _| {
        annotations
            .get_mut(LOG_ENTRY)
            .unwrap()
            .push_str(&" ".repeat(2 << 20));
    }),
];

fn edit(annotations: &mut BTreeMap<String, String>, change: impl FnOnce(&mut Value)) {
    let text = annotations.get_mut(LOG_ENTRY).unwrap();
    let mut entry = serde_json::from_str(text).unwrap();
    change(&mut entry);
    *text = entry.to_string();
}
