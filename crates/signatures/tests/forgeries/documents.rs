//! Forgeries of the signed documents and of their envelopes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use testkit::signing::{SigningKey, bundle_json, dsse_log_body, envelope, pae, statement};

use super::world::{Document, ENTRY, Forgery, Form, SIGN, World, digest_of};

const IN_TOTO: &str = "application/vnd.in-toto+json";

/// Forged statements, signed by the wanted signer.
pub fn forgeries(world: &World) -> Vec<Forgery> {
    let mut table = Vec::new();
    let root = world.authority.trusted_root();
    let mut add = |name: &str, expected, document| {
        table.push(Forgery {
            name: format!("document: {name}"),
            form: Form::Statement,
            document,
            trusted_root: root.clone(),
            expected,
        });
    };
    for (name, expected, statement) in statements(world) {
        let signed = world.signer().bundle(&statement, ENTRY);
        add(name, expected, Document::Bundle(signed));
    }
    for (name, expected, payload_type, payload) in payloads(world) {
        add(
            name,
            expected,
            Document::Bundle(signed_payload(world, payload_type, &payload)),
        );
    }
    for (name, expected, change) in BREAKS {
        let mut bundle = signed(world);
        change(&mut bundle, world);
        add(name, expected, Document::Bundle(bundle));
    }
    for (name, expected, text) in texts(world) {
        add(name, expected, Document::Text(text));
    }
    table
}

fn signed(world: &World) -> Value {
    world
        .signer()
        .bundle(&statement(SIGN, &world.digest()), ENTRY)
}

/// Statements that are about something else than this image.
fn statements(world: &World) -> Vec<(&'static str, &'static str, Value)> {
    let valid = statement(SIGN, &world.digest());
    let change = |pointer: &str, value: Value| {
        let mut changed = valid.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        changed
    };
    let hex = world.digest()["sha256:".len()..].to_owned();
    let other = statement(SIGN, &digest_of(b"other"));
    let older = statement(SIGN, &digest_of(b"an older image of the same tag"));
    let two = json!([valid["subject"][0], other["subject"][0]]);
    vec![
        ("another image", "OtherImage {", other),
        (
            "replayed signature of an older image",
            "OtherImage {",
            older,
        ),
        ("two subjects", "Ambiguous(", change("/subject", two)),
        ("no subject", "Ambiguous(", change("/subject", json!([]))),
        (
            "subject without digest",
            "Malformed(",
            change("/subject/0", json!({"name": ""})),
        ),
        (
            "digest in capitals",
            "OtherImage {",
            change("/subject/0/digest/sha256", hex.to_uppercase().into()),
        ),
        (
            "digest under another algorithm",
            "OtherImage {",
            change("/subject/0/digest", json!({"sha512": hex})),
        ),
        (
            "truncated digest",
            "OtherImage {",
            change("/subject/0/digest/sha256", hex[..62].into()),
        ),
        (
            "no in-toto statement",
            "PayloadType(",
            change("/_type", "https://example.com/Statement/v1".into()),
        ),
        (
            "an attestation",
            "NotASignature(",
            change("/predicateType", "https://slsa.dev/provenance/v1".into()),
        ),
        (
            "a longer predicate type",
            "NotASignature(",
            change("/predicateType", format!("{SIGN}/").into()),
        ),
        (
            "predicate type that is no text",
            "Malformed(",
            change("/predicateType", json!([SIGN])),
        ),
    ]
}

/// A payload with its type, and the cause for which it is refused.
type Payload = (&'static str, &'static str, &'static str, Vec<u8>);

/// Payloads that are no statement in a DSSE envelope.
fn payloads(world: &World) -> Vec<Payload> {
    let text = statement(SIGN, &world.digest()).to_string();
    let classic = testkit::signing::classic_payload(&world.name(), &world.digest());
    let types = [
        (
            "statement under another payload type",
            "application/json",
            &text,
        ),
        (
            "payload type with a parameter",
            "application/vnd.in-toto+json; v=1",
            &text,
        ),
        (
            "classic payload in an envelope",
            signatures::SIMPLE_SIGNING_MEDIA_TYPE,
            &classic,
        ),
    ];
    let types = types.map(|(name, payload_type, payload)| {
        (
            name,
            "PayloadType(",
            payload_type,
            payload.clone().into_bytes(),
        )
    });
    let other = "\"https://slsa.dev/provenance/v1\"";
    let first = |field: &str| text.replacen('{', &format!("{{{field},"), 1);
    let nested = envelope(&SigningKey::p256(), &statement(SIGN, &world.digest()));
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(500), "]".repeat(500));
    let duplicate = text.replace("\"predicate\":{}", "\"predicate\":{\"a\":1,\"a\":2}");
    let texts = [
        ("envelope in an envelope", "Malformed(", nested.to_string()),
        (
            "predicate type twice",
            "DuplicateKey(",
            first(&format!("\"predicateType\":{other}")),
        ),
        (
            "predicate type twice but for case",
            "DuplicateKey(",
            first(&format!("\"PredicateType\":{other}")),
        ),
        ("subject twice", "DuplicateKey(", first("\"subject\":[]")),
        ("duplicate key in the predicate", "DuplicateKey(", duplicate),
        ("deep payload", "Json(", deep),
        ("payload that is no JSON", "Json(", "\u{fffd}".to_owned()),
        ("classic payload as a statement", "Malformed(", classic),
    ];
    let texts = texts.map(|(name, expected, text)| (name, expected, IN_TOTO, text.into_bytes()));
    types.into_iter().chain(texts).collect()
}

