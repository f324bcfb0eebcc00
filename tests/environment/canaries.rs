//! Secrets wherever the binary and its child processes read credentials, and the search for them
//! in everything that a run writes.

use std::fs;
use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use testkit::{CANARY, canary, canary_in};

/// Variables with secrets that CI systems or users set.
const TOKENS: [&str; 13] = [
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    "ACTIONS_RUNTIME_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "CI_JOB_TOKEN",
    "CI_REGISTRY_PASSWORD",
    "DOCKER_PASSWORD",
    "GH_TOKEN",
    "GITHUB_TOKEN",
    "GITLAB_TOKEN",
    "QUAY_TOKEN",
    "REGISTRY_PASSWORD",
];

/// Proxy variables, set to a URL with a password. Nothing listens there: tests use loopback only.
const PROXIES: [&str; 6] = [
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
];

/// Registries with entries in the planted auth files.
const HOSTS: [&str; 6] = [
    "docker.io",
    "ghcr.io",
    "https://index.docker.io/v1/",
    "quay.io",
    "r.example",
    "registry.example.com",
];

/// Writes the planted files and returns the planted variables.
pub(super) fn plant(root: &Path) -> Vec<(String, String)> {
    let home = root.join("home");
    let write = |path: &str, text: String| {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("docker/config.json", auth_file("docker"));
    write("home/.config/helm/registry/config.json", auth_file("helm"));
    write("home/named-auth.json", auth_file("named"));
    write("run/containers/auth.json", auth_file("podman"));
    let login = format!("login robot password {CANARY}");
    write(
        "home/.netrc",
        format!("machine r.example {login}\ndefault {login}\n"),
    );
    write(
        "home/.git-credentials",
        format!("https://robot:{CANARY}@git.example\n"),
    );

    let docker = root.join("docker").display().to_string();
    let named = home.join("named-auth.json").display().to_string();
    let proxy = format!("http://robot:{CANARY}@127.0.0.1:1");
    let loopback = "127.0.0.1,localhost,::1";
    let tokens = TOKENS.map(|name| (name, CANARY));
    let proxies = PROXIES.map(|name| (name, &*proxy));
    let others = [
        ("NO_PROXY", loopback),
        ("no_proxy", loopback),
        ("DOCKER_CONFIG", &*docker),
        ("REGISTRY_AUTH_FILE", &*named),
    ];
    let all = tokens.into_iter().chain(proxies).chain(others);
    all.map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// Builds an auth file with an entry of each kind.
fn auth_file(user: &str) -> String {
    let pair = BASE64_STANDARD.encode(format!("{user}:{CANARY}"));
    let mut auths: serde_json::Map<String, Value> = HOSTS
        .iter()
        .map(|host| ((*host).to_owned(), json!({"auth": pair})))
        .collect();
    auths.insert(
        "pair.example".into(),
        json!({"username": user, "password": CANARY}),
    );
    auths.insert(
        "identity.example".into(),
        json!({"identitytoken": canary!("identity-")}),
    );
    auths.insert(
        "token.example".into(),
        json!({"registrytoken": canary!("bearer-")}),
    );
    json!({"auths": auths, "HttpHeaders": {"X-Meta-Secret": CANARY}}).to_string()
}

/// Fails if `text` has a secret.
#[track_caller]
pub(crate) fn assert_no_canary(location: &str, text: &str) {
    let found = canary_in(text);
    assert!(
        found.is_none(),
        "{location} has a secret ({found:?}):\n{text}"
    );
}

/// Fails if a file below `directory` has a secret, except where tests and `login` put one.
pub(super) fn assert_no_file_has_canary(directory: &Path) {
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        if kind.is_dir() {
            assert_no_file_has_canary(&path);
        } else if kind.is_file() {
            let text = fs::read(&path).unwrap();
            let text = String::from_utf8_lossy(&text);
            if !may_hold_secrets(&path, &text) {
                assert_no_canary(&path.display().to_string(), &text);
            }
        }
    }
}

/// Returns one line of each private key below a directory.
pub(super) fn private_keys_below(directory: &Path) -> Vec<String> {
    let mut keys = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let path = entry.path();
        if entry.file_type().unwrap().is_dir() {
            keys.extend(private_keys_below(&path));
        } else if path.extension().is_some_and(|extension| extension == "key") {
            let text = fs::read_to_string(&path).unwrap();
            keys.extend(text.lines().nth(1).map(str::to_owned));
        }
    }
    keys
}

/// Returns whether a file is an auth file, a credential helper or configuration. Only `login`
/// writes one of them.
fn may_hold_secrets(path: &Path, text: &str) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| [".netrc", ".git-credentials", "config.json"].contains(&name))
        || text.starts_with("#!")
        || text.contains("\"auths\"")
}
