//! Documents of sources in forms other than those of the specification: what is needed to carry an
//! image is required, the rest passes untouched, and a document that programs read differently is
//! refused.

use std::sync::Arc;

use copier::{CompareStatus, Options, Progress, Row, RunContext, Status};
use embedded_registry::images::{Bundle, Format, Image, Index, Layer, Platform};
use embedded_registry::{Children, Registry, RunningRegistry};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::hostile::manifest_writes;
use super::run::{Run, client, registry, row};

/// A change of the root manifest of an image.
type Change = fn(&mut Value);

fn child(index: &mut Value) -> &mut Value {
    &mut index["manifests"][0]
}

fn layer(image: &mut Value) -> &mut Value {
    &mut image["layers"][0]
}

fn remove(value: &mut Value, key: &str) {
    value.as_object_mut().unwrap().remove(key).unwrap();
}

/// Changes of an index that take nothing away that is needed to carry it.
const INDEXES: &[(&str, Change)] = &[
    ("no OS in a platform", |it| {
        remove(&mut child(it)["platform"], "os");
    }),
    ("an empty platform", |it| child(it)["platform"] = json!({})),
    ("a platform that is null", |it| {
        child(it)["platform"] = json!(null);
    }),
    ("a platform that is text", |it| {
        child(it)["platform"] = json!("linux/amd64");
    }),
    ("an OS that is a number", |it| {
        child(it)["platform"]["os"] = json!(1);
    }),
    ("OS features that are text", |it| {
        child(it)["platform"]["os.features"] = json!("win32k");
    }),
    ("a numeric annotation", |it| {
        child(it)["annotations"] = json!({"a": 1, "b": null, "c": [2]});
    }),
    ("annotations that are null", |it| {
        child(it)["annotations"] = json!(null);
    }),
    ("a child without mediaType", |it| {
        remove(child(it), "mediaType");
    }),
    ("a child with a mediaType of null", |it| {
        child(it)["mediaType"] = json!(null);
    }),
    ("a child without size", |it| remove(child(it), "size")),
    ("a child with a size of text", |it| {
        child(it)["size"] = json!("12");
    }),
    ("a child with a negative size", |it| {
        child(it)["size"] = json!(-1);
    }),
    ("URLs that are null", |it| child(it)["urls"] = json!(null)),
    ("no schemaVersion", |it| remove(it, "schemaVersion")),
    ("a schemaVersion of text", |it| {
        it["schemaVersion"] = json!("2");
    }),
    ("an artifactType that is a number", |it| {
        it["artifactType"] = json!(7);
    }),
    ("a subject without digest", |it| {
        it["subject"] = json!({"size": 1});
    }),
    ("a subject that is null", |it| it["subject"] = json!(null)),
    ("layers that are null", |it| it["layers"] = json!(null)),
    ("unknown keys", |it| {
        it["x-1"] = json!({"Digest": 1, "digest": 2});
    }),
    ("manifests that are null", |it| {
        it["manifests"] = json!(null);
    }),
    ("no manifests", |it| it["manifests"] = json!([])),
];

/// Changes of an image that take nothing away that is needed to carry it.
const IMAGES: &[(&str, Change)] = &[
    ("a layer without mediaType", |it| {
        remove(layer(it), "mediaType");
    }),
    ("a layer without size", |it| remove(layer(it), "size")),
    ("a layer with a size of null", |it| {
        layer(it)["size"] = json!(null);
    }),
    ("a layer with a fractional size", |it| {
        layer(it)["size"] = json!(1.5);
    }),
    ("a layer with a numeric annotation", |it| {
        layer(it)["annotations"] = json!({"a": 1});
    }),
    ("a config without mediaType", |it| {
        remove(&mut it["config"], "mediaType");
    }),
    ("a config without size", |it| {
        remove(&mut it["config"], "size");
    }),
    ("no config", |it| remove(it, "config")),
    ("a config that is null", |it| it["config"] = json!(null)),
    ("layers that are null", |it| it["layers"] = json!(null)),
    ("no layers", |it| remove(it, "layers")),
    ("a numeric annotation", |it| {
        it["annotations"] = json!({"a": 1});
    }),
    ("annotations that are a list", |it| {
        it["annotations"] = json!([1]);
    }),
    ("manifests that are null", |it| {
        it["manifests"] = json!(null);
    }),
    ("nothing but annotations", |it| {
        remove(it, "config");
        remove(it, "layers");
    }),
];

