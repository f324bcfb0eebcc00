//! Text of a registry with paths in place of names.

use embedded_registry::images::{Bundle, Format, Image, Index, Layer, Platform, digest_tag};
use serde_json::json;
use testkit::proxy::{Action, FaultProxy, Rule};

use super::super::run::{Run, registry, row};
use super::{hostile_registry, image, manifest_writes};

/// Makes a source list these tags.
fn show_tags(proxy: &FaultProxy, tags: &[String]) {
    let list = json!({"name": "team/app", "tags": tags}).to_string();
    proxy.add(Rule::new("GET", "/tags/list").does(Action::answer(200).body(list)));
}

#[tokio::test]
async fn digest_tags_with_paths_are_not_written() {
    let (source, proxy) = hostile_registry().await;
    let target = registry().await;
    let (image, locked) = (image(1), image(2));
    image.push(&source, "team/app", Some("v1"));
    image.push(&source, "team/app", Some("v2"));
    locked.push(&target, "mirror/app", Some("v1"));
    target.clear_requests();
    let named = digest_tag(image.digest(), None);
    let mut tags = vec![
        "v1".to_owned(),
        format!("{named}./../v1?evil"),
        format!("{named}./../../../../victim/app/manifests/prod?evil"),
        format!("{named}./../../../../../api/v2.0/users?evil"),
        format!("{named}.%2e%2e%2fv1"),
        format!("{named}.\u{1b}[31m"),
    ];
    tags.extend((0..2_000).map(|number| format!("{named}.s{number}")));
    for tag in &tags[6..] {
        image.push(&source, "team/app", Some(tag));
    }
    show_tags(&proxy, &tags);

    let mut row = row(&source, "team/app:v2", &target, "mirror/app:v2");
    row.source = format!("{}/team/app:v2", proxy.host()).parse().unwrap();
    let report = Run::default().sync(&[row]).await;

    assert_eq!(report.summary.failed, 0, "{report:#?}");
    let mut expected: Vec<_> = image
        .manifests()
        .iter()
        .map(|manifest| format!("PUT /v2/mirror/app/manifests/{}", manifest.digest()))
        .collect();
    expected.retain(|path| !path.ends_with(image.digest().as_ref()));
    expected.push("PUT /v2/mirror/app/manifests/v2".to_owned());
    expected.sort();
    assert_eq!(manifest_writes(&target), expected);
    let kept = target.tagged("mirror/app", "v1").unwrap();
    assert_eq!(&kept.digest, locked.digest(), "the tag of a locked row");
    let warnings = &report.rows[0].warnings;
    assert_eq!(warnings.len(), 2, "{warnings:#?}");
    assert!(warnings[0].contains("5 invalid entries"), "{warnings:#?}");
    assert!(warnings[1].contains("2000, the first is"), "{warnings:#?}");
    assert!(!warnings.concat().contains('\u{1b}'), "{warnings:#?}");
}

/// Returns an index with invented platforms.
fn index_of(platforms: &[Platform]) -> Bundle {
    let children = platforms.iter().enumerate().map(|(number, platform)| {
        let layer = Layer::random(number as u64, 100).unwrap();
        Image::new(Format::Oci, platform.clone())
            .layer(layer)
            .build()
    });
    children.fold(Index::new(Format::Oci), Index::child).build()
}

#[tokio::test]
async fn platforms_with_paths_get_no_arch_tags() {
    let (source, target) = (registry().await, registry().await);
    let up = "/../../../../victim/app/manifests/prod?";
    let index = index_of(&[
        Platform::windows("amd64", up),
        Platform::windows("amd64", "/../../../../../api/v2.0/users?"),
        Platform::linux("arm64"),
        Platform::linux("arm64").variant(up),
        Platform::linux("arm64").variant("-prod"),
        Platform::linux("arm64").variant("v9"),
    ]);
    index.push(&source, "team/app", Some("v1"));
    let mut run = Run::default();
    run.options.arch_tags = true;
    let report = run
        .sync(&[row(&source, "team/app:v1", &target, "mirror/app:v1")])
        .await;
    assert_eq!(report.summary.failed, 0, "{report:#?}");
    let tags = target.tags("mirror/app");
    assert_eq!(tags, ["v1", "v1-arm64", "v1-arm64v9"]);
    assert_eq!(target.repositories(), ["mirror/app"]);
    let outside = manifest_writes(&target);
    let outside: Vec<_> = outside
        .iter()
        .filter(|write| !write.starts_with("PUT /v2/mirror/app/manifests/"))
        .collect();
    assert!(outside.is_empty(), "{outside:#?}");
    let warnings = &report.rows[0].warnings;
    assert_eq!(warnings.len(), 4, "{warnings:#?}");
}
