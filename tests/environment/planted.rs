//! A secret in every place where the binary or what it starts finds credentials, and the search for
//! it in all that they write.

use std::fs;
use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use testkit::{CANARY, canary, canary_in};

/// Variables with a secret that CI systems set, or people for tools like this one.
const TOKENS: [&str; 10] = [
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    "ACTIONS_RUNTIME_TOKEN",
    "AWS_SECRET_ACCESS_KEY",
    "CI_JOB_TOKEN",
    "CI_REGISTRY_PASSWORD",
    "DOCKER_PASSWORD",
    "GH_TOKEN",
    "GITHUB_TOKEN",
    "GITLAB_TOKEN",
    "REGISTRY_PASSWORD",
];

/// Proxies behind a password. Nothing is there: what is not on loopback cannot be reached anyway.
const PROXIES: [&str; 6] = [
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
];

/// Registries that have entries in auth files.
const HOSTS: [&str; 6] = [
    "docker.io",
    "ghcr.io",
    "https://index.docker.io/v1/",
    "quay.io",
    "r.example",
    "registry.example.com",
];

/// Plants, and says which variables belong to it.
pub(super) fn in_every_place(root: &Path) -> Vec<(String, String)> {
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

/// Entries of all kinds.
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

/// Fails where `text` has a secret.
#[track_caller]
pub(crate) fn is_not_in(place: &str, text: &str) {
    let found = canary_in(text);
    assert!(
        found.is_none(),
        "a secret ({found:?}) is in {place}:\n{text}"
    );
}

/// Fails where a file below `folder` has a secret, but for those where tests and `login` put one.
pub(super) fn is_in_no_file_of(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        if kind.is_dir() {
            is_in_no_file_of(&path);
        } else if kind.is_file() {
            let text = fs::read(&path).unwrap();
            let text = String::from_utf8_lossy(&text);
            if !keeps_secrets(&path, &text) {
                is_not_in(&path.display().to_string(), &text);
            }
        }
    }
}

/// A line of each private key in a folder.
pub(super) fn keys_below(folder: &Path) -> Vec<String> {
    let mut keys = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let path = entry.path();
        if entry.file_type().unwrap().is_dir() {
            keys.extend(keys_below(&path));
        } else if path.extension().is_some_and(|extension| extension == "key") {
            let text = fs::read_to_string(&path).unwrap();
            keys.extend(text.lines().nth(1).map(str::to_owned));
        }
    }
    keys
}

/// Auth files, credential helpers and configuration, none of which a run writes, but for `login`.
fn keeps_secrets(path: &Path, text: &str) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| [".netrc", ".git-credentials", "config.json"].contains(&name))
        || text.starts_with("#!")
        || text.contains("\"auths\"")
}
