//! TLS, passwords and tokens at every registry.

use embedded_registry::images::{Platform, sample_image};
use testkit::certificates::Authority;
use testkit::processes::{Distribution, RegistryProcess, Storage, Version};
use testkit::push::Pusher;
use testkit::tokens::TokenServer;

use crate::environment::{TestEnvironment, auth_file, column, complete_tags};

const USER: (&str, &str) = ("robot", testkit::canary!("f4n-0ut-"));

/// The versions of the three destinations.
const VERSIONS: [Version; 3] = [Version::V2, Version::V3, Version::V3];

/// A source and three destinations, each with a second address without credentials.
struct Mirror {
    environment: TestEnvironment,
    /// The source first.
    registries: Vec<RegistryProcess>,
    open: Vec<RegistryProcess>,
}

impl Mirror {
    /// Starts registries, the source first, each with `access`.
    async fn new(access: impl Fn(Distribution) -> Distribution) -> Self {
        let (mut registries, mut open) = (Vec::new(), Vec::new());
        for version in [Version::V2].into_iter().chain(VERSIONS) {
            let files = Distribution::new().storage(Storage::Files).start().await;
            let registry = Distribution::new()
                .version(version)
                .files_shared_with(&files);
            registries.push(access(registry).start().await);
            open.push(files);
        }
        let environment = TestEnvironment::new();
        let hosts: Vec<_> = registries.iter().map(RegistryProcess::host).collect();
        let entries: Vec<_> = hosts
            .iter()
            .map(|host| (host.as_str(), USER.0, USER.1))
            .collect();
        environment.write("auth.json", auth_file(&entries));
        let rows = hosts[1..]
            .iter()
            .map(|host| format!("{}/app {host}/mirror/app v1\n", hosts[0]));
        environment.write("images-list", rows.collect::<String>());
        Self {
            environment,
            registries,
            open,
        }
    }

    /// Copies an image to all registries. The source sends each manifest and blob once.
    async fn assert_copies(&self, options: &str) {
        let platforms = [Platform::linux("amd64"), Platform::linux("arm64")];
        let image = sample_image("app", 1, &platforms, 4).unwrap();
        let pusher = Pusher::new(&self.open[0].host());
        pusher.bundle(&image, "app", Some("v1")).await;
        let line = format!("sync --no-referrers --authfile auth.json --output json {options}");
        let document = self.environment.mirror(&line).exits(0).json();
        assert_eq!(column(&document, "status"), ["copied"; 3]);
        for registry in &self.open[1..] {
            let tags = complete_tags(&registry.host(), &["mirror/app"]).await;
            assert_eq!(tags["mirror/app:v1"], image.digest().as_ref());
        }
        let requests = self.registries[0].requests().await;
        let of = |method: &str, part: &str| {
            let requests = requests.iter().filter(|it| it.status == Some(200));
            let requests = requests.filter(|it| it.method == method && it.path.contains(part));
            requests.count()
        };
        assert_eq!(of("HEAD", "/manifests/"), 1, "{requests:#?}");
        assert_eq!(
            of("GET", "/manifests/"),
            image.manifests().len(),
            "{requests:#?}"
        );
        assert_eq!(of("GET", "/blobs/"), image.blobs().len(), "{requests:#?}");
        let again = self.environment.mirror(&line).exits(0).json();
        assert_eq!(column(&again, "status"), ["unchanged"; 3]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_registry_with_tls_and_a_password_gets_one_read() {
    let authority = Authority::new("a company");
    let access = |registry: Distribution| registry.tls(authority.server()).htpasswd(USER.0, USER.1);
    let mirror = Mirror::new(access).await;
    let directory = mirror.environment.path("certificates");
    std::fs::create_dir_all(&directory).unwrap();
    std::fs::write(directory.join("ca.crt"), authority.pem()).unwrap();
    mirror.assert_copies("--cert-dir certificates").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_registry_with_tokens_gets_one_read() {
    let tokens = TokenServer::new().user(USER.0, USER.1).start().await;
    let mirror = Mirror::new(|registry| registry.token(tokens.auth())).await;
    mirror.assert_copies("").await;
}
