//! The rule when a digest tag is written: approvals, signatures of others, and rows that share a
//! digest tag.

use copier::{Approval, AttachedSurvey, MovedTag, Options, Outcome, Report, Row};
use embedded_registry::images::{
    Artifact, Bundle, Format, Index, Platform, digest_tag, sample_image,
};
use embedded_registry::{Referrers, Registry, RunningRegistry};
use image_name::{AttachedDigest, Digest, DigestTagKind};

use super::run::{Run, client, count, registry, row};

fn image(seed: u64) -> Bundle {
    sample_image("app", seed, &[Platform::linux("amd64")], 1).unwrap()
}

fn digest(of: &Bundle) -> Digest {
    of.digest().try_into().unwrap()
}

/// Creates a signature of an image. Each signer makes another one.
fn signature(image: &Bundle, signer: &str) -> Bundle {
    Artifact::cosign_signature(image.digest())
        .annotation("signer", signer)
        .build()
}

fn signature_tag(image: &Bundle) -> String {
    digest_tag(image.digest(), Some("sig"))
}

fn push_signature(registry: &RunningRegistry, repository: &str, image: &Bundle, signer: &str) {
    let tag = signature_tag(image);
    signature(image, signer).push(registry, repository, Some(&tag));
}

/// Returns the signer of the signature at a registry, among those that the test uses.
fn signer(registry: &RunningRegistry, repository: &str, image: &Bundle) -> Option<&'static str> {
    let stored = registry.tagged(repository, &signature_tag(image))?;
    let signers = ["upstream", "upstream-2", "other", "company"];
    let mut signers = signers.into_iter();
    signers.find(|signer| *signature(image, signer).root().bytes() == stored.bytes)
}

fn attached(image: &Bundle, kind: DigestTagKind, content: &Bundle) -> AttachedDigest {
    AttachedDigest {
        subject: digest(image),
        kind,
        digest: digest(content),
    }
}

/// An approval of an image with the signatures of signers, the last of them approved.
fn approval(image: &Bundle, signers: &[&str]) -> Approval {
    let signatures = signers.iter().map(|signer| {
        let signature = signature(image, signer);
        attached(image, DigestTagKind::Signature, &signature)
    });
    let mut signatures: Vec<_> = signatures.collect();
    let approved = signatures.pop();
    Approval {
        attached: Some(approved.into_iter().collect()),
        replaced: signatures,
        ..Approval::from(digest(image))
    }
}

fn run(moved: MovedTag, overwrite_signatures: bool) -> Run {
    let options = Options {
        moved,
        overwrite_signatures,
        ..Options::default()
    };
    Run {
        options,
        ..Run::default()
    }
}

fn warnings(report: &Report) -> String {
    let rows = report.rows.iter();
    rows.flat_map(|row| row.warnings.clone()).collect()
}

/// The signer at the source and at the destination, those in the lock with the approved one last,
/// the run, the signer at the destination after it, and what the report has.
const CASES: &str = "
upstream    company   unlocked             plain      company     warning
upstream    company   unlocked             overwrite  upstream    -
upstream    upstream  unlocked             plain      upstream    -
upstream    -         unlocked             plain      upstream    -
upstream    -         -                    plain      upstream    added
upstream    -         -                    locked     -           added
upstream    company   -                    plain      company     added,warning
upstream-2  upstream  upstream             plain      upstream    moved
upstream-2  upstream  upstream             locked     upstream    moved
upstream-2  -         upstream             plain      -           moved,warning
upstream-2  upstream  upstream             overwrite  upstream    moved
upstream-2  upstream  upstream,upstream-2  plain      upstream-2  -
upstream-2  upstream  upstream,upstream-2  locked     upstream-2  -
upstream-2  company   upstream,upstream-2  locked     company     warning
-           -         upstream             locked     -           warning
";

fn optional(text: &str) -> Option<&str> {
    Some(text).filter(|text| *text != "-")
}

