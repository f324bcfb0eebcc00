//! The setup of the tests.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use registry_client::registries_conf::RegistriesConf;
use registry_client::{Client, RetryPolicy};
use tag_retrieval::config::EntryImage;
use tag_retrieval::github::{Github, GithubOptions};
use tag_retrieval::helm::{Helm, HelmSettings};
use tag_retrieval::{
    Candidate, Found, Organization, RetrievalError, Retrieved, Upstreams, VersionSource,
};

/// Queries a source with this registries.conf, at noon of 2026-11-21.
pub async fn retrieve(
    source: &impl VersionSource,
    registries_conf: &str,
) -> Result<Retrieved, RetrievalError> {
    source.retrieve(&upstreams(registries_conf)).await
}

pub fn upstreams(registries_conf: &str) -> Upstreams {
    let registries = Client::builder()
        .registries_conf(RegistriesConf::parse(registries_conf).unwrap())
        .retry_policy(RetryPolicy {
            max_attempts: 2,
            initial_backoff: Duration::from_millis(10),
            max_wait: Duration::from_secs(2),
            ..RetryPolicy::default()
        })
        .requests_per_host(16)
        .build();
    Upstreams {
        registries,
        gitlab: None,
        github: Github::new(GithubOptions::default()),
        now: time("2026-11-21T12:00:00Z"),
        helm: no_helm(),
        git: tag_retrieval::GitSettings::read(|name| std::env::var_os(name)),
        tag_lists: Arc::default(),
        own_org: Organization::new("rancher"),
    }
}

fn no_helm() -> Arc<Helm> {
    let settings = HelmSettings {
        program: None,
        environment: Vec::new(),
        registry_config: None,
        confiner: None,
        scratch: PathBuf::new(),
        deadline: Duration::ZERO,
        processes: 1,
    };
    Arc::new(Helm::new(settings))
}

pub fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

pub fn image(source: &str) -> Vec<EntryImage> {
    vec![EntryImage {
        source: source.to_owned(),
        destination: None,
    }]
}

/// Returns the candidates of a source of versions.
pub fn candidates(retrieved: &Retrieved) -> &[Candidate] {
    match &retrieved.found {
        Found::Versions(candidates) => candidates,
        Found::Images(images) => panic!("images: {images:?}"),
    }
}

/// Returns the tags found.
pub fn tags(retrieved: &Retrieved) -> Vec<&str> {
    let tags = candidates(retrieved).iter();
    tags.map(|candidate| candidate.tag.as_str()).collect()
}

/// Returns the reason why a tag was dropped.
pub fn reason<'a>(retrieved: &'a Retrieved, tag: &str) -> &'a str {
    let dropped = retrieved.dropped.iter().find(|dropped| dropped.item == tag);
    &dropped
        .unwrap_or_else(|| panic!("{tag}: {retrieved:?}"))
        .reason
}
