//! Forgeries of the certificate, in every form.

use serde_json::Value;
use testkit::signing::{EntryOptions, KeylessSigner, LeafOptions, Sct, Usage};

use super::world::{ENTRY, FORMS, Forgery, SIGNED, World};

/// A change of a certificate, and the cause for which signatures with it are refused.
type Break = (&'static str, &'static str, fn(&mut LeafOptions));

const ORG: &str = "https://github.com/org/app/.github/workflows/a.yml@main";

fn identity(text: &str) -> Vec<Vec<u8>> {
    vec![text.as_bytes().to_vec()]
}

const BREAKS: &[Break] = &[
    ("without SCT", "Sct(", |leaf| leaf.sct = Sct::Missing),
    ("SCT by another key", "Sct(", |leaf| {
        leaf.sct = Sct::OtherKey;
    }),
    ("SCT of an unknown log", "Sct(", |leaf| {
        leaf.sct = Sct::OtherLog;
    }),
    ("SCT of another certificate", "Sct(", |leaf| {
        leaf.sct = Sct::OtherCertificate;
    }),
    ("empty list of SCTs", "Sct(", |leaf| leaf.sct = Sct::Empty),
    ("two SCTs", "Sct(", |leaf| leaf.sct = Sct::Twice),
    ("expired before it was logged", "Expired {", |leaf| {
        leaf.lifetime = 2;
    }),
    ("valid only after it was logged", "NotYetValid {", |leaf| {
        leaf.not_before = SIGNED + 6;
    }),
    ("for servers", "Chain(", |leaf| {
        leaf.usage = Some(Usage::ServerAuthentication);
    }),
    ("for no purpose", "Chain(", |leaf| leaf.usage = None),
    ("itself an authority", "Chain(", |leaf| {
        leaf.is_authority = true;
    }),
    ("identity with a newline", "IdentityText(", |leaf| {
        leaf.identities = identity(&format!("{ORG}\nhttps://github.com/org/app"));
    }),
    ("identity with a NUL", "IdentityText(", |leaf| {
        leaf.identities = identity("https://github.com/org/\0app");
    }),
    ("identity with a space", "IdentityText(", |leaf| {
        leaf.identities = identity("https://github.com/org/app/.github/workflows/ x");
    }),
    ("identity with a Cyrillic letter", "Certificate(", |leaf| {
        leaf.identities = identity("https://github.com/\u{43e}rg/app/.github/workflows/a.yml@main");
    }),
    ("identity without a scheme", "Certificate(", |leaf| {
        leaf.identities = identity("github.com/org/app/.github/workflows/a.yml@main");
    }),
    ("identity of a longer name", "OtherIdentity {", |leaf| {
        leaf.identities = identity("https://github.com/org-evil/app/.github/workflows/a.yml@main");
    }),
    (
        "identity that contains the wanted one",
        "OtherIdentity {",
        |leaf| {
            leaf.identities = identity(&format!("https://evil.example/?{ORG}"));
        },
    ),
    ("identity in another case", "OtherIdentity {", |leaf| {
        leaf.identities = identity("https://github.com/ORG/app/.github/workflows/a.yml@main");
    }),
    (
        "identity where `.` matches all",
        "OtherIdentity {",
        |leaf| {
            leaf.identities = identity("https://github-com/org/app/.github/workflows/a.yml@main");
        },
    ),
    (
        "wanted identity first, another second",
        "IdentityCount(2)",
        |leaf| {
            leaf.identities = [identity(ORG), identity("https://evil.example")].concat();
        },
    ),
    (
        "another identity first, wanted second",
        "IdentityCount(2)",
        |leaf| {
            leaf.identities = [identity("evil@example.com"), identity(ORG)].concat();
        },
    ),
    ("no identity", "IdentityCount(0)", |leaf| {
        leaf.identities.clear();
    }),
    ("empty identity", "IdentityText(", |leaf| {
        leaf.identities = identity("");
    }),
    ("another issuer", "OtherIssuer {", |leaf| {
        leaf.issuer = Some("https://accounts.example.com".to_owned());
        leaf.issuer_v1.clone_from(&leaf.issuer);
    }),
    ("issuer with a slash at its end", "OtherIssuer {", |leaf| {
        leaf.issuer = leaf.issuer.as_ref().map(|issuer| format!("{issuer}/"));
        leaf.issuer_v1.clone_from(&leaf.issuer);
    }),
    ("issuer with a newline", "IdentityText(", |leaf| {
        leaf.issuer = leaf.issuer.as_ref().map(|issuer| format!("{issuer}\n"));
        leaf.issuer_v1.clone_from(&leaf.issuer);
    }),
    ("two issuers", "Certificate(\"it names two", |leaf| {
        leaf.issuer_v1 = Some("https://accounts.example.com".to_owned());
    }),
    (
        "issuer twice",
        "Certificate(\"the extension 1.3.6.1.4.1.57264.1.8",
        |leaf| {
            leaf.second_issuer = Some("https://accounts.example.com".to_owned());
        },
    ),
    ("no issuer", "Certificate(\"it names no", |leaf| {
        leaf.issuer = None;
        leaf.issuer_v1 = None;
    }),
];

