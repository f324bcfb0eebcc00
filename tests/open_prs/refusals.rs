//! What stops a proposal, and what it says.

use super::{REPOSITORY, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_is_not_that_of_the_branch_is_not_proposed() {
    let world = World::new(&["etcd:v3.5.1"], &["v3.5.1"]).await;
    // Somebody merged something since this was checked out.
    world
        .github
        .commit(REPOSITORY, "main", &[("images-list", "# other\n")]);
    let done = world.run().exits(1);
    let want = "images-list is not the same here and in us/mirror on main: check out what is there and run again";
    assert!(done.stderr.contains(want), "{}", done.stderr);
    assert!(world.pulls().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn it_must_be_known_where_and_by_whom() {
    let world = World::new(&["etcd:v3.5.1"], &["v3.5.1"]).await;
    let r = world.registry.host();
    let without = |name: &str| {
        let environment = crate::environment::TestEnvironment::new()
            .with("GITHUB_API_URL", &world.github.url())
            .with(
                "GITHUB_TOKEN",
                if name == "GITHUB_TOKEN" {
                    ""
                } else {
                    testkit::CANARY
                },
            );
        environment.write("config.json", world.environment.read("config.json"));
        environment.write("images-list", format!("{r}/etcd {r}/m/etcd v3.5.0\n"));
        environment.run("git", &["init", "-q", "-b", "main"]);
        environment
    };
    let done = without("GITHUB_REPOSITORY")
        .mirror("retrieve-tags --open-prs")
        .exits(2);
    let want = "error: there is no GITHUB_REPOSITORY and no remote origin: set it to OWNER/REPO\n";
    assert!(done.stderr.contains(want), "{}", done.stderr);
    assert_eq!(done.stdout, "");

    let done = without("GITHUB_TOKEN")
        .mirror("retrieve-tags --open-prs")
        .exits(2);
    let want = "error: --open-prs without GITHUB_TOKEN: nobody may open pull requests\n";
    assert!(done.stderr.contains(want), "{}", done.stderr);
    assert_eq!(world.github.writes(), 0);
}