fn signed_payload(world: &World, payload_type: &str, payload: &[u8]) -> Value {
    let signer = world.signer();
    let signature = signer.key().sign_base64(&pae(payload_type, payload));
    let envelope = json!({
        "payloadType": payload_type,
        "payload": STANDARD.encode(payload),
        "signatures": [{"sig": signature}],
    });
    let entry = world
        .authority
        .log()
        .append(&dsse_log_body(&envelope, &signer.certificate_pem()), ENTRY);
    let certificate = json!({"certificate": {"rawBytes": STANDARD.encode(signer.certificate())}});
    bundle_json(certificate, &[entry], &envelope)
}

/// A change of a bundle after it was signed.
type Break = (&'static str, &'static str, fn(&mut Value, &World));

const SIG: &str = "/dsseEnvelope/signatures/0/sig";

const BREAKS: &[Break] = &[
    ("changed signature", "SignatureInvalid", |bundle, _| {
        change_bytes(bundle, SIG, |bytes| bytes[10] ^= 1);
    }),
    ("truncated signature", "SignatureInvalid", |bundle, _| {
        change_bytes(bundle, SIG, |bytes| bytes.truncate(40));
    }),
    ("empty signature", "SignatureInvalid", |bundle, _| {
        set(bundle, SIG, "".into());
    }),
    ("signature that is no base64", "Malformed(", |bundle, _| {
        set(bundle, SIG, "***".into());
    }),
    (
        "signature by another key",
        "SignatureInvalid",
        |bundle, world| {
            let other = envelope(&SigningKey::p256(), &statement(SIGN, &world.digest()));
            set(bundle, SIG, other["signatures"][0]["sig"].clone());
        },
    ),
    (
        "signature over the payload without its type",
        "SignatureInvalid",
        |bundle, world| {
            resign(bundle, world, |payload| payload.to_vec());
        },
    ),
    (
        "signature over the payload with another type",
        "SignatureInvalid",
        |bundle, world| {
            resign(bundle, world, |payload| pae("application/json", payload));
        },
    ),
    ("changed payload", "SignatureInvalid", |bundle, _| {
        change_bytes(bundle, "/dsseEnvelope/payload", |bytes| bytes.push(b' '));
    }),
    ("payload of another image", "OtherImage {", |bundle, _| {
        let other = statement(SIGN, &digest_of(b"other")).to_string();
        set(
            bundle,
            "/dsseEnvelope/payload",
            STANDARD.encode(other).into(),
        );
    }),
    ("changed payload type", "PayloadType(", |bundle, _| {
        set(
            bundle,
            "/dsseEnvelope/payloadType",
            "application/json".into(),
        );
    }),
    ("two signatures", "Ambiguous(", |bundle, _| {
        let signature = bundle["dsseEnvelope"]["signatures"][0].clone();
        bundle["dsseEnvelope"]["signatures"]
            .as_array_mut()
            .unwrap()
            .push(signature);
    }),
    ("no signature", "Malformed(", |bundle, _| {
        set(bundle, "/dsseEnvelope/signatures", json!([]));
    }),
    (
        "an envelope and a message signature",
        "Ambiguous(",
        |bundle, world| {
            let message = world.signer().message_bundle(&world.manifest, ENTRY);
            bundle["messageSignature"] = message["messageSignature"].clone();
        },
    ),
    ("a certificate and a key", "Ambiguous(", |bundle, _| {
        bundle["verificationMaterial"]["publicKey"] = json!({"hint": "x"});
    }),
    (
        "a key in the place of the certificate",
        "CertificateRequired",
        |bundle, _| {
            let material = bundle["verificationMaterial"].as_object_mut().unwrap();
            material.remove("certificate");
            material.insert("publicKey".to_owned(), json!({"hint": "x"}));
        },
    ),
    (
        "the certificate of another signer",
        "SignatureInvalid",
        |bundle, world| {
            let other = STANDARD.encode(world.signer().certificate());
            set(
                bundle,
                "/verificationMaterial/certificate/rawBytes",
                other.into(),
            );
        },
    ),
    ("truncated certificate", "Certificate(", |bundle, _| {
        let certificate = "/verificationMaterial/certificate/rawBytes";
        change_bytes(bundle, certificate, |bytes| bytes.truncate(100));
    }),
    ("changed certificate", "Chain(", |bundle, _| {
        let certificate = "/verificationMaterial/certificate/rawBytes";
        change_bytes(bundle, certificate, |bytes| *bytes.last_mut().unwrap() ^= 1);
    }),
    (
        "a certificate in another encoding",
        "Certificate(\"not in the distinguished",
        |bundle, _| {
            let certificate = "/verificationMaterial/certificate/rawBytes";
            // A flag of an extension that is false is left out in the distinguished encoding.
            change_bytes(bundle, certificate, |bytes| {
                let flag = bytes.windows(3).position(|bytes| bytes == [1, 1, 255]);
                bytes[flag.unwrap() + 2] = 0;
            });
        },
    ),
    (
        "a certificate with bytes after it",
        "Certificate(",
        |bundle, _| {
            let certificate = "/verificationMaterial/certificate/rawBytes";
            change_bytes(bundle, certificate, |bytes| bytes.push(0));
        },
    ),
    ("no certificate", "Malformed(", |bundle, _| {
        bundle["verificationMaterial"]
            .as_object_mut()
            .unwrap()
            .remove("certificate");
    }),
    ("unknown version", "Unsupported(", |bundle, _| {
        set(
            bundle,
            "/mediaType",
            "application/vnd.dev.sigstore.bundle.v9+json".into(),
        );
    }),
    ("no version", "Malformed(", |bundle, _| {
        bundle.as_object_mut().unwrap().remove("mediaType");
    }),
];

