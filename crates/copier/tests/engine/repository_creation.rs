//! The creation of destination repositories through vendors' APIs.

use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use copier::{Approval, MovedTag, Report, Row, RowError, Status};
use embedded_registry::RunningRegistry;
use embedded_registry::images::{Platform, sample_image};
use registry_client::credentials::{CredentialFile, CredentialSources, CredentialStore, Helpers};
use registry_client::registries_conf::RegistriesConf;
use registry_client::{AwsCredentials, Client, CreationApi, HostToken, VendorCredentials};
use serde_json::json;
use testkit::vendors::{FakeVendor, RunningVendor, Vendor};

use super::run::{Run, registry};

const ECR_HOST: &str = "123456789012.dkr.ecr.eu-central-1.amazonaws.com";

const VENDORS: [(Vendor, CreationApi); 4] = [
    (Vendor::Ecr, CreationApi::Ecr),
    (Vendor::Harbor, CreationApi::Harbor),
    (Vendor::GitLab, CreationApi::GitLab),
    (Vendor::Quay, CreationApi::Quay),
];

/// A source with `app:v1` and `app:v2`, and the registry of a vendor.
struct CreationTest {
    source: RunningRegistry,
    vendor: RunningVendor,
    api: CreationApi,
}

impl CreationTest {
    async fn new(vendor: FakeVendor, api: CreationApi) -> Self {
        let source = registry().await;
        for (tag, number) in [("v1", 1), ("v2", 2)] {
            let image = sample_image("app", number, &[Platform::linux("amd64")], 2).unwrap();
            image.push(&source, "app", Some(tag));
        }
        Self {
            source,
            vendor: vendor.start().await,
            api,
        }
    }

    /// Returns a client with the credentials of the vendor.
    fn client(&self) -> Client {
        let (user, password) = RunningVendor::login();
        let host = self.vendor.host();
        let auth = BASE64_STANDARD.encode(format!("{user}:{password}"));
        let file = json!({"auths": {&host: {"auth": auth}}}).to_string();
        let credentials = CredentialStore::new(CredentialSources {
            files: vec![CredentialFile::inline("test", file.into())],
            helpers: Helpers::new(""),
        });
        let conf = format!(
            "[[registry]]\nprefix = \"{ECR_HOST}\"\nlocation = \"{host}\"\n\
             [[registry]]\nprefix = \"docker.io\"\nlocation = \"{host}\"\n"
        );
        Client::builder()
            .registries_conf(RegistriesConf::parse(&conf).unwrap())
            .credentials(credentials)
            .vendor_credentials(VendorCredentials {
                aws: AwsCredentials {
                    access_key_id: Some(RunningVendor::access_key().to_owned()),
                    secret_access_key: Some(password.to_owned().into()),
                    ..AwsCredentials::default()
                },
                gitlab: None,
                quay: Some(HostToken {
                    host,
                    token: password.to_owned().into(),
                }),
            })
            .build()
    }

    /// Returns the host of the destination in the list.
    fn host(&self) -> String {
        match self.api {
            CreationApi::Ecr => ECR_HOST.to_owned(),
            _ => self.vendor.host(),
        }
    }

    /// Returns the row of `app:TAG` at the source, whose destination is created.
    fn row(&self, tag: &str, destination: &str) -> Row {
        let mut row = self.plain_row(tag, destination);
        Arc::make_mut(&mut row.settings).creation = Some(self.api);
        row
    }

    fn plain_row(&self, tag: &str, destination: &str) -> Row {
        Row::new(
            format!("{}/app:{tag}", self.source.host()).parse().unwrap(),
            format!("{}/{destination}:{tag}", self.host())
                .parse()
                .unwrap(),
        )
    }

    async fn sync(&self, rows: &[Row]) -> Report {
        let run = Run::default().without_referrers();
        run.sync_by(&self.client(), rows).await
    }

    /// Returns the number of requests that create.
    fn creations(&self) -> usize {
        let calls = self.vendor.calls();
        calls.iter().filter(|call| call.starts_with("POST")).count()
    }
}

