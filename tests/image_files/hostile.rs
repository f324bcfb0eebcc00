//! Files that lie, lead elsewhere, or are no image files.

use std::os::unix::fs::symlink;

use embedded_registry::digest_of;
use serde_json::{Value, json};

use super::docker_save::Archive;
use crate::environment::{TestEnvironment, registry_with};

const LAYOUT: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;

fn index_of(digest: &str, size: usize) -> Value {
    json!({"schemaVersion": 2, "manifests": [{"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest, "size": size}]})
}

fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let archive = files
        .iter()
        .fold(Archive::new(), |archive, (path, content)| {
            archive.file(path, content)
        });
    archive.bytes()
}

/// Returns a docker archive with one layer.
fn docker(config: &Value, layers: &Value, layer: &[u8]) -> Vec<u8> {
    let manifest = json!([{"Config": "config.json", "RepoTags": ["a:1"], "Layers": layers}]);
    archive(&[
        ("config.json", config.to_string().as_bytes()),
        ("layer.tar", layer),
        ("manifest.json", manifest.to_string().as_bytes()),
    ])
}

/// A file, and the cause of its refusal.
type Case = (Vec<u8>, &'static str);

/// Returns an archive with a layout and this index.
fn with_index(index: &[u8]) -> Vec<u8> {
    archive(&[("oci-layout", LAYOUT), ("index.json", index)])
}

fn layout_archives() -> Vec<Case> {
    let missing = index_of(&format!("sha256:{}", "a".repeat(64)), 5).to_string();
    let bad_digest = index_of("sha256:../../../etc/passwd", 5).to_string();
    let mut truncated = with_index(&[b' '; 4096]);
    truncated.truncate(2048);
    let linked = Archive::new().symlink("oci-layout", "/etc/hostname");
    let version = br#"{"imageLayoutVersion":"2.0.0"}"#;
    let twice = archive(&[("oci-layout", LAYOUT), ("oci-layout", LAYOUT)]);
    vec![
        (Vec::new(), "no tar archive"),
        (b"no tar archive at all".repeat(100), "no tar archive"),
        (archive(&[("x", b"")]), "no file oci-layout"),
        (
            archive(&[("manifest.json", b"[]")]),
            "name it docker-archive:FILE",
        ),
        (archive(&[("oci-layout", b"{}")]), "no imageLayoutVersion"),
        (archive(&[("oci-layout", version)]), "has version 2.0.0"),
        (archive(&[("oci-layout", LAYOUT)]), "no index.json"),
        (with_index(b"{"), "not valid JSON"),
        (with_index(b"{}"), "has no image"),
        (with_index(bad_digest.as_bytes()), "is invalid"),
        (with_index(missing.as_bytes()), "does not exist"),
        (twice, "two members `oci-layout`"),
        (truncated, "truncated"),
        (linked.bytes(), "leads out of the archive"),
    ]
}

fn docker_archives() -> Vec<Case> {
    let layer = b"layer";
    let diff_ids = |id: &str| json!({"rootfs": {"diff_ids": [id]}});
    let own = diff_ids(digest_of(layer).as_ref());
    let other = diff_ids(&format!("sha256:{}", "b".repeat(64)));
    let none = json!({"rootfs": {"diff_ids": []}});
    let bomb = zstd::encode_all(&vec![0; 64 << 20][..], 19).unwrap();
    let one = json!(["layer.tar"]);
    let outside = json!(["../../etc/passwd"]);
    vec![
        (
            archive(&[("oci-layout", LAYOUT)]),
            "name it oci-archive:FILE",
        ),
        (archive(&[("x", b"")]), "no file manifest.json"),
        (
            archive(&[("manifest.json", b"{}")]),
            "manifest.json is not valid",
        ),
        (archive(&[("manifest.json", b"[]")]), "has no image"),
        (docker(&json!({}), &one, layer), "no list rootfs.diff_ids"),
        (docker(&none, &one, layer), "manifest.json has 1 layers"),
        (docker(&other, &one, layer), "the config names"),
        (
            docker(&own, &outside, layer),
            "the layer ../../etc/passwd is missing",
        ),
        (docker(&other, &one, &bomb), "expands more than 1,100 times"),
        (docker(&own, &one, b"BZh91AY&SY"), "xz or bzip2"),
        (bomb, "expands more than 1,100 times"),
        (b"\xfd7zXZ\0rest".to_vec(), "decompress it with `xz -d`"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_archives_are_refused_with_their_cause() {
    let registry = registry_with(&[]).await;
    let host = registry.host();
    let environment = TestEnvironment::new();
    let layouts = layout_archives().into_iter();
    let layouts = layouts.map(|case| ("oci-archive:a.tar", case));
    let docker = docker_archives().into_iter();
    let docker = docker.map(|case| ("docker-archive:a.tar", case));
    for (name, (content, cause)) in layouts.chain(docker) {
        environment.write("a.tar", content);
        let refused = environment.mirror(&format!("copy {name} {host}/app:v1"));
        assert!(matches!(refused.code, Some(1..=3)), "{cause}: {refused:?}");
        let output = refused.stdout.clone() + &refused.stderr;
        assert!(output.contains(cause), "{cause}: {refused:?}");
        assert!(output.contains(name), "{cause}: {refused:?}");
    }
    let reads = [http::Method::GET, http::Method::HEAD];
    let requests = registry.requests();
    let mut writes = requests
        .iter()
        .filter(|request| !reads.contains(&request.method));
    assert!(writes.next().is_none(), "nothing was written");
}

#[tokio::test(flavor = "multi_thread")]
async fn links_and_special_files_of_a_directory_are_not_followed() {
    let registry = registry_with(&["app:v1"]).await;
    let host = registry.host();
    let environment = TestEnvironment::new();
    let copy = format!("copy {host}/app:v1 oci:layout:v1");
    environment.mirror(&copy).exits(0);
    let index = environment.read_json("layout/index.json");
    let digest = index["manifests"][0]["digest"]
        .as_str()
        .unwrap()
        .replace(':', "/");
    let manifest = environment.path(&format!("layout/blobs/{digest}"));
    let blobs = environment.path("layout/blobs");
    let moved = environment.path("moved");
    for path in [
        manifest,
        environment.path("layout/blobs/sha256"),
        blobs,
        environment.path("layout/index.json"),
    ] {
        std::fs::rename(&path, &moved).unwrap();
        symlink(&moved, &path).unwrap();
        let refused = environment.mirror("inspect oci:layout:v1").exits(1);
        assert!(
            refused
                .stderr
                .contains("is a symbolic link, which is not read"),
            "{refused:?}"
        );
        std::fs::remove_file(&path).unwrap();
        environment.run("mkfifo", &[path.to_str().unwrap()]);
        let refused = environment.mirror("inspect oci:layout:v1").exits(1);
        assert!(refused.stderr.contains("is no regular file"), "{refused:?}");
        std::fs::remove_file(&path).unwrap();
        std::fs::rename(&moved, &path).unwrap();
    }
    environment.mirror("inspect oci:layout:v1").exits(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn index_with_the_same_child_many_times_is_read_once() {
    let registry = registry_with(&[]).await;
    let layer = b"layer";
    let config = json!({"rootfs": {"diff_ids": [digest_of(layer).as_ref()]}}).to_string();
    let descriptor = |bytes: &[u8]| json!({"mediaType": "x/y", "digest": digest_of(bytes).as_ref(), "size": bytes.len()});
    let manifest = json!({"schemaVersion": 2, "config": descriptor(config.as_bytes()), "layers": [descriptor(layer)]});
    let mut contents = vec![
        layer.to_vec(),
        config.into_bytes(),
        manifest.to_string().into_bytes(),
    ];
    // Without a memory, the last index has 300^4 manifests below it.
    for _ in 0..4 {
        let mut child = descriptor(contents.last().unwrap());
        let types =
            ["manifest", "index"].map(|kind| format!("application/vnd.oci.image.{kind}.v1+json"));
        child["mediaType"] = types[usize::from(contents.len() > 3)].clone().into();
        let children = vec![child; 300];
        let index = json!({"schemaVersion": 2, "manifests": children}).to_string();
        contents.push(index.into_bytes());
    }
    let root = contents.last().unwrap();
    let mut entry = descriptor(root);
    entry["annotations"] = json!({"io.containerd.image.name": "docker.io/library/a:1"});
    let index = json!({"schemaVersion": 2, "manifests": vec![entry; 1_000]}).to_string();
    let hex = |bytes: &[u8]| digest_of(bytes).digest().to_owned();
    let paths: Vec<_> = contents
        .iter()
        .map(|bytes| format!("blobs/sha256/{}", hex(bytes)))
        .collect();
    let docker =
        json!([{"Config": paths[1], "RepoTags": ["a:1"], "Layers": [paths[0]]}]).to_string();
    let mut files: Vec<(&str, &[u8])> = vec![
        ("oci-layout", LAYOUT),
        ("index.json", index.as_bytes()),
        ("manifest.json", docker.as_bytes()),
    ];
    files.extend(
        paths
            .iter()
            .map(|path| &**path)
            .zip(contents.iter().map(|bytes| &bytes[..])),
    );
    let environment = TestEnvironment::new();
    environment.write("file.tar", archive(&files));
    let line = format!(
        "copy docker-archive:file.tar:a:1 docker://{}/team/a:1",
        registry.host()
    );
    environment.mirror(&line).exits(0);
    let copied = registry.tagged("team/a", "1").unwrap();
    assert_eq!(copied.digest, digest_of(root));
}
