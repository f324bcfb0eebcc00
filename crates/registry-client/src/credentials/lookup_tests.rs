//! Tests of lookups in real files and with a script as helper.

use futures::future::join_all;

use super::test_helper::TestHelper;
use super::*;

/// A script that returns a login with the user `helper` for servers whose name contains `kept`.
const KEPT_LOGINS: &str = r#"case "$request" in
    *kept*|https://index.docker.io/v1/) echo "{\"Username\":\"helper\",\"Secret\":\"$request\"}" ;;
    *) echo "credentials not found in native keychain"; exit 1 ;;
esac"#;

/// Returns base64 of `NAME:pw`.
fn auth(name: &str) -> String {
    let password = Secret::from("pw".to_owned());
    super::auth_file::encode(name, &password)
        .expose()
        .to_owned()
}

/// Replaces `[a]` by an entry with the user `a`.
fn file_text(text: &str) -> String {
    let mut text = text.to_owned();
    for user in ["a", "b", "c", "d"] {
        let entry = format!(r#"{{"auth": "{}"}}"#, auth(user));
        text = text.replace(&format!("[{user}]"), &entry);
    }
    text
}

fn store(helper: &TestHelper, files: &[&str]) -> CredentialStore {
    let files = files.iter().enumerate().map(|(number, text)| {
        let path = helper.file(&format!("auth-{number}.json"), &file_text(text));
        CredentialFile::required(path)
    });
    CredentialStore::new(CredentialSources {
        files: files.collect(),
        helpers: helper.helpers(),
    })
}

async fn user(store: &CredentialStore, host: &str, repository: &str) -> String {
    match store.lookup(host, repository).await.unwrap() {
        Some(Credential::Basic { username, password }) if username == "helper" => {
            format!("helper for {}", password.expose())
        }
        Some(Credential::Basic { username, .. }) => username,
        Some(other) => format!("{other:?}"),
        None => "none".into(),
    }
}

#[tokio::test]
async fn inline_content_is_named_by_its_variable() {
    let store = |text: &str| {
        let content = Secret::from(file_text(text));
        CredentialStore::new(CredentialSources {
            files: vec![CredentialFile::inline("DOCKER_AUTH_CONFIG", content)],
            helpers: Helpers::new(""),
        })
    };
    let valid = store(r#"{"auths": {"r.io": [a]}}"#);
    assert_eq!(user(&valid, "r.io", "x").await, "a");
    for text in ["{", r#"{"auths": 5}"#] {
        let error = store(text).lookup("r.io", "x").await.unwrap_err();
        assert!(error.is_of_variable());
        let error = error.to_string();
        assert!(error.starts_with("DOCKER_AUTH_CONFIG:1:"), "{error}");
        assert!(
            error.ends_with("correct the variable, or unset it"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn lookup_returns_the_longest_path_of_the_first_file_with_a_login() {
    let helper = TestHelper::new("k", KEPT_LOGINS);
    let first = r#"{"auths": {"r.io": [a], "r.io/team": [b], "r.io/team/app": [c],
        "https://q.io/v1/": [d], "docker.io/library": [b], "void.io": {}}}"#;
    let second = r#"{"auths": {"https://index.docker.io/v1/": [c], "q.io": [a], "s.io/x": [a],
        "void.io": [d]}}"#;
    let store = store(&helper, &[first, "", second]);
    let rows = [
        ("r.io", "team/app", "c"),
        ("r.io", "team/app/deep", "c"),
        ("r.io", "team/apple", "b"),
        ("r.io", "other", "a"),
        ("r.io:5000", "team/app", "none"),
        ("q.io", "x", "d"),
        ("docker.io", "library/redis", "b"),
        ("docker.io", "bitnami/redis", "c"),
        ("s.io", "x/y", "a"),
        ("s.io", "y", "none"),
        ("void.io", "x", "d"),
    ];
    for (host, repository, want) in rows {
        assert_eq!(
            user(&store, host, repository).await,
            want,
            "{host}/{repository}"
        );
    }
    assert!(helper.runs().is_empty());
}

#[tokio::test]
async fn cred_helpers_precede_auths_and_creds_store_follows() {
    let helper = TestHelper::new("k", KEPT_LOGINS);
    let text = r#"{
        "credHelpers": {"kept.io": "k", "https://kept.io/deep/kept": "k", "lost.io": "k"},
        "auths": {"kept.io": [a], "kept.io/deep": [a], "lost.io": [b], "plain.io": [c],
                  "store.io/kept": {}, "store.io": [d]},
        "credsStore": "k"}"#;
    let store = store(&helper, &[text]);
    let rows = [
        ("kept.io", "x", "helper for kept.io"),
        (
            "kept.io",
            "deep/kept/x",
            "helper for https://kept.io/deep/kept",
        ),
        ("lost.io", "x", "b"),
        ("plain.io", "x", "c"),
        ("store.io", "kept/x", "helper for store.io/kept"),
        ("store.io", "x", "d"),
        ("other-kept.io", "x", "helper for other-kept.io"),
        (
            "docker.io",
            "library/redis",
            "helper for https://index.docker.io/v1/",
        ),
        ("other.io", "x", "none"),
    ];
    for (host, repository, want) in rows {
        assert_eq!(
            user(&store, host, repository).await,
            want,
            "{host}/{repository}"
        );
    }
    let runs = helper.runs().len();
    join_all(rows.map(|(host, repository, _)| store.lookup(host, repository))).await;
    assert_eq!(helper.runs().len(), runs, "a helper ran again");
}

#[tokio::test]
async fn docker_hub_is_looked_up_under_both_of_its_names() {
    let plain = r#"[ "$request" = docker.io ] || { echo credentials not found in native keychain; exit 1; }
        echo '{"Username":"podman","Secret":"s"}'"#;
    let helper = TestHelper::new("k", plain);
    let store = store(&helper, &[r#"{"credHelpers": {"docker.io": "k"}}"#]);
    assert_eq!(user(&store, "docker.io", "library/redis").await, "podman");
    assert_eq!(
        helper.runs(),
        ["get https://index.docker.io/v1/", "get docker.io"]
    );
}

#[tokio::test]
async fn required_file_must_exist_and_optional_file_need_not() {
    let helper = TestHelper::new("k", KEPT_LOGINS);
    let not_a_directory = helper.file("plain", "");
    let lookup = async |files| {
        let sources = CredentialSources {
            files,
            helpers: helper.helpers(),
        };
        CredentialStore::new(sources).lookup("r.io", "x").await
    };
    let missing = helper.path("missing.json");
    let optional = vec![
        CredentialFile::optional(&missing),
        CredentialFile::optional(not_a_directory.join("auth.json")),
    ];
    assert_eq!(lookup(optional).await.unwrap(), None);
    let error = lookup(vec![CredentialFile::required(&missing)])
        .await
        .unwrap_err();
    assert!(error.to_string().contains("missing.json"), "{error}");
}

#[tokio::test]
async fn error_names_the_file_and_debug_hides_secrets() {
    let helper = TestHelper::new("k", "echo no network; exit 1");
    let canary = super::auth_file::encode("u", &Secret::from("CANARY".to_owned()));
    let text = format!(
        r#"{{"auths": {{"ok.io": {{"auth": "{}"}}, "bad.io": {{"auth": "Q0FOQVJZ"}},
            "token.io": {{"identitytoken": "CANARY"}}}},
            "credHelpers": {{"fails.io": "k", "gone.io": "gone"}}}}"#,
        canary.expose()
    );
    let store = store(&helper, &[&text]);
    let rows = [
        (
            "bad.io",
            "`auths` entry `bad.io`: the decoded `auth` is not user:password",
        ),
        (
            "fails.io",
            "docker-credential-k get fails.io failed (exit status: 1): no network",
        ),
        ("gone.io", "docker-credential-gone is not in PATH"),
    ];
    let mut shown = String::new();
    for (host, want) in rows {
        let error = store.lookup(host, "x").await.unwrap_err();
        let message = error.to_string();
        assert!(message.contains(want), "{message}");
        assert!(message.contains("auth-0.json"), "{message}");
        shown += &format!("{error:?}{message}");
    }
    let found = store.lookup("ok.io", "x").await.unwrap().unwrap();
    let Credential::Basic { password, .. } = &found else {
        panic!("{found:?}");
    };
    assert_eq!(password.expose(), "CANARY");
    let token = store.lookup("token.io", "x").await.unwrap();
    shown += &format!("{found:?}{token:?}{store:?}");
    for secret in ["CANARY", "Q0FOQVJZ", canary.expose()] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[tokio::test]
async fn renew_runs_a_helper_again_and_keeps_an_entry() {
    let counting =
        r#"echo "{\"Username\":\"$(wc -l < "$DIR/runs" | tr -d ' ')\",\"Secret\":\"s\"}""#;
    let helper = TestHelper::new("k", counting);
    let store = store(
        &helper,
        &[r#"{"credHelpers": {"h.io": "k"}, "auths": {"a.io": [a]}}"#],
    );
    assert_eq!(user(&store, "h.io", "x").await, "1");
    let old = store.lookup("h.io", "x").await.unwrap().unwrap();
    let new = store.renew("h.io", "x", &old).await.unwrap().unwrap();
    assert_ne!(new, old);
    let entry = store.lookup("a.io", "x").await.unwrap().unwrap();
    assert_eq!(store.renew("a.io", "x", &entry).await.unwrap(), Some(entry));
    assert_eq!(helper.runs().len(), 2);
}
