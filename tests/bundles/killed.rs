//! `mirror import` that is killed at random points.
//!
//! Takes more than 10 s: `scripts/kills` runs the long form.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::process::{Command, Stdio};

use embedded_registry::images::{Artifact, Bundle, Platform, digest_tag, sample_image};
use embedded_registry::{Registry, RunningRegistry};
use http::Method;

use super::TestBundle;
use super::test_bundle::Form;
use crate::environment::{TestEnvironment, block, kill_at_request, kills};

/// Imports that are killed, each at another point.
const KILLS: u64 = 20;
const IMAGES: u64 = 8;
/// Repositories of the images, so that some share one.
const REPOSITORIES: u64 = 3;

/// An image, its repository and its tag.
type Imported = (Bundle, String, String);

/// Digests by repository, and digests by tag.
type Content = (BTreeSet<(String, String)>, BTreeMap<String, String>);

fn images() -> Vec<Imported> {
    let platforms = [Platform::linux("amd64"), Platform::linux("arm64")];
    let image = |number: u64| {
        let image = sample_image("a", number, &platforms, 4).unwrap();
        let repository = format!("mirror/app{}", number % REPOSITORIES);
        (image, repository, format!("v{number}"))
    };
    (0..IMAGES).map(image).collect()
}

fn bundle(host: &str, images: &[Imported]) -> TestBundle {
    let mut bundle = TestBundle::new();
    for (number, (image, repository, tag)) in images.iter().enumerate() {
        let row = format!("quay.io/team/app{number} {host}/{repository} {tag}");
        let referrer = Artifact::new("application/x");
        let referrer = referrer.subject(image).blob("x/y", "sbom").build();
        let signature = Artifact::cosign_signature(image.digest());
        let signature = signature.build();
        let tag = digest_tag(image.digest(), Some("sig"));
        bundle.add_image(&row, image, &[&referrer], &[(&signature, &tag)]);
    }
    bundle
}

/// Checks that every tag has all content of its image.
fn assert_complete(registry: &RunningRegistry, images: &[Imported]) {
    for (image, repository, tag) in images {
        if registry.tagged(repository, tag).is_none() {
            continue;
        }
        for manifest in image.manifests() {
            let found = registry.manifest(repository, manifest.digest());
            assert!(found.is_some(), "{repository}:{tag} lacks a manifest");
        }
        for blob in image.blobs() {
            let found = registry.blob(repository, blob.digest());
            assert!(found.is_some(), "{repository}:{tag} lacks a blob");
        }
    }
}

/// Returns the blobs of the images and the manifests that a registry has, and its tags.
fn content(registry: &RunningRegistry, images: &[Imported]) -> Content {
    let (mut digests, mut tags) = (BTreeSet::new(), BTreeMap::new());
    for repository in registry.repositories() {
        for manifest in registry.manifests(&repository) {
            digests.insert((repository.clone(), manifest.digest.to_string()));
        }
        for tag in registry.tags(&repository) {
            let found = registry.tagged(&repository, &tag).unwrap();
            tags.insert(format!("{repository}:{tag}"), found.digest.to_string());
        }
        let blobs = images.iter().flat_map(|(image, ..)| image.blobs());
        for blob in blobs.filter(|blob| registry.blob(&repository, blob.digest()).is_some()) {
            digests.insert((repository.clone(), blob.digest().to_string()));
        }
    }
    (digests, tags)
}

/// Checks that the requests of the last run have sent no blob and no tag that was there before.
fn assert_sends_only_what_is_missing(registry: &RunningRegistry, before: &Content) {
    let requests = registry.requests().into_iter();
    for request in requests.filter(|request| request.method == Method::PUT) {
        let path = request.path.strip_prefix("/v2/").unwrap();
        let was_there = match path.split_once("/blobs/uploads/") {
            Some((repository, _)) => {
                let (_, digest) = request.query.split_once("digest=").unwrap();
                let digest = digest.split('&').next().unwrap().replace("%3A", ":");
                before.0.contains(&(repository.to_owned(), digest))
            }
            None => before.1.contains_key(&path.replace("/manifests/", ":")),
        };
        assert!(!was_there, "sent again: {request:?}");
    }
}

/// Returns an import of the file `bundle`, from standard input if it is piped.
fn import(environment: &TestEnvironment, is_piped: bool) -> Command {
    let mut command = environment.mirror_command_without_vv();
    match is_piped {
        false => command.args(["import", "bundle"]),
        true => {
            let file = File::open(environment.path("bundle")).unwrap();
            command.args(["import", "-"]).stdin(Stdio::from(file))
        }
    };
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_import_leaves_no_incomplete_tag_and_the_next_one_sends_the_rest() {
    let registry = Registry::new().access_log(100_000).start().await.unwrap();
    let images = images();
    let (kills, mut random) = kills(KILLS);
    let (mut killed, mut midway, mut resumed) = (0, 0, 0);
    for (form, is_piped) in [
        (Form::Archive, false),
        (Form::Archive, true),
        (Form::Compressed, false),
        (Form::Directory, false),
    ] {
        let environment = TestEnvironment::new();
        bundle(&registry.host(), &images).write(&environment, form);
        registry.clear();
        registry.clear_requests();
        let whole = block(|| import(&environment, is_piped).output()).unwrap();
        assert!(whole.status.success(), "{whole:?}");
        let (expected, requests) = (content(&registry, &images), registry.request_count());
        for _ in 0..kills.div_ceil(4) {
            registry.clear();
            for _ in 0..random.u64(1..4) {
                let command = import(&environment, is_piped);
                let was_killed = kill_at_request(command, &registry, random.u64(0..requests));
                killed += usize::from(was_killed);
                assert_complete(&registry, &images);
            }
            let before = content(&registry, &images);
            midway += usize::from(!before.1.is_empty() && before != expected);
            resumed += usize::from(!before.0.is_empty());
            registry.clear_requests();
            let last = block(|| import(&environment, is_piped).output()).unwrap();
            assert!(last.status.success(), "{last:?}");
            assert_eq!(content(&registry, &images), expected, "{form:?}");
            assert_sends_only_what_is_missing(&registry, &before);
        }
    }
    println!("import: {killed} kills, {resumed} resumed, {midway} with some of the tags");
    assert!(killed > 0);
    // Few kills may all come before the first blob, or before the first tag.
    assert!(kills <= KILLS || (midway > 0 && resumed > 0));
}
