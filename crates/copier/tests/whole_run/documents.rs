//! Manifests, indexes and lists, and their hostile variants.

use bytes::Bytes;
use embedded_registry::digest_of;
use serde_json::{Value, json};

use super::choices::Choices;
use super::hosts::Hosts;
use super::words;

pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// A manifest or an index.
#[derive(Clone, Debug)]
pub struct Document {
    pub media_type: String,
    pub bytes: Bytes,
    pub digest: String,
}

/// An image with everything under it.
#[derive(Clone, Debug)]
pub struct Image {
    pub root: Document,
    /// The children, at any depth.
    pub children: Vec<Document>,
    pub blobs: Vec<Bytes>,
}

impl Document {
    /// Makes a document. One in eight is hostile.
    fn generate(media_type: &str, value: Value, choices: &mut Choices<'_>, hosts: &Hosts) -> Self {
        let bytes = if choices.one_in(8) {
            hostile(value, choices, hosts)
        } else {
            value.to_string().into()
        };
        Self {
            media_type: media_type.to_owned(),
            digest: digest_of(&bytes).to_string(),
            bytes,
        }
    }

    pub fn descriptor(&self) -> Value {
        json!({"mediaType": self.media_type, "digest": self.digest, "size": self.bytes.len()})
    }
}

fn blob(media_type: &str, bytes: &Bytes) -> Value {
    json!({"mediaType": media_type, "digest": digest_of(bytes).to_string(), "size": bytes.len()})
}

/// Makes an image: of one platform, an index, or indexes in an index. Images with the same `seed`
/// share layers.
pub fn image(choices: &mut Choices<'_>, hosts: &Hosts, seed: u64) -> Image {
    match choices.up_to(7) {
        0 | 1 => single(choices, hosts, seed, "amd64"),
        2..=4 => {
            let count = *choices.pick(&[2, 1, 4, 0]);
            let names = ["amd64", "arm64", "arm", "s390x"];
            let children = names[..count].iter().enumerate();
            let children = children.map(|(number, name)| {
                let seed = seed + 100 * number as u64;
                (single(choices, hosts, seed, name), *name)
            });
            let children: Vec<_> = children.collect();
            index(children, choices, hosts)
        }
        5 => {
            let depth = *choices.pick(&[2, 9, 20]);
            let inner = single(choices, hosts, seed, "amd64");
            (0..depth).fold(inner, |inner, _| {
                index(vec![(inner, "amd64")], choices, hosts)
            })
        }
        6 => {
            // The same child many times.
            let child = single(choices, hosts, seed, "amd64");
            let count = *choices.pick(&[60, 2_001]);
            let mut image = index(vec![(child.clone(), "amd64")], choices, hosts);
            let manifests = vec![child.root.descriptor(); count];
            let value = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests});
            image.root = Document::generate(INDEX, value, choices, hosts);
            image
        }
        _ => artifact(choices, hosts, seed, None),
    }
}

fn single(choices: &mut Choices<'_>, hosts: &Hosts, seed: u64, architecture: &str) -> Image {
    let config = json!({"architecture": architecture, "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": []}});
    let config = Bytes::from(config.to_string());
    let sizes = [100, 20_000, 150_000, 700_000];
    let count = choices.up_to(3);
    let mut random = fastrand::Rng::with_seed(seed);
    let mut blobs = vec![config];
    for _ in 0..count {
        let mut layer = vec![0; *choices.pick(&sizes)];
        random.fill(&mut layer);
        blobs.push(layer.into());
    }
    let layers: Vec<_> = blobs[1..].iter().map(|layer| blob(LAYER, layer)).collect();
    let value = json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "config": blob(CONFIG, &blobs[0]),
        "layers": layers, "annotations": {"org.opencontainers.image.title": "app"},
    });
    Image {
        root: Document::generate(MANIFEST, value, choices, hosts),
        children: Vec::new(),
        blobs,
    }
}