/// Returns what the report of a row has: `added`, `moved` and `warning`, or `-`.
fn reported(outcome: &Outcome) -> String {
    let attached = outcome.attached();
    let words = [
        ("added", attached.added.is_empty()),
        ("moved", attached.moved.is_empty()),
        ("warning", outcome.warnings.is_empty()),
    ];
    let words = words.into_iter().filter(|(_, is_empty)| !is_empty);
    let words: Vec<_> = words.map(|(word, _)| word).collect();
    if words.is_empty() {
        return "-".to_owned();
    }
    words.join(",")
}

async fn assert_case(case: &str) {
    let columns: Vec<_> = case.split_whitespace().collect();
    let [at_source, at_target, locked, how, want, report]: [&str; 6] = columns.try_into().unwrap();
    let image = image(1);
    let (source, target) = (registry().await, registry().await);
    image.push(&source, "app", Some("v1"));
    image.push(&target, "mirror/app", Some("v1"));
    if let Some(signer) = optional(at_source) {
        push_signature(&source, "app", &image, signer);
    }
    if let Some(signer) = optional(at_target) {
        push_signature(&target, "mirror/app", &image, signer);
    }
    let mut rows = [row(&source, "app:v1", &target, "mirror/app:v1")];
    rows[0].approved = (locked != "unlocked").then(|| {
        let signers: Vec<_> = optional(locked)
            .into_iter()
            .flat_map(|it| it.split(','))
            .collect();
        Box::new(approval(&image, &signers))
    });
    let run = match how {
        "plain" => run(MovedTag::Kept, false),
        "overwrite" => run(MovedTag::Kept, true),
        _ => run(MovedTag::Refused, false),
    };
    for _ in 0..2 {
        let done = run.sync(&rows).await;
        let outcome = &done.rows[0];
        assert!(outcome.error.is_none(), "{case}: {outcome:#?}");
        let got = signer(&target, "mirror/app", &image);
        assert_eq!(got, optional(want), "{case}");
        assert_eq!(reported(outcome), report, "{case}: {outcome:#?}");
        let is_ours = want != "company" && want != "-";
        let is_present = !outcome.attached().present.is_empty();
        assert_eq!(is_present, is_ours, "{case}: {outcome:#?}");
    }
}

#[tokio::test]
async fn signature_is_overwritten_only_if_an_earlier_run_wrote_it() {
    for case in CASES.trim().lines() {
        assert_case(case).await;
    }
}

#[tokio::test]
async fn mutable_row_follows_a_signature_that_it_brought() {
    let image = image(1);
    for (brought, want) in [(&["upstream"][..], "upstream-2"), (&[], "upstream")] {
        let (source, target) = (registry().await, registry().await);
        image.push(&source, "app", Some("v1"));
        push_signature(&source, "app", &image, "upstream-2");
        push_signature(&target, "mirror/app", &image, "upstream");
        let mut rows = [row(&source, "app:v1", &target, "mirror/app:v1")];
        rows[0].approved = Some(Box::new(Approval {
            mutable: true,
            ..approval(&image, brought)
        }));
        let report = run(MovedTag::Refused, false).sync(&rows).await;
        assert_eq!(
            signer(&target, "mirror/app", &image),
            Some(want),
            "{report:#?}"
        );
        assert_eq!(report.rows[0].attached().moved, []);
    }
}