/// Every change of a certificate in every form.
pub fn forgeries(world: &World) -> Vec<Forgery> {
    let root = world.authority.trusted_root();
    let mut table = Vec::new();
    for form in FORMS {
        for (name, expected, change) in BREAKS {
            let mut leaf = world.leaf();
            change(&mut leaf);
            let signer = KeylessSigner::new(&world.authority, &leaf);
            table.push(Forgery {
                name: format!("certificate: {name}"),
                form,
                document: world.document(form, &signer, ENTRY),
                trusted_root: root.clone(),
                expected,
            });
        }
        table.extend(chains(world, form));
    }
    table
}

/// Certificates that lead to no trusted authority.
fn chains(world: &World, form: super::world::Form) -> Vec<Forgery> {
    let own = world.authority.trusted_root();
    // The log is trusted, and the authority is not.
    let mut other_authority = own.clone();
    other_authority["certificateAuthorities"] =
        world.other.trusted_root()["certificateAuthorities"].clone();
    let mut truncated = own.clone();
    let chain = &mut truncated["certificateAuthorities"][0]["certChain"]["certificates"];
    let removed = chain.as_array_mut().map(|chain| chain.remove(0));
    assert!(removed.is_some());
    let mut closed = own.clone();
    closed["certificateAuthorities"][0]["validFor"]["end"] = "2025-01-01T00:00:00Z".into();
    let no_certificate_log = with(&own, "ctlogs", Value::Array(Vec::new()));
    let mut closed_log = own;
    closed_log["ctlogs"][0]["publicKey"]["validFor"]["end"] = "2025-01-01T00:00:00Z".into();
    [
        ("of another authority", other_authority, "Chain("),
        ("with a truncated chain", truncated, "Chain("),
        ("of an authority that was closed", closed, "Chain("),
        (
            "without a trusted certificate log",
            no_certificate_log,
            "Sct(",
        ),
        ("with an SCT of a log that was closed", closed_log, "Sct("),
    ]
    .into_iter()
    .map(|(name, trusted_root, expected)| {
        let mut document = world.document(form, &world.signer(), EntryOptions { ..ENTRY });
        if let (super::world::Document::Classic { annotations, .. }, "with a truncated chain") =
            (&mut document, name)
        {
            annotations.remove("dev.sigstore.cosign/chain");
        }
        Forgery {
            name: format!("certificate: {name}"),
            form,
            document,
            trusted_root,
            expected,
        }
    })
    .collect()
}

pub fn with(value: &Value, field: &str, content: Value) -> Value {
    let mut changed = value.clone();
    changed[field] = content;
    changed
}