fn index(children: Vec<(Image, &str)>, choices: &mut Choices<'_>, hosts: &Hosts) -> Image {
    let manifests = children.iter().map(|(child, architecture)| {
        let mut descriptor = child.root.descriptor();
        descriptor["platform"] = json!({"os": "linux", "architecture": architecture});
        descriptor
    });
    let value = json!({"schemaVersion": 2, "mediaType": INDEX,
        "manifests": manifests.collect::<Vec<_>>()});
    let root = Document::generate(INDEX, value, choices, hosts);
    let mut image = Image {
        root,
        children: Vec::new(),
        blobs: Vec::new(),
    };
    for (child, _) in children {
        image.children.push(child.root);
        image.children.extend(child.children);
        image.blobs.extend(child.blobs);
    }
    image
}

/// Makes a signature or another artifact, with the subject of a referrer.
pub fn artifact(
    choices: &mut Choices<'_>,
    hosts: &Hosts,
    seed: u64,
    subject: Option<&Document>,
) -> Image {
    let content = Bytes::from(format!("{{\"seed\":{seed}}}"));
    let mut value = json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": "application/x-signature",
        "config": blob("application/vnd.oci.empty.v1+json", &Bytes::from_static(b"{}")),
        "layers": [blob("application/x-signature", &content)],
    });
    if let Some(subject) = subject {
        value["subject"] = subject.descriptor();
    }
    Image {
        root: Document::generate(MANIFEST, value, choices, hosts),
        children: Vec::new(),
        blobs: vec![Bytes::from_static(b"{}"), content],
    }
}

/// Makes a list of tags or of referrers. One in eight is hostile.
pub fn list(value: Value, choices: &mut Choices<'_>, hosts: &Hosts) -> Bytes {
    Document::generate("", value, choices, hosts).bytes
}

/// Changes up to three fields of a document.
pub fn hostile(mut value: Value, choices: &mut Choices<'_>, hosts: &Hosts) -> Bytes {
    for _ in 0..=choices.up_to(2) {
        let mut pointers = Vec::new();
        collect_pointers(&value, &mut String::new(), &mut pointers);
        let pointer = choices.pick(&pointers).clone();
        let replacement = hostile_value(choices, hosts);
        if let Some(field) = value.pointer_mut(&pointer) {
            *field = replacement;
        }
    }
    let text = value.to_string();
    let length = text.len();
    match choices.up_to(11) {
        0..=7 => text.into(),
        // The same key twice, or in another case.
        8 => text
            .replacen("\"digest\"", "\"digest\":\"sha256:0\",\"digest\"", 1)
            .into(),
        9 => text
            .replacen("\"manifests\"", "\"Manifests\":[],\"manifests\"", 1)
            .into(),
        10 => Bytes::from(text).slice(..length / 2),
        _ => format!("{}{}", "[".repeat(10_000), text).into(),
    }
}

fn collect_pointers(value: &Value, path: &mut String, pointers: &mut Vec<String>) {
    // Enough for any field of a small document.
    if pointers.len() > 200 {
        return;
    }
    pointers.push(path.clone());
    let length = path.len();
    let mut visit = |key: &str, value: &Value| {
        path.push('/');
        path.push_str(&key.replace('~', "~0").replace('/', "~1"));
        collect_pointers(value, path, pointers);
        path.truncate(length);
    };
    match value {
        Value::Object(fields) => fields.iter().for_each(|(key, value)| visit(key, value)),
        Value::Array(items) => {
            let items = items.iter().enumerate();
            items.for_each(|(number, value)| visit(&number.to_string(), value));
        }
        _ => {}
    }
}

fn hostile_value(choices: &mut Choices<'_>, hosts: &Hosts) -> Value {
    match choices.up_to(15) {
        0..=6 => Value::String(words::text(choices, hosts)),
        7 => json!(-1),
        8 => json!(u64::MAX),
        9 => json!(1e300),
        10 => json!(*choices.pick(&[0_u64, 1, 5_000_000, 1 << 40])),
        11 => Value::Null,
        12 => json!([]),
        13 => json!({}),
        14 => (0..100).fold(json!({}), |inner, _| json!({"platform": inner})),
        _ => {
            // The documents themselves count towards the memory of the process.
            let text: String = words::text(choices, hosts).chars().take(1_000).collect();
            json!(vec![text; 500])
        }
    }
}