#[tokio::test]
async fn rows_with_one_digest_tag_do_not_overwrite_each_other() {
    let image = image(1);
    for overwrite in [false, true] {
        let (source, target) = (registry().await, registry().await);
        for (repository, signer) in [("app", "upstream"), ("fork", "other")] {
            image.push(&source, repository, Some("v1"));
            push_signature(&source, repository, &image, signer);
        }
        let rows = [
            row(&source, "app:v1", &target, "mirror/app:v1"),
            row(&source, "fork:v1", &target, "mirror/app:v2"),
        ];
        let report = run(MovedTag::Kept, overwrite).sync(&rows).await;
        assert_eq!(report.summary.failed, 0, "{report:#?}");
        let first = signer(&target, "mirror/app", &image).unwrap();
        assert!(
            warnings(&report).contains("another row of this run has"),
            "{report:#?}"
        );
        // With the option, the first source of the destination wins, in every run.
        let winner = if overwrite { "upstream" } else { first };
        run(MovedTag::Kept, overwrite).sync(&rows).await;
        for _ in 0..2 {
            target.clear_requests();
            let report = run(MovedTag::Kept, overwrite).sync(&rows).await;
            assert_eq!(report.summary.unchanged, 2, "{report:#?}");
            assert_eq!(count(&target, "PUT", "/"), 0, "overwrite: {overwrite}");
            assert_eq!(signer(&target, "mirror/app", &image), Some(winner));
            assert!(
                warnings(&report).contains("is not overwritten"),
                "{report:#?}"
            );
        }
    }
}

#[tokio::test]
async fn index_that_names_a_public_digest_overwrites_none_of_its_digest_tags() {
    let victim = image(1);
    let hostile = Index::new(Format::Oci).child(victim.clone()).build();
    for overwrite in [false, true] {
        let (source, target) = (registry().await, registry().await);
        victim.push(&source, "app", Some("v1"));
        push_signature(&source, "app", &victim, "upstream");
        hostile.push(&source, "hostile", Some("v1"));
        push_signature(&source, "hostile", &victim, "other");
        let honest = row(&source, "app:v1", &target, "mirror/app:v1");
        run(MovedTag::Kept, false)
            .sync(std::slice::from_ref(&honest))
            .await;
        let hostile = row(&source, "hostile:v1", &target, "mirror/app:hostile");
        for _ in 0..3 {
            let rows = [honest.clone(), hostile.clone()];
            let report = run(MovedTag::Kept, overwrite).sync(&rows).await;
            assert_eq!(report.summary.failed, 0, "{report:#?}");
            assert_eq!(signer(&target, "mirror/app", &victim), Some("upstream"));
            let warnings = report.rows[1].warnings.concat();
            let tag = signature_tag(&victim);
            assert!(
                warnings.contains(&format!("the tag {tag} is not overwritten")),
                "{warnings}"
            );
        }
    }
}

#[tokio::test]
async fn locked_row_copies_only_approved_referrers() {
    let image = image(1);
    let sbom = |text: &str| {
        let sbom = Artifact::new("application/spdx+json").subject(&image);
        sbom.blob("text/spdx", text.to_owned()).build()
    };
    let (known, new) = (sbom("known"), sbom("new"));
    for (moved, copied) in [(MovedTag::Kept, true), (MovedTag::Refused, false)] {
        let (source, target) = (registry().await, registry().await);
        image.push(&source, "app", Some("v1"));
        known.push(&source, "app", None);
        new.push(&source, "app", None);
        let mut rows = [row(&source, "app:v1", &target, "mirror/app:v1")];
        rows[0].approved = Some(Box::new(Approval {
            attached: Some(vec![attached(&image, DigestTagKind::Referrers, &known)]),
            ..Approval::from(digest(&image))
        }));
        let report = run(moved, false).sync(&rows).await;
        let outcome = report.rows[0].attached();
        assert!(target.manifest("mirror/app", known.digest()).is_some());
        assert_eq!(
            target.manifest("mirror/app", new.digest()).is_some(),
            copied
        );
        assert_eq!(outcome.added.len(), 1, "{outcome:#?}");
        assert_eq!(outcome.added[0].attached.digest, digest(&new));
        assert_eq!(outcome.added[0].copied, copied);
        assert_eq!(outcome.present.len(), 1 + usize::from(copied));
    }
}

async fn without_api() -> RunningRegistry {
    let registry = Registry::new().referrers(Referrers::Missing);
    registry.access_log(10_000).start().await.unwrap()
}

