//! Open proposals over several runs: commits of others, conflicts, decisions of persons.

use serde_json::json;
use testkit::github::{PullState, Release};

use super::{Checkout, REPOSITORY};
use crate::environment::CommandOutput;

const EXPLAIN: &str = "retrieve-tags --open-prs --explain";

impl Checkout {
    /// Releases a new version and pushes its image.
    fn release(&self, tag: &str) {
        crate::environment::push_tags(&self.registry, &[&format!("etcd:{tag}")]);
        self.github.release("etcd-io/etcd", Release::new(tag));
    }

    /// Returns the list of a branch.
    fn list_of(&self, branch: &str) -> String {
        self.github.files(REPOSITORY, branch)["images-list"].clone()
    }

    /// Copies the list of the target branch into the checkout, as `git pull` does.
    fn pull_list(&self) {
        self.environment.write("images-list", self.list_of("main"));
    }

    /// Runs until nothing changes: twice, without a write and with the same message.
    #[track_caller]
    fn settles(&self, message: &str) {
        let (pulls, writes) = (self.pulls(), self.github.writes());
        for _ in 0..2 {
            let output = self.open_prs().exits(0);
            assert_has(&output, message);
        }
        assert_eq!(self.pulls(), pulls);
        assert_eq!(self.github.writes(), writes);
    }
}