fn image() -> Bundle {
    let layer = Layer::random(1, 100).unwrap();
    let platform = Platform::linux("amd64");
    Image::new(Format::Oci, platform).layer(layer).build()
}

fn index() -> Bundle {
    Index::new(Format::Oci).child(image()).build()
}

fn changed(bundle: Bundle, change: Change) -> Bundle {
    bundle.rewritten(|text| {
        let mut document: Value = serde_json::from_str(text).unwrap();
        change(&mut document);
        document.to_string()
    })
}

async fn compare(rows: &[Row]) -> CompareStatus {
    let (options, progress) = (Options::default(), Arc::new(Progress::default()));
    let context = RunContext {
        client: &client(),
        options: &options,
        progress: &progress,
        stop: &CancellationToken::new(),
    };
    let report = copier::compare(context, rows).await;
    assert!(report.rows[0].error.is_none(), "{report:#?}");
    report.rows[0].status
}

#[tokio::test]
async fn image_is_carried_with_what_it_needs() {
    let indexes = INDEXES
        .iter()
        .map(|(name, change)| (name, changed(index(), *change)));
    let images = IMAGES
        .iter()
        .map(|(name, change)| (name, changed(image(), *change)));
    for (name, bundle) in indexes.chain(images) {
        let (source, target) = (registry().await, registry().await);
        bundle.push(&source, "team/app", Some("v1"));
        let rows = [row(&source, "team/app:v1", &target, "mirror/app:v1")];
        assert_copied(name, &bundle, &target, &rows).await;
    }
}

/// Checks that a row is copied byte for byte, then unchanged, and that both sides are the same.
async fn assert_copied(name: &str, bundle: &Bundle, target: &RunningRegistry, rows: &[Row]) {
    let report = Run::default().sync(rows).await;
    assert_eq!(report.rows[0].status, Status::Copied, "{name}: {report:#?}");
    let copied = target.tagged("mirror/app", "v1").unwrap();
    assert_eq!(&copied.bytes, bundle.root().bytes(), "{name}");
    let root: Value = serde_json::from_slice(&copied.bytes).unwrap();
    let listed = ["manifests", "layers"].map(|key| root[key].as_array().map_or(0, Vec::len));
    let blobs = bundle.blobs().into_iter().filter(|blob| {
        let digest = blob.digest().to_string();
        copied
            .bytes
            .windows(digest.len())
            .any(|part| part == digest.as_bytes())
            || listed[0] > 0
    });
    for blob in blobs {
        assert!(target.blob("mirror/app", blob.digest()).is_some(), "{name}");
    }
    let again = Run::default().sync(rows).await;
    assert_eq!(
        again.rows[0].status,
        Status::Unchanged,
        "{name}: {again:#?}"
    );
    assert_eq!(compare(rows).await, CompareStatus::Same, "{name}");
}

/// An index of BuildKit's cache lists blobs.
#[tokio::test]
async fn index_of_blobs_is_carried_and_compared() {
    let source = registry().await;
    let target = Registry::new().children(Children::Optional);
    let target = target.access_log(1_000).start().await.unwrap();
    let blobs: Vec<_> = ["a layer", "another layer"]
        .map(|text| {
            let digest = source.put_blob("team/app", text.into());
            json!({
                "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
                "digest": digest,
                "size": text.len(),
            })
        })
        .into();
    let media_type = "application/vnd.oci.image.index.v1+json";
    let document = json!({"schemaVersion": 2, "mediaType": media_type, "manifests": blobs});
    let bundle = Bundle::verbatim(media_type, document.to_string());
    bundle.push(&source, "team/app", Some("v1"));
    let rows = [row(&source, "team/app:v1", &target, "mirror/app:v1")];
    assert_copied("an index of blobs", &bundle, &target, &rows).await;
    for text in ["a layer", "another layer"] {
        let digest = source.put_blob("team/app", text.into());
        assert!(target.blob("mirror/app", &digest).is_some(), "{text}");
    }
}

