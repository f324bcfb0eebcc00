//! Hostile strings.

use super::choices::Choices;
use super::hosts::{Hosts, Role};

const TEXTS: [&str; 34] = [
    "",
    "v1",
    "prod",
    "latest",
    "../../victim/app/manifests/prod",
    "./../prod?evil",
    "v1/../../../../victim/app/manifests/prod",
    "..%2f..%2fvictim%2fapp%2fmanifests%2fprod",
    "%2e%2e/%2e%2e/victim/app/manifests/prod",
    "..;/..;/victim/app/manifests/prod",
    "..\\..\\victim\\app",
    "/v2/victim/app/manifests/prod",
    "v1?from=victim/app#x",
    "v1%00",
    "\u{0}",
    "\r\nX-Injected: 1",
    "\u{1b}]8;;http://127.0.0.1:1/\u{7}\u{1b}[2J",
    "::error::injected",
    "##vso[task.setvariable]x",
    "\u{202e}dorp",
    "ｐｒｏｄ",
    "sha256:",
    "sha256:xyz",
    "md5:d41d8cd98f00b204e9800998ecf8427e",
    "SHA256:E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855",
    "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "sha256-e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "sha256-e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855.sig",
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v1+prettyjws",
    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
    "windows",
    "-1",
];

/// Paths that must not be written, or that only look like those of a row.
const PATHS: [&str; 18] = [
    "/v2/mirror/app/blobs/uploads/1",
    "/v2/victim/app/manifests/prod",
    "/v2/victim/app/blobs/uploads/1",
    "/v2/mirror/app/manifests/prod",
    "/v2/mirror/app/manifests/v1",
    "/v2/mirror/app/blobs/uploads/../../../../victim/app/manifests/prod",
    "/v2/mirror/app/blobs/uploads/%2e%2e/%2e%2e/manifests/prod",
    "/v2/mirror/app/blobs/uploads/..%2f..%2fmanifests%2fprod",
    "/v2/mirror/app/blobs/uploads/..;/..;/manifests/prod",
    "/v2/mirror/tool/blobs/uploads/1",
    "//v2/victim/app/manifests/prod",
    "/V2/victim/app/manifests/prod",
    "/%76%32/victim/app/manifests/prod",
    "/artifacts-uploads/namespaces/x/../../../v2/victim/app/manifests/prod",
    "/artifacts-uploads/namespaces/x",
    "/api/v2.0/users",
    "/storage/blob?signature=1",
    "/token",
];

/// Returns a string for any field.
pub fn text(choices: &mut Choices<'_>, hosts: &Hosts) -> String {
    match choices.up_to(TEXTS.len() + 7) {
        number if number < TEXTS.len() => TEXTS[number].to_owned(),
        number if number < TEXTS.len() + 3 => url(choices, hosts),
        number if number < TEXTS.len() + 5 => "a".repeat(*choices.pick(&[129, 300, 5_000])),
        number if number < TEXTS.len() + 6 => "\"}\n".repeat(20_000),
        _ => format!("sha256-{}.{}", "0".repeat(64), TEXTS[choices.up_to(15)]),
    }
}

/// Returns a URL or a reference for `Location`, `Link`, a realm, or the `urls` of a layer.
pub fn url(choices: &mut Choices<'_>, hosts: &Hosts) -> String {
    let role = *choices.pick(&[Role::Destination, Role::Outsider, Role::Source, Role::Other]);
    let (name, port) = (hosts.name(role), hosts.port(role));
    let path = *choices.pick(&PATHS);
    match choices.up_to(9) {
        0..=2 => format!("http://{name}{path}"),
        3 => path.to_owned(),
        4 => format!("http://localhost:{port}{path}"),
        5 => format!("//{name}{path}"),
        6 => format!("http://user:word@{name}{path}"),
        7 => format!("https://{name}{path}"),
        8 => format!("http://127.0.0.1:1{path}"),
        _ => (*choices.pick(&[
            "file:///etc/passwd",
            "http://[",
            "",
            "?x",
            "ftp://127.0.0.1/",
        ]))
        .to_owned(),
    }
}
