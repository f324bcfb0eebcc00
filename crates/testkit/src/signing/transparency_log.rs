//! A transparency log, like Rekor.

use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::signing_key::SigningKey;

/// A transparency log in memory.
#[derive(Debug)]
pub struct TransparencyLog {
    key: SigningKey,
    name: String,
    leaves: Mutex<Vec<[u8; 32]>>,
}

/// The evidence in an entry.
#[derive(Clone, Copy, Debug)]
pub struct EntryOptions {
    /// The time at which the entry was logged, in seconds since 1970.
    pub time: u64,
    /// An inclusion proof with a checkpoint.
    pub proof: bool,
    /// A promise of inclusion, which confirms the time.
    pub promise: bool,
}

impl TransparencyLog {
    /// Creates a log with a few entries.
    pub fn new(name: &str) -> Self {
        let entry = |number: u8| leaf_hash(&[number]);
        Self {
            key: SigningKey::p256(),
            name: name.to_owned(),
            leaves: Mutex::new((0..5).map(entry).collect()),
        }
    }

    /// Returns the key.
    pub fn key(&self) -> &SigningKey {
        &self.key
    }

    /// Appends an entry with this body and returns it as in a bundle.
    pub fn append(&self, body: &Value, options: EntryOptions) -> Value {
        let text = body.to_string();
        let mut leaves = self.leaves();
        let index = leaves.len();
        leaves.push(leaf_hash(text.as_bytes()));
        // Entries of others follow before the next checkpoint.
        leaves.push(leaf_hash(&index.to_be_bytes()));
        let mut entry = json!({
            "logIndex": index.to_string(),
            "logId": {"keyId": STANDARD.encode(self.key.id())},
            "kindVersion": {"kind": body["kind"], "version": body["apiVersion"]},
            "integratedTime": options.time.to_string(),
        });
        if options.promise {
            let promise = self.promise(&text, options.time, index);
            entry["inclusionPromise"] = json!({"signedEntryTimestamp": promise});
        }
        if options.proof {
            let hashes: Vec<_> = proof(index, &leaves)
                .iter()
                .map(|hash| STANDARD.encode(hash))
                .collect();
            entry["inclusionProof"] = json!({
                "logIndex": index.to_string(),
                "rootHash": STANDARD.encode(root(&leaves)),
                "treeSize": leaves.len().to_string(),
                "hashes": hashes,
                "checkpoint": {"envelope": self.checkpoint(&leaves)},
            });
        }
        entry["canonicalizedBody"] = STANDARD.encode(&text).into();
        entry
    }

    /// Returns the annotation `dev.sigstore.cosign/bundle` for an entry that has a promise.
    pub fn annotation(entry: &Value) -> String {
        let id = entry["logId"]["keyId"]
            .as_str()
            .and_then(|id| STANDARD.decode(id).ok());
        let id: String = id
            .expect("the ID of a log")
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let number = |field: &str| {
            entry[field]
                .as_str()
                .and_then(|text| text.parse::<u64>().ok())
        };
        json!({
            "SignedEntryTimestamp": entry["inclusionPromise"]["signedEntryTimestamp"],
            "Payload": {
                "body": entry["canonicalizedBody"],
                "integratedTime": number("integratedTime"),
                "logIndex": number("logIndex"),
                "logID": id,
            },
        })
        .to_string()
    }

    /// Returns the ID of the entry with a body, the hash of its leaf in hexadecimal.
    pub(super) fn leaf_id(body: &[u8]) -> String {
        let hash = leaf_hash(body);
        hash.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Signs a promise for the text of a body, in base64.
    pub fn promise(&self, body: &str, time: u64, index: usize) -> String {
        let id: String = self
            .key
            .id()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let signed = json!({
            "body": STANDARD.encode(body),
            "integratedTime": time,
            "logID": id,
            "logIndex": index,
        });
        self.key.sign_base64(signed.to_string().as_bytes())
    }

    /// Signs a checkpoint with this size and root.
    pub fn sign_checkpoint(&self, size: usize, root: &[u8]) -> String {
        let name = &self.name;
        let body = format!("{name} - 1\n{size}\n{}\n", STANDARD.encode(root));
        let mut line = self.key.id()[..4].to_vec();
        line.extend(self.key.sign(body.as_bytes()));
        format!("{body}\n\u{2014} {name} {}\n", STANDARD.encode(line))
    }

    fn checkpoint(&self, leaves: &[[u8; 32]]) -> String {
        self.sign_checkpoint(leaves.len(), &root(leaves))
    }

    fn leaves(&self) -> MutexGuard<'_, Vec<[u8; 32]>> {
        self.leaves.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the hash of a leaf. Source: RFC 6962, section 2.1.
fn leaf_hash(content: &[u8]) -> [u8; 32] {
    let hash = Sha256::new().chain_update([0]).chain_update(content);
    hash.finalize().into()
}

fn node_hash(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    let hash = Sha256::new().chain_update([1]).chain_update(left);
    hash.chain_update(right).finalize().into()
}

/// Returns the root of a tree with at least one leaf.
fn root(leaves: &[[u8; 32]]) -> [u8; 32] {
    match leaves {
        [leaf] => *leaf,
        several => {
            let (left, right) = several.split_at(left_size(several.len()));
            node_hash(&root(left), &root(right))
        }
    }
}

/// Returns the hashes beside the way from a leaf to the root, from the bottom.
fn proof(index: usize, leaves: &[[u8; 32]]) -> Vec<[u8; 32]> {
    if leaves.len() < 2 {
        return Vec::new();
    }
    let middle = left_size(leaves.len());
    let (left, right) = leaves.split_at(middle);
    let (mut hashes, beside) = if index < middle {
        (proof(index, left), root(right))
    } else {
        (proof(index - middle, right), root(left))
    };
    hashes.push(beside);
    hashes
}

/// Returns the largest power of two below a size.
fn left_size(size: usize) -> usize {
    size.next_power_of_two() / 2
}