/// A replacement in the text of an index or image, and a part of the message that refuses it.
const AMBIGUOUS: &[(&str, &str, &str)] = &[
    (
        r#""digest":"#,
        r#""Digest":"sha256:0","digest":"#,
        "\"Digest\" differs from \"digest\"",
    ),
    (
        r#""digest":"#,
        r#""digest":"sha256:0","digest":"#,
        "duplicate field `digest`",
    ),
    (
        r#""digest":"#,
        r#""DIGEST":"#,
        "\"DIGEST\" differs from \"digest\"",
    ),
    (r#""size":"#, r#""\u017fize":1,"size":"#, "only in case"),
    (
        r#""mediaType":"#,
        r#""mediatype":"a/b","mediaType":"#,
        "only in case",
    ),
    (r#""size":"#, r#""x":1,"X":2,"size":"#, "is there twice"),
    (
        r#""digest":"#,
        r#""urls":[],"URLs":["https://h"],"digest":"#,
        "only in case",
    ),
];

/// The same for an index.
const AMBIGUOUS_INDEXES: &[(&str, &str, &str)] = &[
    (
        r#""manifests":"#,
        r#""Manifests":[],"manifests":"#,
        "only in case",
    ),
    (
        r#""manifests":"#,
        r#""manifests":[],"manifests":"#,
        "duplicate field `manifests`",
    ),
    (
        r#""manifests":"#,
        r#""Layers":[],"manifests":"#,
        "only in case",
    ),
    (
        r#""manifests":"#,
        r#""Subject":{},"manifests":"#,
        "only in case",
    ),
    (
        r#""manifests":"#,
        r#""subject":{"Digest":"sha256:0"},"manifests":"#,
        "only in case",
    ),
    (r#""os":"#, r#""OS":"windows","os":"#, "only in case"),
    (
        r#""os":"#,
        r#""os":"windows","os":"#,
        "duplicate field `os`",
    ),
    (
        r#""platform":"#,
        r#""platform":{},"platform":"#,
        "duplicate field `platform`",
    ),
];

/// The same for an image.
const AMBIGUOUS_IMAGES: &[(&str, &str, &str)] = &[
    (
        r#""layers":"#,
        r#""layer\u017f":[],"layers":"#,
        "only in case",
    ),
    (r#""layers":"#, r#""Layers":"#, "only in case"),
    (r#""config":"#, r#""Config":{},"config":"#, "only in case"),
    (r#""config":"#, r#""Blobs":[],"config":"#, "only in case"),
];

#[tokio::test]
async fn document_that_programs_read_differently_is_refused() {
    let images = AMBIGUOUS
        .iter()
        .chain(AMBIGUOUS_IMAGES)
        .map(|case| (image(), case));
    let indexes = AMBIGUOUS
        .iter()
        .chain(AMBIGUOUS_INDEXES)
        .map(|case| (index(), case));
    for (bundle, (from, to, refusal)) in images.chain(indexes) {
        let (source, target) = (registry().await, registry().await);
        let bundle = bundle.rewritten(|text| {
            assert!(text.contains(from), "{from}: {text}");
            // In the first descriptor or in the document itself.
            text.replacen(from, to, 1)
        });
        bundle.push(&source, "team/app", Some("v1"));
        let rows = [row(&source, "team/app:v1", &target, "mirror/app:v1")];
        let report = Run::default().sync(&rows).await;
        let error = report.rows[0].error.as_ref().map(ToString::to_string);
        let error = error.unwrap_or_default();
        assert!(error.contains(refusal), "{to}: {error}");
        assert!(error.contains(bundle.digest().as_ref()), "{to}: {error}");
        assert_eq!(manifest_writes(&target), Vec::<String>::new(), "{to}");
    }
}

#[tokio::test]
async fn config_that_programs_read_differently_is_refused() {
    for config in [
        r#"{"os":"linux","architecture":"amd64","Architecture":"arm64"}"#,
        r#"{"os":"linux","architecture":"amd64","architecture":"arm64"}"#,
        r#"{"OS":"linux","architecture":"amd64"}"#,
    ] {
        let (source, target) = (registry().await, registry().await);
        let digest = source.put_blob("team/app", config.into());
        let descriptor = json!({"mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": digest, "size": config.len()});
        let media_type = "application/vnd.oci.image.manifest.v1+json";
        let document = json!({"schemaVersion": 2, "mediaType": media_type,
            "config": descriptor, "layers": []});
        let bundle = Bundle::verbatim(media_type, document.to_string());
        bundle.push(&source, "team/app", Some("v1"));
        let rows = [row(&source, "team/app:v1", &target, "mirror/app:v1")];
        let mut run = Run::default();
        run.options.arch_tags = true;
        let report = run.sync(&rows).await;
        let error = report.rows[0].error.as_ref().map(ToString::to_string);
        let error = error.unwrap_or_default();
        assert!(
            error.contains("the image config is ambiguous"),
            "{config}: {error}"
        );
    }
}
