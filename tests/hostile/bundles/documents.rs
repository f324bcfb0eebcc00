//! `mirror.json`.

use embedded_registry::images::{Artifact, sample_image};
use serde_json::json;

use super::forgery::{FIRST_BLOB, image, members, with_document, with_text};
use super::{Row, row};

#[expect(clippy::too_many_lines, reason = "one table")]
pub(super) fn rows() -> Vec<Row> {
    vec![
        row(
            "no JSON",
            |it| with_text(&it, "<html>"),
            "mirror.json is not valid",
        ),
        row(
            "not UTF-8",
            |it| {
                let mut archive = it.archive();
                archive[600] = 0xff;
                archive
            },
            "mirror.json is not valid",
        ),
        row(
            "nested too deep",
            |it| with_text(&it, &"[".repeat(100_000)),
            "mirror.json is not valid",
        ),
        row(
            "later version",
            |it| with_document(&it, |it| it["formatVersion"] = json!(2)),
            "format version 2",
        ),
        row(
            "unknown key",
            |it| with_document(&it, |it| it["script"] = json!("rm")),
            "unknown field `script`",
        ),
        row(
            "member twice in the list",
            |it| {
                with_document(&it, |it| {
                    let first = members(it)[0].clone();
                    members(it).push(first);
                })
            },
            "more than once",
        ),
        row(
            "member outside",
            |it| with_document(&it, |it| members(it)[0]["path"] = json!("../../etc/passwd")),
            "no member of a bundle",
        ),
        row(
            "negative size",
            |it| with_document(&it, |it| members(it)[0]["size"] = json!(-1)),
            "mirror.json is not valid",
        ),
        row(
            "sizes of 2^64 in all",
            |it| {
                with_document(&it, |it| {
                    members(it)[0]["size"] = json!(u64::MAX >> 1);
                    members(it)[1]["size"] = json!(u64::MAX >> 1);
                })
            },
            "more than 2^63 bytes",
        ),
        row(
            "blob under another name",
            |it| {
                with_document(&it, |it| {
                    members(it)[FIRST_BLOB]["digest"] = json!(format!("sha256:{}", "0".repeat(64)));
                })
            },
            "another digest than its name",
        ),
        row(
            "destination upwards",
            |it| {
                with_document(&it, |it| {
                    it["images"][0]["destination"] = json!("r.io/../admin");
                })
            },
            "mirror.json is not valid",
        ),
        row(
            "destination with a terminal sequence",
            |it| {
                with_document(&it, |it| {
                    it["images"][0]["destination"] = json!("r.io/a\u{1b}[2J");
                })
            },
            "mirror.json is not valid",
        ),
        row(
            "image that is not there",
            |mut it| {
                image(&mut it.contents).digest =
                    format!("sha256:{}", "1".repeat(64)).parse().unwrap();
                it.archive()
            },
            "neither has nor requires",
        ),
        row(
            "size of an image",
            |mut it| {
                image(&mut it.contents).size += 1;
                it.archive()
            },
            "bytes there and",
        ),
        row(
            "two contents of one tag",
            |mut it| {
                let mut other = it.contents.images[0].clone();
                let member = it.contents.members.last().unwrap();
                (other.digest, other.size) = (member.digest.clone(), member.size);
                it.contents.images.push(other);
                it.archive()
            },
            "two images have the destination",
        ),
        row(
            "attached tag of another image",
            |mut it| {
                let signature =
                    Artifact::cosign_signature(sample_image("b", 1, &[], 1).unwrap().digest())
                        .build();
                let host = image(&mut it.contents).destination.host().to_string();
                let other = Artifact::new("application/y").build();
                it.add_image(
                    &format!("q.io/x {host}/mirror/x v1"),
                    &other,
                    &[],
                    &[(&signature, "latest")],
                );
                it.archive()
            },
            "latest is no tag about the digest",
        ),
        row(
            "digest as the destination of another",
            |mut it| {
                let other = format!("sha256:{}", "2".repeat(64));
                image(&mut it.contents).destination_tag = other.parse().unwrap();
                it.archive()
            },
            "is not the digest",
        ),
        row(
            "required from nowhere",
            |mut it| {
                let digest = it.contents.members.last().unwrap().digest.to_string();
                it.require(&digest, &[]);
                it.archive()
            },
            "no repository is named",
        ),
    ]
}
