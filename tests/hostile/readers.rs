//! The source files that read text from elsewhere, and the rows of the matrix that cover them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::origin::Origin;
use crate::environment::repository_root;

/// Files below `crates` that parse a document or read a header of a response, with the rows for what
/// they read. A file without rows reads nothing but numbers and fixed words, or documents of this
/// machine and of GitHub's API.
///
/// The reader of bundles has a table of its own, `tests/hostile/bundles`.
const READERS: &[(&str, &[Origin])] = &[
    ("cluster-objects/src/json_stream.rs", &[]),
    ("cluster-objects/src/manifest.rs", &[]),
    ("cluster-objects/src/object_reader.rs", &[]),
    ("bundle/src/base/inventory.rs", &[]),
    ("bundle/src/contents/document.rs", &[]),
    ("bundle/src/contents/document_reader.rs", &[]),
    ("bundle/src/contents/image.rs", &[]),
    ("bundle/src/contents/member_path.rs", &[]),
    ("bundle/src/contents/names.rs", &[]),
    ("bundle/src/image_files/docker_entry.rs", &[]),
    ("bundle/src/layout/docker_manifest.rs", &[]),
    ("bundle/src/layout/index.rs", &[]),
    ("bundle/src/plan/walk.rs", &[]),
    ("bundle/src/read/referrer.rs", &[]),
    (
        "mirror/src/commands/retrieve_tags/pull_requests/github_host.rs",
        &[],
    ),
    (
        "mirror/src/commands/retrieve_tags/pull_requests/gitlab_host.rs",
        &[],
    ),
    (
        "mirror/src/commands/retrieve_tags/pull_requests/own_commit.rs",
        &[],
    ),
    (
        "mirror/src/commands/retrieve_tags/pull_requests/pulls.rs",
        &[],
    ),
    (
        "mirror/src/commands/retrieve_tags/pull_requests/target.rs",
        &[],
    ),
    (
        "mirror/src/commands/retrieve_tags/pull_requests/writer.rs",
        &[],
    ),
    (
        "mirror/src/registries/evidence.rs",
        &[Origin::Annotation, Origin::ArtifactType],
    ),
    (
        "mirror/src/registries/signature_check.rs",
        &[Origin::Report],
    ),
    ("mirror/src/rows/copying/attached.rs", &[Origin::Report]),
    ("mirror/src/rows/copying/pulls.rs", &[Origin::Report]),
    ("mirror/src/rows/copying/report.rs", &[Origin::Report]),
    ("mirror/src/rows/copying/report_files.rs", &[Origin::Report]),
    (
        "mirror/src/rows/followed/report_entry.rs",
        &[Origin::Report],
    ),
    // A name in a plan is a host, a path, a tag or a digest by their grammars, or a problem of the file.
    ("prune-plan/src/plan_file.rs", &[]),
    ("prune-plan/src/used_images.rs", &[]),
    (
        "registry-client/src/auth/challenge.rs",
        &[Origin::Realm, Origin::Scope],
    ),
    ("registry-client/src/auth/token.rs", &[Origin::Realm]),
    ("registry-client/src/blob/requests.rs", &[Origin::Location]),
    ("registry-client/src/credentials/auth_file.rs", &[]),
    ("registry-client/src/credentials/credential.rs", &[]),
    ("registry-client/src/credentials/helper.rs", &[]),
    ("registry-client/src/credentials/pull_secret.rs", &[]),
    ("registry-client/src/error.rs", &[Origin::ErrorText]),
    ("registry-client/src/error_body.rs", &[Origin::ErrorText]),
    ("registry-client/src/exact_keys.rs", &[]),
    (
        "registry-client/src/manifest/descriptor.rs",
        &[
            Origin::Digest,
            Origin::MediaType,
            Origin::Annotation,
            Origin::Platform,
        ],
    ),
    (
        "registry-client/src/manifest/document.rs",
        &[Origin::Subject, Origin::ArtifactType],
    ),
    (
        "registry-client/src/manifest/image_config.rs",
        &[Origin::Platform],
    ),
    // URLs of a manifest and redirects of a publisher: its own tests refuse those that are not public.
    ("registry-client/src/foreign_layer/publisher.rs", &[]),
    ("registry-client/src/paging.rs", &[Origin::Link]),
    (
        "registry-client/src/referrers.rs",
        &[Origin::Digest, Origin::ArtifactType],
    ),
    ("registry-client/src/registries_conf/parse.rs", &[]),
    ("registry-client/src/tags/tag_pages.rs", &[Origin::Tag]),
    (
        "registry-client/src/transport/redirects.rs",
        &[Origin::Location],
    ),
    ("registry-client/src/vendor_api/aws_keys.rs", &[]),
    ("registry-client/src/vendor_api/github.rs", &[]),
    ("registry-client/src/vendor_api/tag_page.rs", &[Origin::Tag]),
    // The causes of the crate `signatures` hold foreign text cut and escaped.
    ("signatures/src/evidence/json.rs", &[]),
    ("signatures/src/verification/certificate.rs", &[]),
    ("tag-retrieval/src/github/release.rs", &[]),
    ("tag-retrieval/src/image_sources/image_config.rs", &[]),
    (
        "tag-retrieval/src/sources/gitlab_releases.rs",
        &[Origin::Tag],
    ),
];

/// Texts that show that a file reads a document or a header with text.
const READS: [&str; 8] = [
    "DeserializeSeed<'de> for",
    "Certificate::from_der",
    "Deserialize)]",
    "serde::Deserialize",
    "get_all(LINK)",
    "get(LOCATION)",
    "header(LOCATION",
    "get_all(WWW_AUTHENTICATE)",
];

#[test]
fn every_reader_of_foreign_text_has_its_rows() {
    let crates = repository_root().join("crates");
    let mut found = BTreeSet::new();
    for member in [
        "bundle",
        "mirror",
        "cluster-objects",
        "registry-client",
        "signatures",
        "tag-retrieval",
        "copier",
        "images-list",
        "extraction",
        "prune-plan",
    ] {
        collect(&crates.join(member).join("src"), &crates, &mut found);
    }
    let known: BTreeSet<String> = READERS.iter().map(|(file, _)| (*file).to_owned()).collect();
    let unknown: Vec<_> = found.difference(&known).collect();
    assert!(
        unknown.is_empty(),
        "these files read text from elsewhere; add the strings to tests/hostile/origin.rs, and the \
         files to READERS: {unknown:#?}"
    );
    let gone: Vec<_> = known
        .iter()
        .filter(|file| !crates.join(file).exists())
        .collect();
    assert!(gone.is_empty(), "these files do not exist: {gone:#?}");
}

fn collect(directory: &Path, crates: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, crates, found);
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        if READS.iter().any(|read| text.contains(read)) {
            let name = path.strip_prefix(crates).unwrap();
            found.insert(name.display().to_string());
        }
    }
}