#[tokio::test]
async fn rows_with_one_subject_extend_one_tag_schema() {
    let image = image(1);
    let (source, target) = (registry().await, without_api().await);
    let mut rows: Vec<Row> = Vec::new();
    for number in 0..8 {
        let repository = format!("app-{number}");
        image.push(&source, &repository, Some("v1"));
        let sbom = Artifact::new("application/spdx+json").subject(&image);
        let sbom = sbom.blob("text/spdx", repository.clone()).build();
        sbom.push(&source, &repository, None);
        rows.push(row(
            &source,
            &format!("{repository}:v1"),
            &target,
            &format!("mirror/app:v{number}"),
        ));
    }
    Run::default().sync(&rows).await;
    let index = target.tagged("mirror/app", &digest_tag(image.digest(), None));
    let index: serde_json::Value = serde_json::from_slice(&index.unwrap().bytes).unwrap();
    assert_eq!(index["manifests"].as_array().unwrap().len(), 8, "{index:#}");
}

#[tokio::test]
async fn tag_that_is_no_list_of_referrers_is_not_overwritten() {
    let image = image(1);
    for (overwrite, kept) in [(false, true), (true, false)] {
        let (source, target) = (registry().await, without_api().await);
        image.push(&source, "app", Some("v1"));
        let sbom = Artifact::new("application/spdx+json").subject(&image);
        sbom.blob("text/spdx", "sbom")
            .build()
            .push(&source, "app", None);
        let own = Artifact::new("application/own").blob("a/b", "own").build();
        let tag = digest_tag(image.digest(), None);
        own.push(&target, "mirror/app", Some(&tag));
        let rows = [row(&source, "app:v1", &target, "mirror/app:v1")];
        let report = run(MovedTag::Kept, overwrite).sync(&rows).await;
        assert_eq!(report.summary.failed, 0, "{report:#?}");
        let stored = target.tagged("mirror/app", &tag).unwrap().bytes;
        assert_eq!(stored == *own.root().bytes(), kept);
        let warnings = warnings(&report);
        assert_eq!(
            warnings.contains("which is no list of referrers"),
            kept,
            "{warnings}"
        );
    }
}

#[tokio::test]
async fn survey_finds_what_a_run_copies() {
    let platforms = [Platform::linux("amd64"), Platform::linux("arm64")];
    let image = sample_image("app", 1, &platforms, 1).unwrap();
    for source in [registry().await, without_api().await] {
        let target = registry().await;
        image.push(&source, "app", Some("v1"));
        push_signature(&source, "app", &image, "upstream");
        let child = image.manifests()[0].digest().clone();
        let signed = Artifact::cosign_signature(&child).build();
        signed.push(&source, "app", Some(&digest_tag(&child, Some("att"))));
        let sbom = Artifact::new("application/spdx+json").subject(&image);
        let sbom = sbom.blob("text/spdx", "sbom").build();
        sbom.push(&source, "app", None);
        let index = serde_json::json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": [sbom.descriptor()],
        });
        let index = Bundle::verbatim("application/vnd.oci.image.index.v1+json", index.to_string());
        index.push(&source, "app", Some(&digest_tag(image.digest(), None)));
        let of_sbom = Artifact::cosign_signature(sbom.digest()).build();
        of_sbom.push(
            &source,
            "app",
            Some(&digest_tag(sbom.digest(), Some("sig"))),
        );

        let rows = [row(&source, "app:v1", &target, "mirror/app:v1")];
        let report = Run::default().sync(&rows).await;
        let mut present = report.rows[0].attached().present.clone();
        present.sort();
        assert_eq!(present.len(), 4, "{report:#?}");
        let client = client();
        let sources = client.sources(&rows[0].source).unwrap();
        let tag: image_name::ManifestReference = "v1".parse().unwrap();
        let head = sources[0].head_manifest(&tag).await.unwrap().unwrap();
        let survey = AttachedSurvey::default();
        source.clear_requests();
        for _ in 0..2 {
            let found = survey.attached_to(&sources[0], &head).await.unwrap();
            assert_eq!(found, present);
        }
        assert_eq!(count(&source, "GET", "/tags/list"), 1);
        assert_eq!(count(&source, "GET", "/manifests/sha256:"), 1, "the index");
    }
}
