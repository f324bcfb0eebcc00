//! A list of 60 rows goes through a bundle: other clients find at the far side what the sources have.
//!
//! Takes more than 10 s: other clients read every image.

mod rows;

use std::collections::{BTreeMap, BTreeSet};

use embedded_registry::{Referrers, Registry, RunningRegistry};
use serde_json::Value;
use testkit::FileServer;
use testkit::clients::Crane;

use self::rows::{ListedRow, Sources, foreign_content};
use crate::environment::{CommandOutput, TestEnvironment, block, complete_tags};

/// Returns the referrers of a manifest by their artifact types, as oras lists them.
fn referrers(environment: &TestEnvironment, image: &str) -> BTreeMap<String, String> {
    let mut command = environment.command_for(testkit::program("oras"));
    command.args([
        "discover",
        "--plain-http",
        "--depth",
        "1",
        "--format",
        "json",
        image,
    ]);
    let output = block(|| command.output().unwrap());
    let listed: Value = CommandOutput::new(output).exits(0).json();
    let listed = listed["referrers"].as_array().into_iter().flatten();
    let fields =
        |it: &Value| ["artifactType", "digest"].map(|key| it[key].as_str().unwrap().to_owned());
    listed
        .map(fields)
        .map(|[kind, digest]| (kind, digest))
        .collect()
}

/// Returns `NAME:TAG` or `NAME@DIGEST`.
fn image(name: &str, reference: &str) -> String {
    let separator = if reference.contains(':') { '@' } else { ':' };
    format!("{name}{separator}{reference}")
}

/// Asserts that crane finds the digest of the source under each written tag.
async fn assert_digests(rows: &[ListedRow], far_side: &RunningRegistry) {
    let crane = Crane::new();
    for row in rows {
        let (host, repository) = &row.source;
        let source = image(&format!("{host}/{repository}"), &row.reference);
        let expected = crane.digest(&source).await.unwrap();
        for written in &row.written {
            let name = format!("{}/{}", far_side.host(), row.destination());
            let found = crane.digest(&image(&name, written)).await;
            assert_eq!(found.unwrap(), expected, "{row:?}");
        }
    }
}

/// Asserts that oras lists the referrers of the source. Returns their number.
fn assert_referrers(
    environment: &TestEnvironment,
    rows: &[ListedRow],
    far_side: &RunningRegistry,
) -> usize {
    let mut count = 0;
    for row in rows {
        for subject in &row.subjects {
            let (host, repository) = &row.source;
            let expected = referrers(environment, &format!("{host}/{repository}@{subject}"));
            let name = format!("{}/{}", far_side.host(), row.destination());
            let found = referrers(environment, &format!("{name}@{subject}"));
            assert_eq!(found, expected, "{row:?}");
            count += found.len();
        }
    }
    count
}

#[tokio::test(flavor = "multi_thread")]
async fn list_of_every_kind_arrives_as_other_clients_see_it() {
    let environment = TestEnvironment::new();
    let publisher = FileServer::start(&environment.path("")).await;
    environment.write("layer", foreign_content());
    let sources = Sources::start(format!("{}/layer", publisher.url())).await;
    let rows = sources.push_all();
    assert_eq!(rows.len(), 60);
    let entries: usize = rows.iter().map(|row| row.written.len()).sum();
    let mut bundle = "bundle.tar";
    for referrers in [Referrers::Api, Referrers::Missing] {
        let far_side = Registry::new().referrers(referrers).start().await.unwrap();
        let list = rows.iter().map(|row| row.line(&far_side.host()));
        environment.write("images-list", list.collect::<String>());
        let options = format!("--foreign-layers --insecure {}", publisher.address());
        let export = format!("export {bundle} {options} --output json");
        let exported = environment.mirror(&export).exits(0).json();
        assert_eq!(exported["summary"]["exported"], entries, "{exported}");
        environment
            .mirror(&format!("bundle verify {bundle}"))
            .exits(0);
        let import = environment.mirror(&format!("import {bundle} --output json"));
        let imported = import.exits(0).json();
        assert_eq!(imported["summary"]["copied"], entries, "{imported}");

        let compared = environment.mirror("compare --output json").exits(0).json();
        let compared = compared["rows"].as_array().unwrap().iter();
        assert_eq!(
            compared.filter(|row| row["status"] == "same").count(),
            entries
        );
        assert_digests(&rows, &far_side).await;
        assert_eq!(assert_referrers(&environment, &rows, &far_side), 36);
        let repositories: BTreeSet<_> = rows.iter().map(ListedRow::destination).collect();
        let repositories: Vec<_> = repositories.into_iter().collect();
        // Everything under each tag is there: foreign layers and digest tags too.
        let tags = complete_tags(&far_side.host(), &repositories).await;
        let digest_tags = tags.keys().filter(|name| name.contains(":sha256-"));
        let fallback = match referrers {
            Referrers::Api => 0,
            _ => 36,
        };
        assert!(digest_tags.count() >= 12 + fallback, "{tags:?}");
        bundle = "directory";
    }
}
