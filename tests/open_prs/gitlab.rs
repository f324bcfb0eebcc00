//! Merge requests on a private GitLab, over several runs.

use embedded_registry::RunningRegistry;
use serde_json::json;
use testkit::gitlab::RunningGitlab;

use crate::environment::{CommandOutput, TestEnvironment, push_tags, registry_with};

const PROJECT: &str = "us/platform/mirror";

/// A checkout of a project whose list has one etcd tag. The releases of etcd are those of the project.
struct Checkout {
    gitlab: RunningGitlab,
    registry: RunningRegistry,
    environment: TestEnvironment,
}

impl Checkout {
    async fn new(tags: &[&str]) -> Self {
        let registry = registry_with(&[]).await;
        let gitlab = RunningGitlab::start(PROJECT, testkit::CANARY).await;
        let host = gitlab.host();
        let environment = TestEnvironment::new()
            .with_env("GITLAB_TOKEN", testkit::CANARY)
            .with_env("GITLAB_HOST", &host);
        let r = registry.host();
        let config = json!({ "etcd": {
            "images": [format!("{r}/etcd")],
            "versionSource": format!("gitlab-releases:{host}/{PROJECT}"),
            "reviewers": ["ada", "grace"],
            "labels": ["area/storage"],
        } });
        environment.write("config.json", config.to_string());
        environment.git(&["init", "-q", "-b", "main"]);
        let remote = format!("http://{host}/{PROJECT}.git");
        environment.git(&["remote", "add", "origin", &remote]);
        let checkout = Self {
            gitlab,
            registry,
            environment,
        };
        checkout.merge(&format!("# ours\n{}", checkout.row("v3.5.0")));
        for tag in tags {
            checkout.release(tag);
        }
        checkout
    }

    fn row(&self, tag: &str) -> String {
        let r = self.registry.host();
        format!("{r}/etcd {r}/m/etcd {tag}\n")
    }

    /// Writes the list, locally and on GitLab.
    fn merge(&self, list: &str) {
        self.environment.write("images-list", list);
        self.gitlab.commit("main", &[("images-list", list)]);
    }

    fn release(&self, tag: &str) {
        push_tags(&self.registry, &[&format!("etcd:{tag}")]);
        self.gitlab.release(tag);
    }

    fn list_of(&self, branch: &str) -> String {
        self.gitlab.files(branch)["images-list"].clone()
    }

    #[track_caller]
    fn run_has(&self, message: &str) -> CommandOutput {
        let output = self.environment.mirror("retrieve-tags --open-prs");
        let output = output.exits(0);
        assert!(
            output.stderr.contains(message),
            "{message}\n{}",
            output.stderr
        );
        output
    }