fn statuses(report: &Report) -> Vec<Status> {
    report.rows.iter().map(|row| row.status).collect()
}

fn errors(report: &Report) -> Vec<String> {
    let errors = report.rows.iter().filter_map(|row| row.error.as_ref());
    errors.map(ToString::to_string).collect()
}

#[tokio::test]
async fn repository_is_created_once_before_the_first_upload() {
    for (vendor, api) in VENDORS {
        let test = CreationTest::new(FakeVendor::new(vendor), api).await;
        let rows = [test.row("v1", "team/app"), test.row("v2", "team/app")];
        let report = test.sync(&rows).await;
        assert_eq!(
            statuses(&report),
            [Status::Copied; 2],
            "{api}: {:?}",
            errors(&report)
        );
        let path = if api == CreationApi::Harbor {
            "team"
        } else {
            "team/app"
        };
        assert_eq!(test.vendor.created(), [path], "{api}");
        assert_eq!(test.creations(), 1, "{api}: {:?}", test.vendor.calls());
        let name = format!("{}/{path}", test.host());
        assert_eq!(report.vendor_changes.created, [name], "{api}");

        let calls = test.vendor.calls().len();
        let report = test.sync(&rows).await;
        assert_eq!(statuses(&report), [Status::Unchanged; 2], "{api}");
        assert_eq!(
            test.vendor.calls().len(),
            calls,
            "{api}: the repository is known"
        );
        assert!(report.vendor_changes.created.is_empty(), "{api}");
    }
}

#[tokio::test]
async fn nothing_is_created_in_a_dry_run() {
    for (vendor, api) in VENDORS {
        let test = CreationTest::new(FakeVendor::new(vendor), api).await;
        let rows = [test.row("v1", "team/app"), test.row("gone", "team/other")];
        let mut run = Run::default().without_referrers();
        run.options.dry_run = true;
        let report = run.sync_by(&test.client(), &rows).await;
        assert_eq!(statuses(&report), [Status::Copied, Status::Failed], "{api}");
        assert!(
            test.vendor.calls().is_empty(),
            "{api}: {:?}",
            test.vendor.calls()
        );
    }
}

#[tokio::test]
async fn nothing_is_created_for_rows_that_fail_before_their_upload() {
    for (vendor, api) in VENDORS {
        let test = CreationTest::new(FakeVendor::new(vendor), api).await;
        let schema_1 = r#"{"schemaVersion":1,"name":"app","tag":"old","fsLayers":[],"history":[]}"#;
        let media_type = "application/vnd.docker.distribution.manifest.v1+prettyjws";
        test.source
            .put_manifest("app", Some("old"), media_type, schema_1.into());
        let broken = "not a manifest".into();
        test.source
            .put_manifest("app", Some("broken"), "application/json", broken);
        let mut moved = test.row("v1", "team/moved");
        let other = format!("sha256:{}", "a".repeat(64));
        let other: image_name::Digest = other.parse().unwrap();
        moved.approved = Some(Box::new(Approval::from(other)));
        let rows = [
            test.row("gone", "team/gone"),
            test.row("old", "team/old"),
            test.row("broken", "team/broken"),
            moved,
        ];
        let mut run = Run::default().without_referrers();
        run.options.moved = MovedTag::Refused;
        let report = run.sync_by(&test.client(), &rows).await;
        assert_eq!(statuses(&report), [Status::Failed; 4], "{api}");
        assert!(
            test.vendor.calls().is_empty(),
            "{api}: {:?}",
            test.vendor.calls()
        );
        let errors = errors(&report);
        assert!(
            !errors.iter().any(|error| error.contains("destination")),
            "{errors:?}"
        );
    }
}

