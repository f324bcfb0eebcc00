//! The content of the images.

use bundle::contents::{Member, MemberPath, Requirement};
use embedded_registry::images::{Artifact, Bundle, Platform, digest_tag, sample_image};

use super::forgery::{FIRST_BLOB, with_manifest};
use super::{Row, row};

#[expect(clippy::too_many_lines, reason = "one table")]
pub(super) fn rows() -> Vec<Row> {
    vec![
        row(
            "damaged manifest",
            |mut it| {
                it.members[FIRST_BLOB].1[0] ^= 1;
                it.archive()
            },
            "is damaged: its digest is",
        ),
        row(
            "damaged layer",
            |mut it| {
                it.members.last_mut().unwrap().1[0] ^= 1;
                it.archive()
            },
            "is damaged: its digest is",
        ),
        row(
            "manifest is no manifest",
            |it| with_manifest(it, "{}"),
            "not a valid manifest",
        ),
        row(
            "manifest nested too deep",
            |it| with_manifest(it, &format!("{{\"manifests\":{}", "[".repeat(200_000))),
            "not a valid manifest",
        ),
        row(
            "manifest of 9 MiB",
            |it| {
                with_manifest(
                    it,
                    &format!(
                        "{{\"schemaVersion\":2,\"manifests\":[]{}}}",
                        " ".repeat(9 << 20)
                    ),
                )
            },
            "more than the maximum of",
        ),
        row(
            "schema 1",
            |it| with_manifest(it, r#"{"schemaVersion":1,"fsLayers":[]}"#),
            "schema 1",
        ),
        row(
            "child that is not there",
            |it| {
                with_manifest(
                    it,
                    &format!(
                        r#"{{"schemaVersion":2,"manifests":[{{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:{}","size":3}}]}}"#,
                        "3".repeat(64)
                    ),
                )
            },
            "neither in the bundle nor required",
        ),
        row(
            "digest of another algorithm",
            |it| {
                with_manifest(
                    it,
                    r#"{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"md5:aaaa","size":3}]}"#,
                )
            },
            "cannot be verified",
        ),
        row(
            "size of a child",
            |it| {
                let member = it.contents.members.last().unwrap();
                let (digest, size) = (member.digest.to_string(), member.size + 1);
                with_manifest(
                    it,
                    &format!(
                        r#"{{"schemaVersion":2,"manifests":[{{"mediaType":"x/y","digest":"{digest}","size":{size}}}]}}"#
                    ),
                )
            },
            "bytes, and it has",
        ),
        row(
            "large index of many images",
            |mut it| {
                let child = format!(
                    r#"{{"mediaType":"x/y","digest":"sha256:{}","size":1}}"#,
                    "4".repeat(64)
                );
                let index = format!(
                    r#"{{"schemaVersion":2,"manifests":[{}]}}"#,
                    vec![child; 20_000].join(",")
                );
                let index = Bundle::verbatim("application/vnd.oci.image.index.v1+json", index);
                let host = it.contents.images[0].destination.host().to_string();
                it.contents.images.clear();
                for number in 0..1_001 {
                    let row = format!("quay.io/team/app {host}/mirror/app v{number}");
                    it.add_image(&row, &index, &[], &[]);
                }
                // As if the export had selected a platform, so that the children may be absent.
                for image in &mut it.contents.images {
                    image.platforms = vec!["linux/amd64".to_owned()];
                }
                it.archive()
            },
            "refer to content more than 20000000 times",
        ),
        row(
            "required content of no image",
            |mut it| {
                let digest = format!("sha256:{}", "5".repeat(64)).parse().unwrap();
                it.contents.requires.push(Requirement {
                    digest,
                    size: 1,
                    media_type: None,
                    repositories: vec!["r.io/a".parse().unwrap()],
                    base: "inventory.json".to_owned(),
                });
                it.archive()
            },
            "belongs to no image",
        ),
        row(
            "member of no image",
            |mut it| {
                let bytes = b"stowaway";
                let path = MemberPath::blob(registry_client::sha256_digest(bytes));
                it.contents.members.push(Member {
                    digest: registry_client::sha256_digest(bytes),
                    size: bytes.len() as u64,
                    path: path.clone(),
                });
                it.members.push((path.to_string(), bytes.to_vec()));
                it.archive()
            },
            "belongs to no image",
        ),
        row(
            "referrer of another subject",
            |mut it| {
                let host = it.contents.images[0].destination.host().to_string();
                let other = sample_image("c", 1, &[Platform::linux("amd64")], 1).unwrap();
                let subject = sample_image("d", 1, &[Platform::linux("amd64")], 1).unwrap();
                let referrer = Artifact::new("application/z").subject(&subject).build();
                it.add_image(
                    &format!("q.io/c {host}/mirror/c v1"),
                    &other,
                    &[&referrer],
                    &[],
                );
                it.archive()
            },
            "names another subject",
        ),
        row(
            "damaged signature",
            |mut it| {
                let digest = it.contents.images[0].digest.to_string();
                let other = Artifact::cosign_signature(&digest.parse().unwrap()).build();
                let host = it.contents.images[0].destination.host().to_string();
                let image = Artifact::new("application/e").build();
                let tag = digest_tag(image.digest(), Some("sig"));
                it.add_image(
                    &format!("q.io/e {host}/mirror/e v1"),
                    &image,
                    &[],
                    &[(&other, &tag)],
                );
                it.members.last_mut().unwrap().1.push(b'x');
                it.archive()
            },
            "and mirror.json lists",
        ),
    ]
}
