//! The protocol with real scripts.

use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{env, fs};

use super::credential::Credential;
use super::helper::Helpers;
use super::helper_error::HelperError;
use super::helper_name::HelperName;
use super::test_helper::TestHelper;

async fn get(script: &str) -> (TestHelper, Result<Option<Credential>, HelperError>) {
    let helper = TestHelper::new("x", script);
    let told = helper.helpers().get(helper.name(), "r.io").await;
    (helper, told)
}

fn basic(username: &str, password: &str) -> Credential {
    Credential::Basic {
        username: username.into(),
        password: password.to_owned().into(),
    }
}

#[tokio::test]
async fn answers_in_every_form() {
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
            // Were stderr closed at its bound, the shell would die of SIGPIPE.
            r#"i=0; while [ $i -lt 9000 ]; do echo "line $i of a long story" >&2; i=$((i+1)); done
               echo '{"Username":"u","Secret":"s"}'"#,
            Some(basic("u", "s")),
        ),
    ];
    for (script, want) in rows {
        assert_eq!(get(script).await.1.unwrap(), want, "{script}");
    }
}

#[tokio::test]
async fn failures_say_what_the_helper_said_and_no_secret() {
    let rows = [
        (
            "echo no network; exit 3",
            "docker-credential-x get r.io failed (exit status: 3): no network",
        ),
        (
            "echo 'bad\nthing' >&2; exit 1",
            "(exit status: 1): bad thing",
        ),
        ("exit 1", "(exit status: 1): it said nothing"),
        (
            r#"echo '{"Username":"u","Secret":"CANARY"}'; echo got CANARY >&2; exit 1"#,
            ": got …",
        ),
        (r#"echo '{"Secret": CANARY'; exit 1"#, "it said nothing"),
        ("echo CANARY", "did not answer with the JSON"),
        ("cat /dev/zero", "answered more than 65536 bytes"),
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
async fn one_that_hangs_is_killed_at_the_deadline() {
    let helper = TestHelper::new("hangs", "echo $$ > \"$DIR/pid\"; exec sleep 60");
    let helpers = helper.helpers().with_deadline(Duration::from_millis(500));
    let error = helpers.get(helper.name(), "r.io").await.unwrap_err();
    let message = error.to_string();
    assert_eq!(
        message,
        "docker-credential-hangs get r.io did not end within 0.5 s"
    );
    let pid = fs::read_to_string(helper.path("pid")).unwrap();
    assert!(!PathBuf::from(format!("/proc/{}", pid.trim())).exists());
}

#[tokio::test]
async fn only_an_executable_in_an_absolute_folder_is_run() {
    let helper = TestHelper::new("here", "exit 0");
    let plain = helper.file("docker-credential-plain", "#!/bin/sh\n");
    let folder = plain.parent().unwrap().to_str().unwrap();
    let here = env::current_dir().unwrap();
    let up = "../".repeat(here.components().count() - 1);
    let relative = format!("{up}{}", folder.trim_start_matches('/'));
    assert!(Path::new(&relative).join("docker-credential-here").exists());
    let rows = [
        ("plain", folder),
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
async fn storing_hands_over_the_whole_and_shows_none_of_it() {
    let helper = TestHelper::new("keeps", "");
    let helpers = helper.helpers();
    let (name, login) = (helper.name(), basic("u", "p\"w"));
    helpers.store(name, "r.io", &login).await.unwrap();
    let wanted = r#"store {"ServerURL":"r.io","Username":"u","Secret":"p\"w"}"#;
    assert_eq!(helper.runs(), [wanted]);

    let refuses = TestHelper::new("refuses", "echo cannot keep CANARY; exit 1");
    let (helpers, login) = (refuses.helpers(), basic("u", "CANARY"));
    let told = helpers.store(refuses.name(), "r.io", &login);
    let message = told.await.unwrap_err().to_string();
    assert!(message.ends_with(": cannot keep …"), "{message}");
}
