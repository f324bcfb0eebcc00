//! Forgeries of the log entry.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use testkit::signing::TransparencyLog;

use super::world::{BUNDLES, Document, ENTRY, Forgery, Form, SIGNED, World};

/// A change of a log entry.
type Break = (&'static str, &'static str, fn(&mut Value, &World));

const PROOF: &str = "inclusionProof";
const PROMISE: &str = "inclusionPromise";

const BREAKS: &[Break] = &[
    ("no proof", "InclusionProof(", |entry, _| {
        remove(entry, PROOF);
    }),
    ("no promise", "NoTime", |entry, _| remove(entry, PROMISE)),
    (
        "neither proof nor promise",
        "InclusionProof(\"neither",
        |entry, _| {
            remove(entry, PROOF);
            remove(entry, PROMISE);
        },
    ),
    ("unknown log", "UnknownLog(", |entry, world| {
        entry["logId"]["keyId"] = STANDARD.encode(world.other.log().key().id()).into();
    }),
    ("wrong hash in the proof", "InclusionProof(", |entry, _| {
        entry[PROOF]["hashes"][0] = STANDARD.encode([7; 32]).into();
    }),
    ("truncated proof", "InclusionProof(", |entry, _| {
        let hashes = entry[PROOF]["hashes"].as_array_mut();
        assert!(hashes.is_some_and(|hashes| hashes.pop().is_some()));
    }),
    ("longer proof", "InclusionProof(", |entry, _| {
        let hashes = entry[PROOF]["hashes"].as_array_mut();
        hashes
            .into_iter()
            .for_each(|hashes| hashes.push(STANDARD.encode([7; 32]).into()));
    }),
    ("proof of another entry", "InclusionProof(", |entry, _| {
        entry[PROOF]["logIndex"] = "0".into();
    }),
    (
        "proof of an entry outside the tree",
        "InclusionProof(",
        |entry, _| {
            entry[PROOF]["logIndex"] = "1000000".into();
        },
    ),
    (
        "proof of an empty tree",
        "Checkpoint(\"for a tree of",
        |entry, _| {
            entry[PROOF]["treeSize"] = "0".into();
        },
    ),
    ("proof with another root", "Checkpoint(", |entry, _| {
        entry[PROOF]["rootHash"] = STANDARD.encode([7; 32]).into();
    }),
    (
        "proof for a tree of another size",
        "Checkpoint(\"for a tree of",
        |entry, _| {
            let size = entry[PROOF]["treeSize"]
                .as_str()
                .and_then(|size| size.parse::<u64>().ok());
            entry[PROOF]["treeSize"] =
                size.map_or(Value::Null, |size| (size + 1).to_string().into());
        },
    ),
    (
        "checkpoint of another log",
        "Checkpoint(\"not signed by",
        |entry, world| {
            checkpoint(entry, world.other.log());
        },
    ),
    (
        "checkpoint of another log under this log's key ID",
        "Checkpoint(",
        |entry, world| {
            checkpoint(entry, world.other.log());
            rename_key(entry, world);
        },
    ),
    ("changed checkpoint", "Checkpoint(", |entry, _| {
        edit(entry, |text| text.replacen(".test - 1", ".test - 2", 1));
    }),
    (
        "checkpoint without signature",
        "Unsupported(",
        |entry, _| {
            edit(entry, |text| {
                text.split("\n\n").next().unwrap_or_default().to_owned() + "\n\n"
            });
        },
    ),
    ("no checkpoint", "Checkpoint(", |entry, _| {
        let proof = entry[PROOF].as_object_mut();
        proof.into_iter().for_each(|proof| {
            proof.remove("checkpoint");
        });
    }),
    ("changed promise", "InclusionPromise(", |entry, world| {
        let other = world.authority.log().promise("{}", SIGNED + 5, 0);
        entry[PROMISE]["signedEntryTimestamp"] = other.into();
    }),
    (
        "promise of another log",
        "InclusionPromise(",
        |entry, world| {
            let body = entry["canonicalizedBody"]
                .as_str()
                .and_then(|body| STANDARD.decode(body).ok());
            let body = String::from_utf8(body.unwrap_or_default()).unwrap_or_default();
            let index = entry["logIndex"]
                .as_str()
                .and_then(|index| index.parse().ok());
            let other = world
                .other
                .log()
                .promise(&body, SIGNED + 5, index.unwrap_or(0));
            entry[PROMISE]["signedEntryTimestamp"] = other.into();
        },
    ),
    ("another log time", "InclusionPromise(", |entry, _| {
        entry["integratedTime"] = (SIGNED + 6).to_string().into();
    }),
    ("no log time", "NoTime", |entry, _| {
        remove(entry, "integratedTime");
    }),
    ("another index", "InclusionPromise(", |entry, _| {
        entry["logIndex"] = "0".into();
    }),
    ("changed body", "InclusionP", |entry, _| {
        let body = entry["canonicalizedBody"]
            .as_str()
            .and_then(|body| STANDARD.decode(body).ok());
        let mut body = body.unwrap_or_default();
        body.push(b' ');
        entry["canonicalizedBody"] = STANDARD.encode(body).into();
    }),
    ("another kind of entry", "Unsupported(", |entry, _| {
        entry["kindVersion"] = json!({"kind": "intoto", "version": "0.0.1"});
    }),
    (
        "a kind that is not the body's",
        "Unsupported(",
        |entry, _| {
            let other = if entry["kindVersion"]["kind"] == "dsse" {
                "hashedrekord"
            } else {
                "dsse"
            };
            entry["kindVersion"]["kind"] = other.into();
        },
    ),
];

