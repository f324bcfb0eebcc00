//! The creation and the description of repositories, against fakes of the vendors' APIs.

use std::sync::Arc;

use registry_client::{
    AwsCredentials, Client, Creation, CreationApi, CreationError, Error, HostToken,
    VendorCredentials, Write, WritePolicy, WriteTarget,
};
use testkit::proxy::{Action, FaultProxy, Rule};
use testkit::vendors::{FakeVendor, RunningVendor, Vendor};

use crate::setup::Setup;

const ECR_HOST: &str = "123456789012.dkr.ecr.eu-central-1.amazonaws.com";

/// The vendors with the path of the request that creates.
const VENDORS: [(Vendor, CreationApi, &str); 4] = [
    (Vendor::Ecr, CreationApi::Ecr, "/"),
    (Vendor::Harbor, CreationApi::Harbor, "/api/v2.0/projects"),
    (Vendor::GitLab, CreationApi::GitLab, "/api/v4/projects"),
    (Vendor::Quay, CreationApi::Quay, "/api/v1/repository"),
];

/// A plan that allows the creation and the description of one repository.
#[derive(Debug)]
struct Plan {
    host: String,
    repository: &'static str,
    target: WriteTarget,
}

impl WritePolicy for Plan {
    fn allows(&self, write: &Write<'_>) -> bool {
        write.host == self.host
            && write.repository.as_str() == self.repository
            && write.target == self.target
    }
}

/// A fake behind a proxy, and a client with its credentials.
struct CreationTest {
    fake: RunningVendor,
    proxy: FaultProxy,
    api: CreationApi,
    create_path: &'static str,
}

impl CreationTest {
    async fn new(fake: FakeVendor, api: CreationApi, create_path: &'static str) -> Self {
        let fake = fake.start().await;
        let proxy = FaultProxy::start(fake.address()).await;
        Self {
            fake,
            proxy,
            api,
            create_path,
        }
    }

    fn setup(&self) -> Setup {
        let (user, password) = RunningVendor::login();
        let host = self.proxy.host();
        let token = || {
            Some(HostToken {
                host: host.clone(),
                token: password.to_owned().into(),
            })
        };
        let mut setup = Setup::new().login(&host, user, password);
        setup.conf = format!("[[registry]]\nprefix = \"{ECR_HOST}\"\nlocation = \"{host}\"\n");
        setup.vendor_credentials = VendorCredentials {
            aws: AwsCredentials {
                access_key_id: Some(RunningVendor::access_key().to_owned()),
                secret_access_key: Some(password.to_owned().into()),
                ..AwsCredentials::default()
            },
            gitlab: token(),
            quay: token(),
        };
        setup
    }

    /// Creates `team/app`.
    async fn create(&self, client: &Client) -> Result<Creation, CreationError> {
        let host = match self.api {
            CreationApi::Ecr => ECR_HOST.to_owned(),
            _ => self.proxy.host(),
        };
        let plan = Plan {
            host: self.proxy.host(),
            repository: "team/app",
            target: WriteTarget::Repository,
        };
        let client = client.with_writes(Arc::new(plan));
        let reference = format!("{host}/team/app:1").parse().unwrap();
        client.create_repository(&reference, self.api).await
    }

    /// Returns what the API creates for `team/app`.
    fn path(&self) -> &'static str {
        match self.api {
            CreationApi::Harbor => "team",
            _ => "team/app",
        }
    }

    /// A rule for the request that creates.
    fn creating(&self) -> Rule {
        let path = self.create_path;
        Rule::new("POST", path).when(move |parts| parts.uri.path() == path)
    }

    fn posts(&self) -> usize {
        self.proxy.count("POST", self.create_path)
    }
}

/// An event during the creation of a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Case {
    Created,
    Exists,
    Forbidden,
    Throttled,
    ServerError,
    Malformed,
    LostRace,
    /// The repository is created, and the response is lost.
    LostResponse,
    Redirected,
    /// The API refuses the request and quotes the password or token.
    Echoed,
}

const CASES: [Case; 10] = [
    Case::Created,
    Case::Exists,
    Case::Forbidden,
    Case::Throttled,
    Case::ServerError,
    Case::Malformed,
    Case::LostRace,
    Case::LostResponse,
    Case::Redirected,
    Case::Echoed,
];

impl Case {
    fn fake(self, vendor: Vendor) -> FakeVendor {
        let fake = FakeVendor::new(vendor);
        match self {
            Self::Exists => fake.existing(if vendor == Vendor::Harbor {
                "team"
            } else {
                "team/app"
            }),
            Self::Forbidden => fake.forbidden(),
            Self::LostRace => fake.race(),
            _ => fake,
        }
    }