#[track_caller]
fn assert_has(output: &CommandOutput, message: &str) {
    assert!(
        output.stderr.contains(message),
        "{message}\n{}",
        output.stderr
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn commits_of_others_stay_and_newer_tags_get_a_branch_of_their_own() {
    let checkout = Checkout::new(&["etcd:v3.5.1"], &["v3.5.1"]).await;
    checkout.open_prs().exits(0);
    let first = checkout.pulls()[0].head.clone();
    let by_hand = checkout.list_of(&first) + "# for the team of storage\n";
    let files = [("images-list", by_hand.as_str())];
    checkout.github.commit(REPOSITORY, &first, &files);
    let log = checkout.github.log(REPOSITORY, &first);

    checkout.release("v3.5.2");
    let output = checkout.open_prs().exits(0);
    assert_has(&output, "pull/1 has commits of others and stays as it is");
    assert_has(&output, "etcd: opened ");
    let pulls = checkout.pulls();
    assert_eq!(pulls.len(), 2);
    assert_ne!(pulls[1].head, first);
    assert!(pulls[1].title.starts_with("Added tag(s) v3.5.2 for"));
    // v3.5.1 is in the pull request of the person.
    assert!(!checkout.list_of(&pulls[1].head).contains("v3.5.1"));

    // The second one is updated, the first one never.
    checkout.release("v3.5.3");
    let output = checkout.open_prs().exits(0);
    assert_has(&output, "etcd: updated https://github.com/us/mirror/pull/2");
    checkout.settles("etcd: proposed already: https://github.com/us/mirror/pull/2");
    assert_eq!(checkout.list_of(&first), by_hand);
    assert_eq!(checkout.github.log(REPOSITORY, &first), log);
}

#[tokio::test(flavor = "multi_thread")]
async fn amended_commit_is_a_commit_of_others() {
    let checkout = Checkout::new(&["etcd:v3.5.1", "etcd:v3.5.2"], &["v3.5.1", "v3.5.2"]).await;
    checkout.open_prs().exits(0);
    let branch = checkout.pulls()[0].head.clone();
    let list = checkout.list_of(&branch);
    let without: String = list
        .lines()
        .filter(|line| !line.ends_with("v3.5.2"))
        .map(|line| format!("{line}\n"))
        .collect();
    checkout
        .github
        .amend(REPOSITORY, &branch, &[("images-list", &without)]);
    checkout.release("v3.5.3");
    checkout.open_prs().exits(0);
    assert_eq!(checkout.list_of(&branch), without);
    assert_eq!(checkout.pulls().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn branch_that_conflicts_is_made_anew() {
    let checkout = Checkout::new(&["etcd:v3.5.1"], &["v3.5.1"]).await;
    checkout.open_prs().exits(0);
    let branch = checkout.pulls()[0].head.clone();
    // Not a conflict: another file.
    checkout
        .github
        .commit(REPOSITORY, "main", &[("README", "new")]);
    checkout.settles("etcd: proposed already: ");

    let list = checkout.list_of("main").replace("# ours", "# theirs");
    checkout.merge(&list);
    let line = "retrieve-tags --open-prs --dry-run";
    let output = checkout.environment.mirror(line).exits(0);
    assert_has(&output, "etcd: would make anew on the target branch: ");
    let output = checkout.open_prs().exits(0);
    assert_has(&output, "etcd: made anew on the target branch: ");
    let proposed = checkout.list_of(&branch);
    assert!(proposed.starts_with("# theirs\n"), "{proposed}");
    assert!(proposed.ends_with("v3.5.1\n"), "{proposed}");
    checkout.settles("etcd: proposed already: ");

    // A conflict in a branch with a commit of others is theirs to resolve.
    let by_hand = [("images-list", "mine\n")];
    checkout.github.commit(REPOSITORY, &branch, &by_hand);
    checkout.merge(&list.replace("# theirs", "# both"));
    checkout.settles("in a branch that conflicts and has commits of others: ");
    assert_eq!(checkout.list_of(&branch), "mine\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn proposal_whose_rows_are_in_the_list_is_closed_with_a_comment() {
    let checkout = Checkout::new(&["etcd:v3.5.1"], &["v3.5.1"]).await;
    let r = checkout.registry.host();
    checkout.open_prs().exits(0);
    let list = checkout.list_of("main") + &format!("{r}/etcd {r}/m/etcd v3.5.1\n");
    checkout.merge(&list);
    let line = "retrieve-tags --open-prs --dry-run";
    let output = checkout.environment.mirror(line).exits(0);
    assert_has(&output, "would close https://github.com/us/mirror/pull/1");
    assert_eq!(checkout.pulls()[0].state, PullState::Open);
    let output = checkout.open_prs().exits(0);
    assert_has(
        &output,
        "closed https://github.com/us/mirror/pull/1: all its rows",
    );
    assert_eq!(checkout.pulls()[0].state, PullState::Closed);
    let comments = checkout.github.comments(REPOSITORY, 1);
    assert_eq!(comments, ["All rows of this proposal are in the list."]);
    checkout.settles("nothing to propose");
    // It is no decision of a person: with another tag, the row is proposed again.
    checkout.merge(&list.replace(&format!("{r}/etcd {r}/m/etcd v3.5.1\n"), ""));
    checkout.release("v3.5.2");
    checkout.open_prs().exits(0);
    assert!(
        checkout.pulls()[1]
            .title
            .starts_with("Added tag(s) v3.5.1,v3.5.2 for")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_a_closed_proposal_are_not_proposed_again_unless_a_label_says_so() {
    let checkout = Checkout::new(&["etcd:v3.5.1"], &["v3.5.1"]).await;
    let r = checkout.registry.host();
    checkout.open_prs().exits(0);
    checkout.github.close(REPOSITORY, 1);
    checkout.release("v3.5.2");
    let output = checkout.environment.mirror(EXPLAIN).exits(0);
    let why = format!(
        "etcd: {r}/etcd:v3.5.1 proposed before, and closed: https://github.com/us/mirror/pull/1\n"
    );
    assert_has(&output, &why);
    assert_has(
        &output,
        "the label mirror/propose-again on the pull request takes that back",
    );
    let pulls = checkout.pulls();
    assert_eq!(pulls.len(), 2);
    assert!(pulls[1].title.starts_with("Added tag(s) v3.5.2 for"));
    checkout.settles("etcd: proposed already: https://github.com/us/mirror/pull/2");
    let output = checkout.open_prs().exits(0);
    assert_has(
        &output,
        "etcd: not proposed again, proposed before, and closed: ",
    );

    checkout
        .github
        .label_pull(REPOSITORY, 1, "mirror/propose-again");
    checkout.open_prs().exits(0);
    let pulls = checkout.pulls();
    assert_eq!(pulls.len(), 2);
    assert!(pulls[1].title.starts_with("Added tag(s) v3.5.1,v3.5.2 for"));
    checkout.settles("etcd: proposed already: https://github.com/us/mirror/pull/2");
}

#[tokio::test(flavor = "multi_thread")]
async fn row_taken_out_before_the_merge_is_not_proposed_again() {
    let checkout = Checkout::new(&["etcd:v3.5.1", "etcd:v3.5.2"], &["v3.5.1", "v3.5.2"]).await;
    let r = checkout.registry.host();
    checkout.open_prs().exits(0);
    let branch = checkout.pulls()[0].head.clone();
    let row = |tag: &str| format!("{r}/etcd {r}/m/etcd {tag}\n");
    let without = checkout.list_of(&branch).replace(&row("v3.5.1"), "");
    let files = [("images-list", without.as_str())];
    checkout.github.commit(REPOSITORY, &branch, &files);
    // While it is open, the row is not added again.
    checkout.settles("etcd: proposed already: ");
    checkout.github.merge(REPOSITORY, 1);
    checkout.pull_list();
    let output = checkout.environment.mirror(EXPLAIN).exits(0);
    assert_has(
        &output,
        &format!("{r}/etcd:v3.5.1 taken out before the merge: "),
    );
    checkout.settles("nothing to propose");
    assert_eq!(checkout.pulls().len(), 1);
    // A row that was merged and removed later is new again.
    let list = checkout.list_of("main").replace(&row("v3.5.2"), "");
    checkout.merge(&list);
    checkout.release("v3.5.3");
    checkout.open_prs().exits(0);
    assert!(
        checkout.pulls()[1]
            .title
            .starts_with("Added tag(s) v3.5.2,v3.5.3 for")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn reviewers_labels_and_the_mode_of_the_list_are_kept() {
    let checkout = Checkout::new(&["etcd:v3.5.1"], &["v3.5.1"]).await;
    let r = checkout.registry.host();
    let mut config = json!({ "etcd": {
        "images": [format!("{r}/etcd")],
        "versionSource": "github-releases:etcd-io/etcd",
        "reviewers": ["ada", "us/storage"],
        "labels": ["area/storage"],
    } });
    checkout
        .environment
        .write("config.json", config.to_string());
    checkout
        .github
        .set_mode(REPOSITORY, "main", "images-list", "100755");
    checkout.open_prs().exits(0);
    let pull = &checkout.pulls()[0];
    assert_eq!(pull.labels, ["status/auto-created", "area/storage"]);
    let reviewers = checkout.github.reviewers(REPOSITORY, 1);
    assert_eq!(reviewers, ["ada", "team:storage"]);
    let mode = checkout.github.mode(REPOSITORY, &pull.head, "images-list");
    assert_eq!(mode.as_deref(), Some("100755"));
    checkout.settles("etcd: proposed already: ");

    // A reviewer that GitHub refuses is a warning.
    config["etcd"]["reviewers"] = json!(["robot"]);
    checkout
        .environment
        .write("config.json", config.to_string());
    checkout.release("v3.5.2");
    let output = checkout.open_prs().exits(0);
    assert_has(&output, "cannot request reviews of 1 from robot: ");
    assert_has(&output, "etcd: updated ");
}
