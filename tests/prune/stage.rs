//! A mirror with three images in a list under git, and the changes that a test makes to it.

use std::net::SocketAddr;
use std::sync::Mutex;

use embedded_registry::images::{
    Artifact, Bundle, Content, Format, Platform, digest_tag, sample_image,
};
use embedded_registry::{Registry, RunningRegistry};
use serde_json::{Value, json};
use testkit::clients::Crane;
use testkit::processes::{Distribution, ReferrersRegistry, RegistryProcess, Version};
use testkit::proxy::FaultProxy;
use testkit::push::Pusher;

use crate::environment::{CommandOutput, TestEnvironment};

/// The repository of the images at the destination.
pub(super) const APP: &str = "m/app";

/// The tags of the images.
pub(super) const TAGS: [&str; 3] = ["1", "2", "3"];

/// A registry of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// distribution 2.8: deletes manifests only.
    V2,
    /// distribution 3: deletes tags too.
    V3,
    /// The registry of go-containerregistry, with the referrers API.
    Referrers,
    /// The embedded registry: tags, manifests, referrers API.
    Embedded,
}

impl Kind {
    pub(super) const ALL: [Self; 4] = [Self::V2, Self::V3, Self::Referrers, Self::Embedded];
}

enum Destination {
    Process(RegistryProcess),
    Embedded(RunningRegistry),
}

impl Destination {
    fn address(&self) -> SocketAddr {
        match self {
            Self::Process(process) => process.address(),
            Self::Embedded(registry) => registry.address(),
        }
    }
}

/// A mirror with three images in a list under git.
pub(super) struct Stage {
    pub(super) environment: TestEnvironment,
    pub(super) proxy: FaultProxy,
    source: RunningRegistry,
    destination: Destination,
    /// The digests that must be there at the end, beside those of the rows.
    needed: Mutex<Vec<String>>,
}

impl Stage {
    /// Starts the registries, copies the images and commits the list with its lock. The mirror is behind a
    /// proxy without rules.
    pub(super) async fn new(kind: Kind) -> Self {
        let destination = match kind {
            Kind::V2 => Destination::Process(Distribution::new().start().await),
            Kind::V3 => {
                Destination::Process(Distribution::new().version(Version::V3).start().await)
            }
            Kind::Referrers => Destination::Process(ReferrersRegistry::start().await),
            Kind::Embedded => Destination::Embedded(Registry::new().start().await.unwrap()),
        };
        Self::with(destination).await
    }

    /// Starts a mirror at a distribution that refuses deletions.
    pub(super) async fn closed(version: Version) -> Self {
        let closed = Distribution::new().version(version).refuse_deletion();
        Self::with(Destination::Process(closed.start().await)).await
    }

    async fn with(destination: Destination) -> Self {
        let address = destination.address();
        let source = Registry::new().start().await.unwrap();
        for tag in TAGS {
            push_signed(&source, "app", tag);
        }
        push_signed(&source, "lib", "1");
        let stage = Self {
            environment: TestEnvironment::new(),
            proxy: FaultProxy::start(address).await,
            source,
            destination,
            needed: Mutex::default(),
        };
        stage.write_list(&TAGS);
        stage.environment.mirror("lock").exits(0);
        stage.environment.mirror("sync").exits(0);
        let files = ["images-list", "images-list.lock"];
        stage.environment.commit_first(&files);
        stage
    }

    /// Returns the host of the mirror.
    pub(super) fn host(&self) -> String {
        self.proxy.host()
    }

    /// Starts another name of the mirror's registry.
    pub(super) async fn other_name(&self) -> FaultProxy {
        FaultProxy::start(self.destination.address()).await
    }

    /// Requires a manifest at the end.
    pub(super) fn require(&self, digest: &str) {
        self.needed.lock().unwrap().push(digest.to_owned());
    }

    /// Returns the row of a tag column.
    pub(super) fn row(&self, tag: &str) -> String {
        format!("{}/app {}/{APP} {tag}", self.source.host(), self.host())
    }