/// Every change of a log entry, and entries that are about something else.
pub fn forgeries(world: &World) -> Vec<Forgery> {
    let trusted_root = world.authority.trusted_root();
    let mut table = Vec::new();
    for form in BUNDLES {
        let mut add = |name: &str, expected, document| {
            table.push(Forgery {
                name: format!("log: {name}"),
                form,
                document: Document::Bundle(document),
                trusted_root: trusted_root.clone(),
                expected,
            });
        };
        for (name, expected, change) in BREAKS {
            let mut bundle = valid(world, form);
            change(&mut entries(&mut bundle)[0], world);
            add(name, expected, bundle);
        }
        for (name, expected, bundle) in exchanged(world, form) {
            add(name, expected, bundle);
        }
    }
    table.extend(roots(world));
    table
}

/// Bundles with the entries of others.
fn exchanged(world: &World, form: Form) -> Vec<(&'static str, &'static str, Value)> {
    let mut none = valid(world, form);
    entries(&mut none).clear();
    let mut others = valid(world, form);
    *entries(&mut others) = entries(&mut valid(world, form)).clone();
    let mut second = valid(world, form);
    let mut foreign = entries(&mut valid(world, form))[0].clone();
    entries(&mut second).push(foreign.clone());
    let mut unproved = valid(world, form);
    remove(&mut foreign, PROOF);
    remove(&mut foreign, PROMISE);
    entries(&mut unproved).push(foreign);
    let mut many = valid(world, form);
    let entry = entries(&mut many)[0].clone();
    *entries(&mut many) = vec![entry; 9];
    vec![
        ("no entry", "NotLogged", none),
        ("the entry of another signature", "OtherEntry(", others),
        (
            "a second entry, of another signature",
            "OtherEntry(",
            second,
        ),
        (
            "a second entry without evidence",
            "InclusionProof(\"neither",
            unproved,
        ),
        ("more entries than are read", "Ambiguous(", many),
    ]
}

/// Logs that the trusted root does not trust at that time, and a checkpoint of another trusted log.
fn roots(world: &World) -> Vec<Forgery> {
    let mut closed = world.authority.trusted_root();
    closed["tlogs"][0]["publicKey"]["validFor"]["end"] = "2025-01-01T00:00:00Z".into();
    let mut both = world.authority.trusted_root();
    let other_logs = world.other.trusted_root()["tlogs"].clone();
    let logs = both["tlogs"].as_array_mut();
    logs.into_iter()
        .for_each(|logs| logs.extend(other_logs.as_array().cloned().into_iter().flatten()));
    let none = super::certificates::with(&world.authority.trusted_root(), "tlogs", json!([]));
    let mut table = Vec::new();
    for form in BUNDLES {
        let mut checkpoint_of_other = valid(world, form);
        checkpoint(&mut entries(&mut checkpoint_of_other)[0], world.other.log());
        for (name, document, root, expected) in [
            (
                "log that was closed",
                valid(world, form),
                &closed,
                "InclusionPromise(",
            ),
            ("no trusted log", valid(world, form), &none, "UnknownLog("),
            (
                "checkpoint of another trusted log",
                checkpoint_of_other,
                &both,
                "Checkpoint(\"not signed by",
            ),
        ] {
            table.push(Forgery {
                name: format!("log: {name}"),
                form,
                document: Document::Bundle(document),
                trusted_root: root.clone(),
                expected,
            });
        }
    }
    table
}

fn valid(world: &World, form: Form) -> Value {
    match world.document(form, &world.signer(), ENTRY) {
        Document::Bundle(bundle) => bundle,
        other => panic!("no bundle: {other:?}"),
    }
}

pub fn entries(bundle: &mut Value) -> &mut Vec<Value> {
    bundle["verificationMaterial"]["tlogEntries"]
        .as_array_mut()
        .unwrap()
}

fn remove(entry: &mut Value, field: &str) {
    assert!(entry.as_object_mut().unwrap().remove(field).is_some());
}

fn edit(entry: &mut Value, change: impl FnOnce(&str) -> String) {
    let envelope = &mut entry[PROOF]["checkpoint"]["envelope"];
    *envelope = change(envelope.as_str().unwrap()).into();
}

/// Replaces the checkpoint by one of another log, about the same tree.
fn checkpoint(entry: &mut Value, log: &TransparencyLog) {
    let size = entry[PROOF]["treeSize"].as_str().unwrap().parse().unwrap();
    let root = STANDARD
        .decode(entry[PROOF]["rootHash"].as_str().unwrap())
        .unwrap();
    entry[PROOF]["checkpoint"]["envelope"] = log.sign_checkpoint(size, &root).into();
}

/// Gives the signature of a checkpoint the key ID of the own log.
fn rename_key(entry: &mut Value, world: &World) {
    edit(entry, |text| {
        let (before, line) = text.trim_end().rsplit_once(' ').unwrap();
        let mut signature = STANDARD.decode(line).unwrap();
        signature[..4].copy_from_slice(&world.authority.log().key().id()[..4]);
        format!("{before} {}\n", STANDARD.encode(signature))
    });
}