#[tokio::test]
async fn row_without_permission_to_create_fails_and_sends_nothing_to_the_api() {
    for (vendor, api) in VENDORS {
        let test = CreationTest::new(FakeVendor::new(vendor), api).await;
        let report = test.sync(&[test.plain_row("v1", "team/app")]).await;
        assert_eq!(statuses(&report), [Status::Failed], "{api}");
        assert!(
            test.vendor.calls().is_empty(),
            "{api}: {:?}",
            test.vendor.calls()
        );
    }
}

#[tokio::test]
async fn refused_creation_fails_only_rows_whose_repository_is_missing() {
    for (vendor, api) in VENDORS {
        let existing = match api {
            CreationApi::Harbor => "there",
            _ => "there/app",
        };
        let fake = FakeVendor::new(vendor).existing(existing).group("there");
        let test = CreationTest::new(fake.forbidden(), api).await;
        let rows = [test.row("v1", "there/app"), test.row("v1", "team/app")];
        let report = test.sync(&rows).await;
        assert_eq!(statuses(&report), [Status::Copied, Status::Failed], "{api}");
        let error = report.rows[1].error.as_deref().unwrap();
        assert!(matches!(error, RowError::Creation(_)), "{api}: {error}");
        assert!(
            error.request_error().unwrap().is_refused(),
            "{api}: {error}"
        );
        assert!(test.vendor.created().is_empty(), "{api}");
        let repositories = test.vendor.registry().repositories();
        assert_eq!(repositories, ["there/app"], "{api}");
    }
}

#[tokio::test]
async fn repository_with_another_tag_is_not_created() {
    let test = CreationTest::new(FakeVendor::new(Vendor::Ecr), CreationApi::Ecr).await;
    test.sync(&[test.row("v1", "team/app")]).await;
    let image = sample_image("app", 3, &[Platform::linux("amd64")], 2).unwrap();
    image.push(&test.source, "app", Some("v1"));
    let rows = [test.row("v1", "team/app")];
    let report = test.sync(&rows).await;
    assert_eq!(statuses(&report), [Status::Copied]);
    assert_eq!(test.creations(), 1, "{:?}", test.vendor.calls());
}

#[tokio::test]
async fn description_of_a_copied_row_is_set_and_its_failure_is_a_warning() {
    for is_forbidden in [false, true] {
        let mut fake = FakeVendor::new(Vendor::DockerHub);
        if is_forbidden {
            fake = fake.forbidden();
        }
        let test = CreationTest::new(fake, CreationApi::Quay).await;
        test.vendor.describe("team/app", "");
        let rows = ["v1", "v2"].map(|tag| {
            let mut row = test.plain_row(tag, "team/app");
            row.destination = format!("docker.io/team/app:{tag}").parse().unwrap();
            Arc::make_mut(&mut row.settings).description =
                Some("Mirror of quay.io/a/app".to_owned());
            row
        });
        let mut run = Run::default().without_referrers();
        run.options.dry_run = true;
        run.sync_by(&test.client(), &rows).await;
        assert!(test.vendor.calls().is_empty(), "{:?}", test.vendor.calls());
        run.options.dry_run = false;
        let report = run.sync_by(&test.client(), &rows).await;
        assert_eq!(
            statuses(&report),
            [Status::Copied; 2],
            "{:?}",
            errors(&report)
        );
        let warnings: Vec<_> = report.rows.iter().flat_map(|row| &row.warnings).collect();
        let patches = test.vendor.calls();
        let patches = patches.iter().filter(|call| call.starts_with("PATCH"));
        assert_eq!(patches.count(), 1, "{:?}", test.vendor.calls());
        let described = &report.vendor_changes.described;
        let text = test.vendor.description("team/app");
        if is_forbidden {
            assert_eq!(
                (warnings.len(), text.as_deref()),
                (1, Some("")),
                "{warnings:?}"
            );
            assert!(warnings[0].contains("insufficient scope"), "{warnings:?}");
            assert!(described.is_empty());
        } else {
            assert_eq!(
                text.as_deref(),
                Some("Mirror of quay.io/a/app"),
                "{warnings:?}"
            );
            assert_eq!(described[..], ["docker.io/team/app"]);
        }
    }
}