    /// Writes the list with these tag columns, and a row of another repository.
    pub(super) fn write_list(&self, tags: &[&str]) {
        let rows: String = tags.iter().map(|tag| self.row(tag) + "\n").collect();
        let (source, mirror) = (self.source.host(), self.host());
        let lib = format!("{source}/lib {mirror}/m/lib 1\n");
        self.environment.write("images-list", rows + &lib);
    }

    /// Changes the list and its lock, and commits them.
    pub(super) fn commit_list(&self, tags: &[&str]) {
        self.write_list(tags);
        self.environment.mirror("lock").exits(0);
        self.commit();
    }

    /// Commits the list and its lock.
    pub(super) fn commit(&self) {
        self.environment
            .git(&["add", "--all", "images-list", "images-list.lock"]);
        self.environment.git(&["commit", "-qm", "change"]);
    }

    /// Plans with more arguments.
    pub(super) fn plan(&self, arguments: &str) -> CommandOutput {
        self.environment
            .mirror(&format!("prune --plan plan.json {arguments}"))
    }

    /// Applies the plan with more arguments.
    pub(super) fn apply(&self, arguments: &str) -> CommandOutput {
        self.environment
            .mirror(&format!("prune --apply plan.json {arguments}"))
    }

    /// Changes the plan by hand.
    pub(super) fn edit_plan(&self, edit: impl FnOnce(&mut Vec<Value>)) {
        let mut plan = self.environment.read_json("plan.json");
        edit(plan["deletions"].as_array_mut().unwrap());
        self.environment.write("plan.json", plan.to_string());
    }

    /// Pushes into the repository of the mirror.
    pub(super) async fn push(&self, bundle: &Bundle, tag: Option<&str>) {
        Pusher::new(&self.host()).bundle(bundle, APP, tag).await;
    }

    /// Pushes an index of its own that lists a child of one of the images.
    pub(super) async fn push_index_with_child_of(&self, image: &str, tag: Option<&str>) {
        let index = json!({
            "schemaVersion": 2,
            "mediaType": Format::Oci.index(),
            "manifests": [child_of(image).descriptor()],
            "annotations": {"org.example.of": image},
        });
        let index = Bundle::verbatim(Format::Oci.index(), index.to_string());
        self.push(&index, tag).await;
    }

    /// Pushes an index without a tag that is about one image, and lists a child of another. It must stay with
    /// that child: the registry lists referrers.
    pub(super) async fn push_referrer_with_child(&self, subject: &str, image: &str) {
        let child = child_of(image);
        let index = json!({
            "schemaVersion": 2,
            "mediaType": Format::Oci.index(),
            "artifactType": "application/vnd.example.list",
            "manifests": [child.descriptor()],
            "subject": sample(subject).manifests().last().unwrap().descriptor(),
        });
        let index = Bundle::verbatim(Format::Oci.index(), index.to_string());
        self.push(&index, None).await;
        self.require(index.digest().as_ref());
        self.require(child.digest().as_ref());
    }

    /// Adds a row and a line of the lock for a tag of another client in one commit, and removes them in the next.
    pub(super) fn plant(&self, tag: &str, image: &Bundle) {
        let files = ["images-list", "images-list.lock"];
        let before = files.map(|file| self.environment.read(file));
        let row = self.row(&format!("1={tag}"));
        let digest = image.digest();
        let line = format!("{row} {digest} {}\n", Format::Oci.index());
        self.environment
            .write(files[0], format!("{}{row}\n", before[0]));
        self.environment
            .write(files[1], format!("{}{line}", before[1]));
        self.commit();
        for (file, text) in files.iter().zip(before) {
            self.environment.write(file, text);
        }
        self.commit();
    }

    /// Deletes an image with all its tags at the embedded registry, past the proxy.
    pub(super) fn lose(&self, image: &str) {
        if let Destination::Embedded(registry) = &self.destination {
            registry.remove_manifest(APP, sample(image).digest());
        }
    }

    /// Tags the child of an image.
    pub(super) async fn tag_child_of(&self, image: &str, tag: &str) {
        let pusher = Pusher::new(&self.host());
        pusher.manifest(APP, tag, &child_of(image)).await;
    }

