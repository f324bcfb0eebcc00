//! Changes of an honest bundle.

use bundle::contents::{BundledImage, Contents};
use embedded_registry::images::Bundle;
use serde_json::Value;
use tar::{EntryType, Header};

use crate::bundles::{TestBundle, append, ended, header};

/// The index of the first blob: `oci-layout` and `index.json` come before it.
pub(super) const FIRST_BLOB: usize = 2;

/// Returns the archive with another `mirror.json`.
pub(super) fn with_document(bundle: &TestBundle, change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut document: Value = serde_json::from_slice(&bundle.document()).unwrap();
    change(&mut document);
    with_text(bundle, &document.to_string())
}

pub(super) fn with_text(bundle: &TestBundle, document: &str) -> Vec<u8> {
    let mut archive = Vec::new();
    append(
        &mut archive,
        &header("mirror.json", document.len()),
        document.as_bytes(),
    );
    for (path, bytes) in &bundle.members {
        append(&mut archive, &header(path, bytes.len()), bytes);
    }
    ended(archive)
}

/// Returns the archive with another header before the first blob.
pub(super) fn with_header(bundle: &TestBundle, change: impl FnOnce(&mut Header)) -> Vec<u8> {
    let mut archive = Vec::new();
    let document = bundle.document();
    append(
        &mut archive,
        &header("mirror.json", document.len()),
        &document,
    );
    let mut change = Some(change);
    for (index, (path, bytes)) in bundle.members.iter().enumerate() {
        let mut header = header(path, bytes.len());
        if index == FIRST_BLOB {
            (change.take().unwrap())(&mut header);
            header.set_cksum();
        }
        append(&mut archive, &header, bytes);
    }
    ended(archive)
}

/// Returns the archive with a member of another kind before the first blob.
pub(super) fn with_entry(bundle: &TestBundle, path: &str, kind: u8, content: &[u8]) -> Vec<u8> {
    let mut archive = Vec::new();
    let document = bundle.document();
    append(
        &mut archive,
        &header("mirror.json", document.len()),
        &document,
    );
    for (index, (name, bytes)) in bundle.members.iter().enumerate() {
        if index == FIRST_BLOB {
            let mut extra = header("x", content.len());
            extra.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
            extra.set_entry_type(EntryType::new(kind));
            if kind == b'1' || kind == b'2' {
                extra.set_link_name("/etc/passwd").unwrap();
            }
            extra.set_cksum();
            append(&mut archive, &extra, content);
        }
        append(&mut archive, &header(name, bytes.len()), bytes);
    }
    ended(archive)
}

/// Returns the archive with a long name of GNU tar before a member with the start of that name.
pub(super) fn with_long_member(bundle: &TestBundle, name: &[u8]) -> Vec<u8> {
    let mut archive = Vec::new();
    let document = bundle.document();
    append(
        &mut archive,
        &header("mirror.json", document.len()),
        &document,
    );
    let mut long = header("x", name.len());
    long.as_old_mut().name[..13].copy_from_slice(b"././@LongLink");
    long.set_entry_type(EntryType::GNULongName);
    long.set_cksum();
    append(&mut archive, &long, name);
    let mut member = header("x", 1);
    member.as_old_mut().name.copy_from_slice(&name[..100]);
    member.set_cksum();
    append(&mut archive, &member, b"x");
    for (path, bytes) in &bundle.members {
        append(&mut archive, &header(path, bytes.len()), bytes);
    }
    ended(archive)
}

pub(super) fn image(contents: &mut Contents) -> &mut BundledImage {
    &mut contents.images[0]
}

/// Adds a manifest with these bytes as the image.
pub(super) fn with_manifest(mut bundle: TestBundle, text: &str) -> Vec<u8> {
    let host = bundle.contents.images[0].destination.host().to_string();
    let manifest = Bundle::verbatim("application/vnd.oci.image.index.v1+json", text.to_owned());
    bundle.contents.images.clear();
    let row = format!("quay.io/team/app {host}/mirror/app v1");
    bundle.add_image(&row, &manifest, &[], &[]);
    bundle.archive()
}

pub(super) fn members(document: &mut Value) -> &mut Vec<Value> {
    document["members"].as_array_mut().unwrap()
}