    fn disturb(self, test: &CreationTest) {
        let throttled = match test.api {
            CreationApi::Ecr => Action::answer(400)
                .body(r#"{"__type":"ThrottlingException","message":"Rate exceeded"}"#),
            _ => Action::answer(429).header("retry-after", "1"),
        };
        match self {
            Self::Throttled => test.proxy.add(test.creating().first(1).does(throttled)),
            Self::ServerError => {
                let rule = test.creating().first(1);
                test.proxy.add(rule.does(Action::answer(503)));
            }
            Self::Malformed => {
                let status = match test.api {
                    CreationApi::Ecr | CreationApi::Harbor => 200,
                    _ => 201,
                };
                let page = Action::answer(status).body("<html>a page</html>");
                test.proxy.add(test.creating().does(page));
            }
            Self::LostResponse => {
                let rule = test.creating().first(1);
                test.proxy.add(rule.does(Action::DropResponse));
            }
            Self::Redirected => {
                let elsewhere = Action::RedirectTo(test.fake.host());
                test.proxy.add(test.creating().does(elsewhere));
            }
            Self::Echoed => {
                // The secret key of AWS is not sent, so the API cannot quote it.
                let secret = match test.api {
                    CreationApi::Ecr => RunningVendor::access_key(),
                    _ => RunningVendor::login().1,
                };
                let body = format!(r#"{{"message":"invalid: {secret}","error_type":"{secret}"}}"#);
                let echo = Action::answer(403).body(body);
                test.proxy.add(test.creating().does(echo));
            }
            _ => {}
        }
    }

    fn check(self, test: &CreationTest, outcome: &Result<Creation, CreationError>) {
        let shown = format!("{:?} {self:?}: {outcome:?}", test.api);
        let path = test.path().to_owned();
        let created = test.fake.created();
        match self {
            Self::Created | Self::Throttled | Self::ServerError => {
                assert_eq!(
                    outcome.as_ref().ok(),
                    Some(&Creation::Created(path.clone())),
                    "{shown}"
                );
                assert_eq!(created, [path], "{shown}");
                let posts = if self == Self::Created { 1 } else { 2 };
                assert_eq!(test.posts(), posts, "{shown}");
            }
            Self::Exists | Self::LostRace => {
                assert_eq!(outcome.as_ref().ok(), Some(&Creation::Existing), "{shown}");
                assert!(created.is_empty(), "{shown}");
            }
            Self::LostResponse => {
                assert_eq!(outcome.as_ref().ok(), Some(&Creation::Existing), "{shown}");
                assert_eq!(created, [path], "{shown}");
            }
            Self::Forbidden | Self::Echoed => {
                let error = outcome.as_ref().unwrap_err();
                assert!(error.is_refused(), "{shown}");
                assert!(created.is_empty() && test.posts() == 1, "{shown}");
            }
            Self::Malformed => {
                let error = outcome.as_ref().unwrap_err();
                assert!(!error.is_refused() && created.is_empty(), "{shown}");
                assert_eq!(test.posts(), 1, "{shown}");
            }
            Self::Redirected => {
                let error = outcome.as_ref().unwrap_err();
                let is_kept = matches!(error.request_error(), Some(Error::NotSent { .. }));
                assert!(is_kept && created.is_empty(), "{shown}");
            }
        }
        let text = outcome.as_ref().err().map(ToString::to_string);
        let text = text.unwrap_or_default() + &shown;
        assert_eq!(testkit::canary_in(&text), None, "{text}");
    }
}

#[tokio::test]
async fn each_vendor_creates_once_whatever_happens() {
    for (vendor, api, create_path) in VENDORS {
        for case in CASES {
            let test = CreationTest::new(case.fake(vendor), api, create_path).await;
            case.disturb(&test);
            let outcome = test.create(&test.setup().client()).await;
            case.check(&test, &outcome);
        }
    }
}

#[tokio::test]
async fn nothing_is_sent_without_the_permission_of_the_write_policy() {
    for (vendor, api, create_path) in VENDORS {
        let test = CreationTest::new(FakeVendor::new(vendor), api, create_path).await;
        let client = test.setup().client();
        let host = match api {
            CreationApi::Ecr => ECR_HOST.to_owned(),
            _ => test.proxy.host(),
        };
        let reference = format!("{host}/team/app:1").parse().unwrap();
        let plans = [
            ("team/other", WriteTarget::Repository),
            ("team/app", WriteTarget::Blob),
            ("team/app", WriteTarget::Description),
        ];
        for (repository, target) in plans {
            let plan = Plan {
                host: test.proxy.host(),
                repository,
                target,
            };
            let client = client.with_writes(Arc::new(plan));
            let error = client.create_repository(&reference, api).await.unwrap_err();
            let is_not_sent = matches!(error.request_error(), Some(Error::NotSent { .. }));
            assert!(is_not_sent, "{api}: {error}");
        }
        let error = client.create_repository(&reference, api).await.unwrap_err();
        assert!(
            matches!(error.request_error(), Some(Error::NotSent { .. })),
            "{api}: {error}"
        );
        assert_eq!(test.proxy.count("", ""), 0, "{api}");
    }
}

#[tokio::test]
async fn missing_credentials_are_reported_and_nothing_is_sent() {
    for (vendor, api, create_path) in VENDORS {
        let test = CreationTest::new(FakeVendor::new(vendor), api, create_path).await;
        let mut setup = Setup::new();
        setup.conf = test.setup().conf;
        let error = test.create(&setup.client()).await.unwrap_err();
        assert!(
            matches!(error, CreationError::NoCredentials { .. }),
            "{error}"
        );
        assert_eq!(test.proxy.count("", ""), 0, "{api}");
    }
}

#[tokio::test]
async fn tokens_for_another_host_stay_here() {
    for (vendor, api, create_path) in &VENDORS[2..] {
        let test = CreationTest::new(FakeVendor::new(*vendor), *api, create_path).await;
        let mut setup = Setup::new().login(&test.proxy.host(), "robot", "robot-password");
        let token = HostToken {
            host: "gitlab.com".to_owned(),
            token: testkit::CANARY.to_owned().into(),
        };
        // GitLab's API is at the host that the registry names.
        let challenge = format!("Bearer realm=\"http://{}/jwt/auth\"", test.proxy.host());
        let refusal = Action::answer(401).header("www-authenticate", &challenge);
        test.proxy.add(Rule::new("GET", "/tags/").does(refusal));
        setup.vendor_credentials.gitlab = Some(token.clone());
        setup.vendor_credentials.quay = Some(token);
        let client = setup.client();
        let host = test.proxy.host();
        crate::setup::pull(&client, &host, "team/app")
            .tags()
            .await
            .unwrap_err();
        let error = test.create(&client).await.unwrap_err();
        assert!(error.is_refused(), "{error}");
        for request in test.proxy.requests() {
            let headers = format!("{:?}", request.headers);
            assert!(!headers.contains(testkit::CANARY), "{headers}");
        }
    }
}

#[tokio::test]
async fn oauth_user_of_the_registry_is_a_token_of_quay() {
    let test = CreationTest::new(
        FakeVendor::new(Vendor::Quay),
        CreationApi::Quay,
        "/api/v1/repository",
    )
    .await;
    let (_, password) = RunningVendor::login();
    let setup = Setup::new().login(&test.proxy.host(), "$oauthtoken", password);
    let created = test.create(&setup.client()).await.unwrap();
    assert_eq!(created, Creation::Created("team/app".to_owned()));
}

#[tokio::test]
async fn keys_of_a_container_are_requested_once() {
    let test = CreationTest::new(FakeVendor::new(Vendor::Ecr), CreationApi::Ecr, "/").await;
    let mut setup = test.setup();
    let file = setup.directory().join("token");
    std::fs::write(&file, "container-token\n").unwrap();
    setup.vendor_credentials.aws = AwsCredentials {
        container_full_uri: Some(format!("http://{}/container-keys", test.fake.host())),
        container_token_file: Some(file),
        ..AwsCredentials::default()
    };
    let client = setup.client();
    let (first, second) = tokio::join!(test.create(&client), test.create(&client));
    let outcomes = [first.unwrap(), second.unwrap()];
    assert!(
        outcomes.contains(&Creation::Created("team/app".to_owned())),
        "{outcomes:?}"
    );
    let keys = test
        .fake
        .calls()
        .into_iter()
        .filter(|call| call.contains("/container-keys"));
    assert_eq!(keys.collect::<Vec<_>>(), ["GET /container-keys 200"]);

    setup.vendor_credentials.aws.container_token_file = None;
    setup.vendor_credentials.aws.container_token = Some("wrong".to_owned().into());
    let error = test.create(&setup.client()).await.unwrap_err();
    assert!(error.is_refused(), "{error}");
    setup.vendor_credentials.aws.container_token_file = Some("/nonexistent".into());
    let error = test.create(&setup.client()).await.unwrap_err();
    assert!(error.to_string().contains("/nonexistent"), "{error}");
}

#[tokio::test]
async fn gitlab_project_is_the_component_below_the_longest_group() {
    let table = [
        ("team/app", "team/app"),
        ("team/app/image", "team/app"),
        ("team/sub/app", "team/sub/app"),
        ("team/sub/app/image", "team/sub/app"),
    ];
    for (repository, project) in table {
        let fake = FakeVendor::new(Vendor::GitLab).group("team/sub");
        let test = CreationTest::new(fake, CreationApi::GitLab, "/api/v4/projects").await;
        let plan = Plan {
            host: test.proxy.host(),
            repository,
            target: WriteTarget::Repository,
        };
        let client = test.setup().client().with_writes(Arc::new(plan));
        let reference = format!("{}/{repository}:1", test.proxy.host())
            .parse()
            .unwrap();
        let created = client
            .create_repository(&reference, CreationApi::GitLab)
            .await;
        assert_eq!(created.unwrap(), Creation::Created(project.to_owned()));
        // What is known is not asked again.
        let requests = test.proxy.count("", "");
        let created = client
            .create_repository(&reference, CreationApi::GitLab)
            .await;
        assert_eq!(created.unwrap(), Creation::Existing);
        assert_eq!(test.proxy.count("", ""), requests, "{repository}");
    }
}

#[tokio::test]
async fn paths_that_a_vendor_cannot_have_are_refused() {
    let table = [
        (Vendor::Harbor, CreationApi::Harbor, "PROJECT/NAME"),
        (Vendor::Quay, CreationApi::Quay, "NAMESPACE/NAME"),
        (Vendor::GitLab, CreationApi::GitLab, "no group or user app"),
        (
            Vendor::Ecr,
            CreationApi::Ecr,
            "not a private registry of Amazon ECR",
        ),
    ];
    for (vendor, api, message) in table {
        let test = CreationTest::new(FakeVendor::new(vendor), api, "/").await;
        let reference = format!("{}/app:1", test.proxy.host()).parse().unwrap();
        let client = test.setup().client();
        let error = client.create_repository(&reference, api).await.unwrap_err();
        assert!(error.to_string().contains(message), "{error}");
        assert_eq!(test.proxy.count("", ""), 0, "{api}");
    }
}

#[tokio::test]
async fn description_is_set_where_it_differs() {
    let fake = FakeVendor::new(Vendor::DockerHub).start().await;
    fake.describe("team/app", "old");
    let proxy = FaultProxy::start(fake.address()).await;
    let (user, password) = RunningVendor::login();
    let mut setup = Setup::new().login(&proxy.host(), user, password);
    let location = proxy.host();
    setup.conf = format!("[[registry]]\nprefix = \"docker.io\"\nlocation = \"{location}\"\n");
    let plan = Plan {
        host: location,
        repository: "team/app",
        target: WriteTarget::Description,
    };
    let client = setup.client().with_writes(Arc::new(plan));
    let reference = "docker.io/team/app:1".parse().unwrap();
    let describe = |text| client.describe_repository(&reference, text);
    assert!(describe("Mirror of quay.io/a/b").await.unwrap());
    assert!(!describe("Mirror of quay.io/a/b").await.unwrap());
    assert_eq!(
        fake.description("team/app").as_deref(),
        Some("Mirror of quay.io/a/b")
    );
    assert_eq!(
        (
            proxy.count("PATCH", ""),
            proxy.count("POST", "/v2/auth/token")
        ),
        (1, 1)
    );

    let unknown = "docker.io/team/unknown:1".parse().unwrap();
    let error = client.describe_repository(&unknown, "x").await.unwrap_err();
    assert!(
        matches!(error.request_error(), Some(Error::NotSent { .. })),
        "{error}"
    );
    let other = format!("{}/team/app:1", proxy.host()).parse().unwrap();
    let error = client.describe_repository(&other, "x").await.unwrap_err();
    assert!(
        error.to_string().contains("not a repository of Docker Hub"),
        "{error}"
    );

    let unchanged = Action::answer(200).body(r#"{"description":"Mirror of quay.io/a/b"}"#);
    proxy.add(Rule::new("PATCH", "").does(unchanged));
    let error = describe("new").await.unwrap_err();
    assert!(error.to_string().contains("unchanged"), "{error}");
}