    /// Pushes a referrer of an image.
    pub(super) async fn push_referrer_of(&self, image: &str, tag: Option<&str>) {
        let referrer = Artifact::new("application/vnd.example.sbom")
            .blob("text/plain", format!("of {image}"))
            .subject(&sample(image))
            .build();
        self.push(&referrer, tag).await;
    }

    fn is_there(&self, image: &str) -> bool {
        let output = self.environment.mirror(&format!("digest {image}"));
        output.code == Some(0)
    }

    /// Returns the tags of the repository that are no digest tags.
    pub(super) fn tags(&self) -> Vec<String> {
        let all = self.all_tags().into_iter();
        all.filter(|tag| !tag.starts_with("sha256-")).collect()
    }

    /// Returns all tags of the repository.
    pub(super) fn all_tags(&self) -> Vec<String> {
        let line = format!("tags {}/{APP}", self.host());
        let output = self.environment.mirror(&line);
        output.stdout.lines().map(str::to_owned).collect()
    }

    /// Checks that every tag can be pulled whole with crane, that the mirror is what the list says, and that
    /// the signatures of the rows' images are there.
    pub(super) async fn check_nothing_is_lost(&self, case: &str) {
        let crane = Crane::new();
        for tag in self.tags() {
            let image = format!("{}/{APP}:{tag}", self.host());
            if crane
                .manifest(&image)
                .await
                .is_ok_and(|bytes| is_artifact(&bytes))
            {
                continue;
            }
            let pulled = crane.validate(&image).await;
            assert!(
                pulled.is_ok(),
                "{case}: {image} cannot be pulled: {pulled:?}"
            );
        }
        for digest in self.needed.lock().unwrap().iter() {
            let image = format!("{}/{APP}@{digest}", self.host());
            assert!(self.is_there(&image), "{case}: {digest} is lost");
        }
        let compared = self.environment.mirror("compare");
        assert_eq!(compared.code, Some(0), "{case}: {}", compared.stdout);
        // A sync that has nothing to do finds every signature.
        let synced = self
            .environment
            .mirror("sync --output json")
            .exits(0)
            .json();
        let rows = synced["summary"]["rows"].clone();
        assert_eq!(synced["summary"]["unchanged"], rows, "{case}: {synced:#}");
        assert_eq!(synced["summary"]["bytes_copied"], 0, "{case}: {synced:#}");
    }
}

/// Returns true for a manifest that crane cannot validate, because it is no image.
fn is_artifact(manifest: &[u8]) -> bool {
    let document: Value = serde_json::from_slice(manifest).unwrap();
    document.get("artifactType").is_some() || document.get("subject").is_some()
}

/// Returns an image of the list.
pub(super) fn sample(tag: &str) -> Bundle {
    sample_of_seed(seed(tag))
}

/// Returns an image that no list has.
pub(super) fn sample_of_seed(seed: u64) -> Bundle {
    sample_image(
        "app",
        seed,
        &[Platform::linux("amd64"), Platform::linux("arm64")],
        2,
    )
    .unwrap()
}

fn seed(tag: &str) -> u64 {
    tag.parse().unwrap()
}

/// Returns the manifest of an image for linux/amd64.
fn child_of(image: &str) -> Content {
    // An attestation stands before each image.
    sample(image).manifests()[1].clone()
}

fn push_signed(source: &RunningRegistry, repository: &str, tag: &str) {
    let image = match repository {
        "app" => sample(tag),
        other => sample_image(other, 1, &[Platform::linux("amd64")], 2).unwrap(),
    };
    image.push(source, repository, Some(tag));
    let referrer = Artifact::new("application/vnd.example.signature")
        .blob("text/plain", format!("signature of {tag}"))
        .subject(&image)
        .build();
    referrer.push(source, repository, None);
    let signature = Artifact::cosign_signature(image.digest()).build();
    let tag = digest_tag(image.digest(), Some("sig"));
    signature.push(source, repository, Some(&tag));
}