/// Texts that are no bundle, or several.
fn texts(world: &World) -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let text = signed(world).to_string();
    let other = world.signer().bundle(
        &statement("https://slsa.dev/provenance/v1", &world.digest()),
        ENTRY,
    );
    let twice = text.replacen(
        '{',
        &format!("{{\"dsseEnvelope\":{},", other["dsseEnvelope"]),
        1,
    );
    let cased = text.replacen(
        '{',
        &format!("{{\"DsseEnvelope\":{},", other["dsseEnvelope"]),
        1,
    );
    let signatures = text.replacen("\"signatures\":", "\"signatures\":[],\"signatures\":", 1);
    let oversized = format!("{text}{}", " ".repeat(signatures::MAX_DOCUMENT));
    vec![
        ("envelope twice", "DuplicateKey(", twice.into_bytes()),
        (
            "envelope twice but for case",
            "DuplicateKey(",
            cased.into_bytes(),
        ),
        ("signatures twice", "DuplicateKey(", signatures.into_bytes()),
        ("two bundles", "Json(", format!("{text}{text}").into_bytes()),
        (
            "truncated bundle",
            "Json(",
            text.as_bytes()[..text.len() / 2].to_vec(),
        ),
        ("empty bundle", "Json(", Vec::new()),
        ("oversized bundle", "TooLarge {", oversized.into_bytes()),
        (
            "list of bundles",
            "Malformed(",
            format!("[{text}]").into_bytes(),
        ),
    ]
}

fn set(bundle: &mut Value, pointer: &str, value: Value) {
    *bundle.pointer_mut(pointer).unwrap() = value;
}

fn change_bytes(bundle: &mut Value, pointer: &str, change: impl FnOnce(&mut Vec<u8>)) {
    let field = bundle.pointer_mut(pointer).unwrap();
    let mut bytes = STANDARD.decode(field.as_str().unwrap()).unwrap();
    change(&mut bytes);
    *field = STANDARD.encode(bytes).into();
}

/// Signs something else than the encoding of the envelope, with a certificate of the wanted signer.
fn resign(bundle: &mut Value, world: &World, signed: impl FnOnce(&[u8]) -> Vec<u8>) {
    let signer = world.signer();
    let payload = bundle["dsseEnvelope"]["payload"].as_str().unwrap();
    let signature = signer
        .key()
        .sign_base64(&signed(&STANDARD.decode(payload).unwrap()));
    set(bundle, SIG, signature.into());
    let body = dsse_log_body(&bundle["dsseEnvelope"], &signer.certificate_pem());
    let entry = world.authority.log().append(&body, ENTRY);
    bundle["verificationMaterial"]["tlogEntries"] = json!([entry]);
    let certificate = STANDARD.encode(signer.certificate());
    set(
        bundle,
        "/verificationMaterial/certificate/rawBytes",
        certificate.into(),
    );
}
