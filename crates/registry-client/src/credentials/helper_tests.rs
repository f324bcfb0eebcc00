//! Tests of credential helpers with real scripts.

use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{env, fs};

use super::credential::Credential;
use super::helper::{HelperError, HelperName, Helpers};
use super::test_helper::TestHelper;

async fn get(script: &str) -> (TestHelper, Result<Option<Credential>, HelperError>) {
    let helper = TestHelper::new("x", script);
    let outcome = helper.helpers().get(helper.name(), "r.io").await;
    (helper, outcome)
}

fn basic(username: &str, password: &str) -> Credential {
    Credential::Basic {
        username: username.into(),
        password: password.to_owned().into(),
    }
}

#[tokio::test]
async fn get_parses_every_form_of_response() {
    let token = Credential::IdentityToken("t".to_owned().into());
    let rows = [
        (
            r#"echo '{"ServerURL":"r.io","Username":"u","Secret":"s"}'"#,
            Some(basic("u", "s")),
        ),
        (r#"echo '{"Username":"<token>","Secret":"t"}'"#, Some(token)),
        (r#"echo '{"Username":"","Secret":""}'"#, None),
        (
            "echo credentials not found in native keychain; exit 1",
            None,
        ),
        (
            // If stderr were closed at its bound, SIGPIPE would end the shell.
            r#"i=0; while [ $i -lt 9000 ]; do echo "line $i of a long message" >&2; i=$((i+1)); done
               echo '{"Username":"u","Secret":"s"}'"#,
            Some(basic("u", "s")),
        ),
    ];
    for (script, want) in rows {
        assert_eq!(get(script).await.1.unwrap(), want, "{script}");
    }
}

#[tokio::test]
async fn failure_has_the_message_of_the_helper_and_no_secret() {
    let rows = [
        (
            "echo no network; exit 3",
            "docker-credential-x get r.io failed (exit status: 3): no network",
        ),
        (
            "echo 'bad\nthing' >&2; exit 1",
            "(exit status: 1): bad thing",
        ),
        ("exit 1", "(exit status: 1): no output"),
        (
            r#"echo '{"Username":"u","Secret":"CANARY"}'; echo got CANARY >&2; exit 1"#,
            ": got …",
        ),
        (r#"echo '{"Secret": CANARY'; exit 1"#, "no output"),
        ("echo CANARY", "did not print {"),
        ("cat /dev/zero", "printed more than 65536 bytes"),
        ("kill -9 $$", "signal: 9"),
    ];
    for (script, want) in rows {
        let error = get(script).await.1.unwrap_err();
        let message = error.to_string();
        assert!(message.contains(want), "{script}: {message}");
        assert!(
            !format!("{message}{error:?}").contains("CANARY"),
            "{message}"
        );
    }
}

#[tokio::test]
async fn helper_is_killed_at_the_deadline() {
    let helper = TestHelper::new("hangs", "echo $$ > \"$DIR/pid\"; exec sleep 60");
    let helpers = helper.helpers().with_deadline(Duration::from_millis(500));
    let error = helpers.get(helper.name(), "r.io").await.unwrap_err();
    let message = error.to_string();
    assert_eq!(
        message,
        "docker-credential-hangs get r.io timed out after 0.5 s"
    );
    let pid = fs::read_to_string(helper.path("pid")).unwrap();
    assert!(!PathBuf::from(format!("/proc/{}", pid.trim())).exists());
}

#[tokio::test]
async fn helper_is_found_only_as_an_executable_in_an_absolute_directory() {
    let helper = TestHelper::new("here", "exit 0");
    let plain = helper.file("docker-credential-plain", "#!/bin/sh\n");
    let directory = plain.parent().unwrap().to_str().unwrap();
    let here = env::current_dir().unwrap();
    let up = "../".repeat(here.components().count() - 1);
    let relative = format!("{up}{}", directory.trim_start_matches('/'));
    assert!(Path::new(&relative).join("docker-credential-here").exists());
    let rows = [
        ("plain", directory),
        ("here", relative.as_str()),
        ("here", "/nonexistent"),
    ];
    for (name, path) in rows {
        let name = HelperName::parse(name).unwrap();
        let error = Helpers::new(path).get(&name, "r.io").await.unwrap_err();
        assert!(
            matches!(error, HelperError::NotFound { .. }),
            "{path}: {error}"
        );
    }
}

#[tokio::test]
async fn store_sends_the_login_and_its_failure_hides_the_secret() {
    let helper = TestHelper::new("keeps", "");
    let helpers = helper.helpers();
    let (name, login) = (helper.name(), basic("u", "p\"w"));
    helpers.store(name, "r.io", &login).await.unwrap();
    let expected = r#"store {"ServerURL":"r.io","Username":"u","Secret":"p\"w"}"#;
    assert_eq!(helper.runs(), [expected]);

    let refuses = TestHelper::new("refuses", "echo cannot keep CANARY; exit 1");
    let (helpers, login) = (refuses.helpers(), basic("u", "CANARY"));
    let outcome = helpers.store(refuses.name(), "r.io", &login);
    let message = outcome.await.unwrap_err().to_string();
    assert!(message.ends_with(": cannot keep …"), "{message}");
}
