//! Tests of login and logout with real files and a script as helper.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use super::test_helper::TestHelper;
use super::*;

fn login() -> Credential {
    Credential::Basic {
        username: "u".into(),
        password: "p:w".to_owned().into(),
    }
}

// base64 of u:p:w
const AUTH: &str = "{\"auth\":\"dTpwOnc=\"}";

fn squeezed(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.ends_with("}\n"), "{text}");
    text.replace(['\n', '\t', ' '], "")
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn login_changes_only_its_own_entry() {
    let helper = TestHelper::new("k", "");
    let rows = [
        ("", "r.io", r#"{"auths":{"r.io":AUTH}}"#),
        (
            "{\"auths\": null}",
            "https://r.io/",
            r#"{"auths":{"r.io":AUTH}}"#,
        ),
        (
            "{}",
            "docker.io",
            r#"{"auths":{"https://index.docker.io/v1/":AUTH}}"#,
        ),
        (
            r#"{"auths":{"http://R.io":{}}}"#,
            "r.io",
            r#"{"auths":{"http://R.io":AUTH}}"#,
        ),
        ("{}", "r.io/team", r#"{"auths":{"r.io/team":AUTH}}"#),
        (
            r#"{"z":1.5,"auths":{"y.io":{"auth":"eDp5","x":[1]},"r.io":{"auth":"eDp5"},"a.io":{}},"b":{}}"#,
            "r.io",
            r#"{"z":1.5,"auths":{"y.io":{"auth":"eDp5","x":[1]},"r.io":AUTH,"a.io":{}},"b":{}}"#,
        ),
        (
            r#"{"auths":{"docker.io":{},"https://index.docker.io/v1/":{},"docker.io/x":{}}}"#,
            "docker.io",
            r#"{"auths":{"docker.io":AUTH,"https://index.docker.io/v1/":AUTH,"docker.io/x":{}}}"#,
        ),
    ];
    for (before, key, after) in rows {
        let path = helper.file("auth.json", before);
        let location = write_login(&path, key, &login(), &helper.helpers()).await;
        assert_eq!(
            location.unwrap(),
            LoginLocation::File(path.clone()),
            "{before}"
        );
        assert_eq!(squeezed(&path), after.replace("AUTH", AUTH), "{before}");
    }
}

#[tokio::test]
async fn login_restricts_the_file_to_its_owner_and_keeps_links() {
    let helper = TestHelper::new("k", "");
    let helpers = helper.helpers();
    let new = helper.path("made/for/auth.json");
    write_login(&new, "r.io", &login(), &helpers).await.unwrap();
    assert_eq!(mode(&new), 0o600);
    assert_eq!(mode(&helper.path("made")), 0o700);

    let open = helper.file("open.json", "{}");
    for (before, after) in [(0o644, 0o600), (0o400, 0o400)] {
        fs::set_permissions(&open, fs::Permissions::from_mode(before)).unwrap();
        write_login(&open, "r.io", &login(), &helpers)
            .await
            .unwrap();
        assert_eq!(mode(&open), after);
    }

    let links = [
        ("one", "open.json", "open.json"),
        ("two", "one", "open.json"),
        ("three", "not-yet.json", "not-yet.json"),
    ];
    for (link, to, target) in links {
        let link = helper.path(link);
        symlink(to, &link).unwrap();
        write_login(&link, "s.io", &login(), &helpers)
            .await
            .unwrap();
        assert!(squeezed(&helper.path(target)).contains("s.io"));
    }
    for (link, to, _) in links {
        assert_eq!(fs::read_link(helper.path(link)).unwrap(), Path::new(to));
    }
    let left = fs::read_dir(helper.path("made/for")).unwrap().count();
    assert_eq!(left, 1, "no temporary file is left");
}

#[tokio::test]
async fn login_is_stored_in_the_assigned_helper() {
    let hub = "https://index.docker.io/v1/";
    let rows = [
        (r#"{"credHelpers":{"r.io":"k"}}"#, "r.io", "r.io"),
        (
            r#"{"credsStore":"k","auths":{"r.io":{"auth":"eDp5"}}}"#,
            "r.io",
            "r.io",
        ),
        (r#"{"credsStore":"k"}"#, "docker.io", hub),
        (r#"{"credHelpers":{"r.io/a":"k"}}"#, "r.io/a", "r.io/a"),
    ];
    for (before, key, server) in rows {
        let helper = TestHelper::new("k", "");
        let path = helper.file("config.json", before);
        let location = write_login(&path, key, &login(), &helper.helpers())
            .await
            .unwrap();
        assert!(
            matches!(location, LoginLocation::Helper { name, .. } if name == "k"),
            "{before}"
        );
        let request = format!(r#"store {{"ServerURL":"{server}","Username":"u","Secret":"p:w"}}"#);
        assert_eq!(helper.runs(), [request], "{before}");
        let after = squeezed(&path);
        assert!(after.contains(&format!("\"{server}\":{{}}")), "{after}");
        assert!(!after.contains("\"auth\""), "{after}");
    }
}

#[tokio::test]
async fn failed_login_changes_nothing() {
    let helper = TestHelper::new("k", "echo locked; exit 1");
    let colon = Credential::Basic {
        username: "u:v".into(),
        password: "CANARY".to_owned().into(),
    };
    let canary = Credential::RegistryToken("CANARY".to_owned().into());
    let rows = [
        ("{}", "r.io", &colon, "cannot contain a colon"),
        ("{}", "", &canary, "\"\" is not a registry"),
        ("{}", "r.io/a:tag@x", &canary, "is not a registry"),
        (
            "{\"auths\": CANARY",
            "r.io",
            &canary,
            "config.json:1:11: the auth file is not valid JSON",
        ),
        ("[]", "r.io", &canary, "not an auth file"),
        ("[null, null, null]", "r.io", &canary, "not an auth file"),
        (
            r#"{"credHelpers":{"r.io":"k"}}"#,
            "r.io/a",
            &canary,
            "remove it from `credHelpers`",
        ),
        (
            r#"{"credsStore":"k"}"#,
            "r.io",
            &login(),
            "failed (exit status: 1): locked (configured in",
        ),
        (
            r#"{"credsStore":"k"}"#,
            "r.io",
            &canary,
            "cannot store a registry token",
        ),
    ];
    for (before, key, credential, want) in rows {
        let path = helper.file("config.json", before);
        let outcome = write_login(&path, key, credential, &helper.helpers()).await;
        let error = outcome.unwrap_err();
        let message = error.to_string();
        assert!(message.contains(want), "{before}: {message}");
        assert!(
            !format!("{message}{error:?}").contains("CANARY"),
            "{message}"
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), before);
    }
    let directory = helper.path("");
    let outcome = write_login(&directory, "r.io", &login(), &helper.helpers()).await;
    assert!(
        outcome
            .unwrap_err()
            .to_string()
            .contains("not a regular file")
    );
}

#[tokio::test]
async fn logout_removes_every_equivalent_key_from_file_and_helper() {
    let script =
        "[ \"$request\" = r.io ] || { echo credentials not found in native keychain; exit 1; }";
    let helper = TestHelper::new("k", script);
    let helpers = helper.helpers();
    let text = r#"{"auths":{"a":{},"r.io":{},"https://r.io/v2/":{},"r.io/x":{},"b":{}},"credHelpers":{"r.io":"k","s.io":"k"}}"#;
    let path = helper.file("config.json", text);
    let in_helper = LoginLocation::Helper {
        name: "k".into(),
        file: path.clone(),
    };
    assert_eq!(
        remove_login(&path, "r.io", &helpers).await.unwrap(),
        [in_helper]
    );
    assert_eq!(helper.runs(), ["erase https://r.io/v2/", "erase r.io"]);
    let after = r#"{"auths":{"a":{},"r.io/x":{},"b":{}},"credHelpers":{"r.io":"k","s.io":"k"}}"#;
    assert_eq!(squeezed(&path), after);
    let removed = remove_login(&path, "r.io/x", &helpers).await.unwrap();
    assert_eq!(removed, [LoginLocation::File(path.clone())]);
    assert!(
        remove_login(&path, "s.io", &helpers)
            .await
            .unwrap()
            .is_empty()
    );
    let nowhere = helper.path("nowhere/auth.json");
    assert!(
        remove_login(&nowhere, "r.io", &helpers)
            .await
            .unwrap()
            .is_empty()
    );
    assert!(!nowhere.exists() && !helper.path("nowhere").exists());
}