    /// Runs twice, without a write and with the same message.
    #[track_caller]
    fn settles(&self, message: &str) {
        let (requests, writes) = (self.gitlab.requests(), self.gitlab.writes());
        for _ in 0..2 {
            self.run_has(message);
        }
        assert_eq!(self.gitlab.requests(), requests);
        assert_eq!(self.gitlab.writes(), writes);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn merge_request_is_opened_updated_and_not_repeated() {
    let checkout = Checkout::new(&["v3.5.1"]).await;
    let line = "retrieve-tags --open-prs --dry-run";
    let output = checkout.environment.mirror(line).exits(0);
    assert!(
        output
            .stderr
            .contains("etcd: would open, from mirror/etcd-")
    );
    assert_eq!(checkout.gitlab.writes(), 0);
    checkout.run_has("etcd: opened https://gitlab.example/us/platform/mirror/-/merge_requests/1");
    let requests = checkout.gitlab.requests();
    let request = &requests[0];
    assert!(request.title.starts_with("Added tag(s) v3.5.1 for"));
    assert_eq!(request.labels, ["status/auto-created", "area/storage"]);
    assert_eq!(request.reviewers, ["ada", "grace"]);
    assert_eq!(request.target_branch, "main");
    let want = format!(
        "# ours\n{}{}",
        checkout.row("v3.5.0"),
        checkout.row("v3.5.1")
    );
    assert_eq!(checkout.list_of(&request.source_branch), want);
    checkout.settles("etcd: proposed already: ");

    checkout.release("v3.5.2");
    checkout.run_has("etcd: updated ");
    let requests = checkout.gitlab.requests();
    assert_eq!(requests.len(), 1);
    assert!(
        requests[0]
            .title
            .starts_with("Added tag(s) v3.5.1,v3.5.2 for")
    );
    let list = checkout.list_of(&requests[0].source_branch);
    assert_eq!(list.matches("v3.5.").count(), 3, "{list}");
    checkout.settles("etcd: proposed already: ");
}

#[tokio::test(flavor = "multi_thread")]
async fn commits_of_others_stay_conflicts_are_rebuilt_and_done_requests_closed() {
    let checkout = Checkout::new(&["v3.5.1"]).await;
    checkout.run_has("etcd: opened ");
    let first = checkout.gitlab.requests()[0].source_branch.clone();
    checkout.merge(&format!("# theirs\n{}", checkout.row("v3.5.0")));
    checkout.run_has("etcd: made anew on the target branch: ");
    assert!(checkout.list_of(&first).starts_with("# theirs\n"));
    checkout.settles("etcd: proposed already: ");

    let by_hand = checkout.list_of(&first) + "# by hand\n";
    checkout.gitlab.commit(&first, &[("images-list", &by_hand)]);
    checkout.release("v3.5.2");
    checkout.run_has("merge_requests/1 has commits of others and stays as it is");
    let requests = checkout.gitlab.requests();
    assert_eq!(requests.len(), 2);
    assert!(requests[1].title.starts_with("Added tag(s) v3.5.2 for"));
    checkout.settles("etcd: proposed already: ");
    assert_eq!(checkout.list_of(&first), by_hand);

    let listed = checkout.list_of("main") + &checkout.row("v3.5.2");
    checkout.merge(&listed);
    checkout.run_has("merge_requests/2: all its rows are in the list");
    let requests = checkout.gitlab.requests();
    assert_eq!((requests[0].state, requests[1].state), ("opened", "closed"));
    assert_eq!(
        requests[1].notes,
        ["All rows of this proposal are in the list."]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn decisions_of_persons_hold() {
    let checkout = Checkout::new(&["v3.5.1"]).await;
    checkout.run_has("etcd: opened ");
    checkout.gitlab.close(1);
    checkout.release("v3.5.2");
    checkout.release("v3.5.3");
    checkout.run_has("etcd: opened ");
    let second = checkout.gitlab.requests()[1].clone();
    assert!(second.title.starts_with("Added tag(s) v3.5.2,v3.5.3 for"));
    let branch = second.source_branch;
    let without = checkout
        .list_of(&branch)
        .replace(&checkout.row("v3.5.2"), "");
    checkout
        .gitlab
        .commit(&branch, &[("images-list", &without)]);
    checkout.gitlab.merge(2);
    checkout
        .environment
        .write("images-list", checkout.list_of("main"));
    let line = "retrieve-tags --open-prs --explain";
    let output = checkout.environment.mirror(line).exits(0);
    for reason in [
        "etcd:v3.5.1 proposed before, and closed: ",
        "etcd:v3.5.2 taken out before the merge: ",
    ] {
        assert!(output.stderr.contains(reason), "{}", output.stderr);
    }
    checkout.settles("nothing to propose");
    assert_eq!(checkout.gitlab.requests().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn token_goes_to_its_host_only_and_is_required() {
    let checkout = Checkout::new(&["v3.5.1"]).await;
    // The token is for another host: the private project is hidden.
    let environment = checkout
        .environment
        .with_env("GITLAB_HOST", "gitlab.example.org");
    let output = environment.mirror("retrieve-tags").exits(1);
    let want = "has no public releases; GitLab is queried without a token: set GITLAB_TOKEN";
    assert!(output.stderr.contains(want), "{}", output.stderr);

    let environment = environment.with_env("GITLAB_TOKEN", "");
    let line = "retrieve-tags --open-prs --dry-run";
    let output = environment.mirror(line).exits(2);
    let want =
        "is not a repository on github.com: set GITHUB_REPOSITORY to OWNER/REPO, or GITLAB_TOKEN";
    assert!(output.stderr.contains(want), "{}", output.stderr);
}
