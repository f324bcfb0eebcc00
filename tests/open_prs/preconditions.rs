//! Conditions that stop a proposal, with their messages.

use super::{Checkout, REPOSITORY};

#[tokio::test(flavor = "multi_thread")]
async fn outdated_local_list_stops_the_proposal() {
    let checkout = Checkout::new(&["etcd:v3.5.1"], &["v3.5.1"]).await;
    // The branch on GitHub has moved on since the checkout.
    checkout
        .github
        .commit(REPOSITORY, "main", &[("images-list", "# other\n")]);
    let output = checkout.open_prs().exits(1);
    let want = "images-list is not the same here and in us/mirror on main: check out what is there and run again";
    assert!(output.stderr.contains(want), "{}", output.stderr);
    assert!(checkout.pulls().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn open_prs_requires_repository_and_token() {
    let checkout = Checkout::new(&["etcd:v3.5.1"], &["v3.5.1"]).await;
    let r = checkout.registry.host();
    let without = |name: &str| {
        let environment = crate::environment::TestEnvironment::new()
            .with_env("GITHUB_API_URL", &checkout.github.url())
            .with_env(
                "GITHUB_TOKEN",
                if name == "GITHUB_TOKEN" {
                    ""
                } else {
                    testkit::CANARY
                },
            );
        environment.write("config.json", checkout.environment.read("config.json"));
        environment.write("images-list", format!("{r}/etcd {r}/m/etcd v3.5.0\n"));
        environment.git(&["init", "-q", "-b", "main"]);
        environment
    };
    let output = without("GITHUB_REPOSITORY")
        .mirror("retrieve-tags --open-prs")
        .exits(2);
    let want = "error: cannot find the repository: set GITHUB_REPOSITORY to OWNER/REPO, or add a remote origin\n";
    assert!(output.stderr.contains(want), "{}", output.stderr);
    assert_eq!(output.stdout, "");

    let output = without("GITHUB_TOKEN")
        .mirror("retrieve-tags --open-prs")
        .exits(2);
    let want = "error: --open-prs requires GITHUB_TOKEN\n";
    assert!(output.stderr.contains(want), "{}", output.stderr);
    assert_eq!(checkout.github.writes(), 0);
}
