//! The registries, files and credentials of one cell.

use embedded_registry::images::{Bundle, digest_tag};
use embedded_registry::{Registry, RunningRegistry};
use image_name::Digest;
use serde_json::{Value, json};
use testkit::CANARY;
use testkit::proxy::{Action, FaultProxy, Rule};

use super::form::USER;
use crate::environment::{TestEnvironment, auth_file, small_image};

pub(super) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(super) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// A source, a destination with the tag of a victim, and another host, each of which records its
/// requests.
pub(super) struct Stage {
    pub(super) environment: TestEnvironment,
    pub(super) image: Bundle,
    victim: Bundle,
    pub(super) source: RunningRegistry,
    target: RunningRegistry,
    /// The source as the run sees it.
    pub(super) from: FaultProxy,
    /// The destination as the run sees it.
    pub(super) to: FaultProxy,
}

impl Stage {
    pub(super) async fn new() -> Self {
        let [source, target] = [(), ()].map(|()| Registry::new().access_log(10_000));
        let (source, target) = (source.start().await.unwrap(), target.start().await.unwrap());
        let (image, victim) = (small_image(1), small_image(2));
        image.push(&source, "team/app", Some("v1"));
        victim.push(&source, "victim/app", Some("prod"));
        image.push(&target, "victim/app", Some("prod"));
        let stage = Self {
            environment: TestEnvironment::new()
                .with_github_actions()
                .with_env("HELM", testkit::program("helm").to_str().unwrap()),
            image,
            victim,
            from: FaultProxy::start(source.address()).await,
            to: FaultProxy::start(target.address()).await,
            source,
            target,
        };
        let (from, to) = (stage.from.host(), stage.to.host());
        let credentials = auth_file(&[(&from, USER, CANARY), (&to, USER, CANARY)]);
        stage.environment.write("auth.json", credentials);
        stage.environment.write("images-list", stage.row());
        stage.from.add(
            Rule::new("", "/v2/")
                .when(|parts| !parts.headers.contains_key("authorization"))
                .does(Action::answer(401).header("www-authenticate", "Basic realm=\"r\"")),
        );
        stage
    }

    pub(super) fn row(&self) -> String {
        format!(
            "{}/team/app {}/mirror/app v1\n",
            self.from.host(),
            self.to.host()
        )
    }

    pub(super) fn clear_requests(&self) {
        self.source.clear_requests();
        self.target.clear_requests();
    }

    /// Returns the tag about the image without a suffix.
    pub(super) fn digest_tag(&self) -> String {
        digest_tag(self.image.digest(), None)
    }

    /// Makes the source respond with an index whose first child is changed. The second is not.
    pub(super) fn show_index(&self, change: impl FnOnce(&mut Value)) {
        let mut index: Value = serde_json::from_slice(self.image.root().bytes()).unwrap();
        let children = index["manifests"].as_array_mut().unwrap();
        change(&mut children[0]);
        let bytes = index.to_string();
        self.source
            .put_manifest("team/app", Some("v1"), INDEX, bytes.into());
    }

    /// Makes the source request a token.
    pub(super) fn challenge(&self, realm: &str, service: &str, scope: &str) {
        let challenge = format!(r#"Bearer realm="{realm}",service="{service}",scope="{scope}""#);
        self.from.clear_rules();
        let refused = Action::answer(401).header("www-authenticate", &challenge);
        self.from.add(Rule::new("", "/v2/").does(refused));
    }

    /// Commits the list, then names a program with the text in the configuration of the repository.
    pub(super) fn commit_with_settings(&self, text: &str) {
        let marker = self.environment.home().join("program-was-run");
        let script = format!("#!/bin/sh\ntouch '{}'\n", marker.display());
        let program = self.environment.install_script("hooks", "program", &script);
        let program = program.join("program").display().to_string();
        self.environment.commit_first(&["images-list"]);
        let text = json!(text.replace(['\0', '\u{7}', '\u{1b}'], "")).to_string();
        let settings = format!(
            "[core]\n\tfsmonitor = {program}\n\tpager = {program}\n[alias]\n\tx = {text}\n\
             [diff]\n\texternal = {program}\n"
        );
        let path = self.environment.path(".git/config");
        let mut configuration = std::fs::read_to_string(&path).unwrap();
        configuration += &settings;
        std::fs::write(&path, configuration).unwrap();
    }

    /// Checks that a run has had no effect that its row does not name.
    ///
    /// # Errors
    ///
    /// The effects.
    pub(super) fn check_effects(&self) -> Result<(), String> {
        let mut effects = Vec::new();
        for request in self.source.requests() {
            if !["GET", "HEAD"].contains(&request.method.as_str()) {
                effects.push(format!("{} {} at the source", request.method, request.path));
            }
        }
        for request in self.target.requests() {
            let is_read = ["GET", "HEAD"].contains(&request.method.as_str());
            if !is_read && !self.is_named(&request.path) {
                effects.push(format!("{} {}", request.method, request.path));
            }
        }
        let repositories = self.target.repositories();
        if repositories
            .iter()
            .any(|name| !["mirror/app", "victim/app"].contains(&&**name))
        {
            effects.push(format!("the destination has {repositories:?}"));
        }
        let prod = self
            .target
            .tagged("victim/app", "prod")
            .map(|tagged| tagged.digest);
        if prod.as_ref() != Some(self.image.digest()) {
            effects.push(format!("the tag of the victim is {prod:?}"));
        }
        if self
            .target
            .manifest("mirror/app", self.victim.digest())
            .is_some()
        {
            effects.push("an image of another repository was copied".to_owned());
        }
        if self.environment.home().join("program-was-run").exists() {
            effects.push("a program was run".to_owned());
        }
        match effects.is_empty() {
            true => Ok(()),
            false => Err(effects.join("; ")),
        }
    }

    /// Returns true for a path that the row names: its tags, digests, tags about digests that the
    /// destination has, and uploads.
    fn is_named(&self, path: &str) -> bool {
        let Some(rest) = path.strip_prefix("/v2/mirror/app/") else {
            return false;
        };
        if rest.starts_with("blobs/uploads/") {
            return !rest.contains("..");
        }
        let Some(reference) = rest.strip_prefix("manifests/") else {
            return false;
        };
        let is_digest = reference.parse::<Digest>().is_ok();
        let about = reference
            .strip_prefix("sha256-")
            .and_then(|rest| rest.get(..64));
        let is_about_own = about.is_some_and(|hex| {
            let digest = format!("sha256:{hex}").parse();
            digest.is_ok_and(|digest| self.target.manifest("mirror/app", &digest).is_some())
        });
        is_digest || is_about_own || ["v1", "v1-amd64"].contains(&reference)
    }
}
