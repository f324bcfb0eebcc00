//! Failures and isolation of the helm program.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tag_retrieval::RetrievalError;
use tempfile::TempDir;
use testkit::Chart;

use crate::bench::{Bench, Settings, chart, images};

/// Writes a script in place of helm.
fn script(directory: &Path, text: &str) -> PathBuf {
    let path = directory.join("helm-script");
    fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn with_chart() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let web = Chart::new("web", "1.0.0").pod("web", "example.com/web:1");
    web.write(directory.path());
    directory
}

#[tokio::test]
async fn missing_helm_is_an_error_with_a_hint() {
    let bench = Bench::with(Settings {
        program: None,
        ..Settings::default()
    });
    let error = bench
        .directory(with_chart().path(), [chart("web")])
        .await
        .unwrap_err();
    assert!(matches!(error, RetrievalError::Helm(_)), "{error:?}");
    assert!(
        error
            .to_string()
            .contains("https://helm.sh/docs/intro/install/"),
        "{error}"
    );

    let gone = PathBuf::from("/nowhere/helm");
    let bench = Bench::with(Settings {
        program: Some(gone),
        ..Settings::default()
    });
    let error = bench
        .directory(with_chart().path(), [chart("web")])
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("cannot start /nowhere/helm"),
        "{error}"
    );
}

#[tokio::test]
async fn hanging_helm_is_stopped_at_the_deadline() {
    let directory = with_chart();
    let pids = directory.path().join("pids");
    let hang = format!("echo $$ >>'{}'; exec sleep 600", pids.display());
    let program = script(directory.path(), &hang);
    let bench = Bench::with(Settings {
        program: Some(program.clone()),
        deadline: Duration::from_millis(500),
        ..Settings::default()
    });
    let error = bench
        .directory(directory.path(), [chart("web")])
        .await
        .unwrap_err();
    let expected = format!(
        "`{} template` did not end within 0.375 s of the deadline of 0.5 s",
        program.display()
    );
    assert!(error.to_string().contains(&expected), "{error}");
    assert_gone(&pids);
}

#[tokio::test]
async fn canceled_entry_stops_its_helm() {
    let directory = with_chart();
    let pids = directory.path().join("pids");
    let hang = format!("echo $$ >>'{}'; exec sleep 600", pids.display());
    let bench = Bench::with(Settings {
        program: Some(script(directory.path(), &hang)),
        ..Settings::default()
    });
    let waiting = bench.directory(directory.path(), [chart("web")]);
    let entry = tokio::time::timeout(Duration::from_millis(500), waiting).await;
    assert!(entry.is_err());
    let mut attempts = 0;
    while running(&pids).next().is_some() {
        attempts += 1;
        assert!(attempts < 3000, "helm still runs");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn hanging_repository_does_not_delay_other_entries() {
    let directory = with_chart();
    let helm = testkit::program("helm");
    let hang = format!(
        "test \"$1\" != repo || exec sleep 600; exec '{}' \"$@\"",
        helm.display()
    );
    let bench = Bench::with(Settings {
        program: Some(script(directory.path(), &hang)),
        deadline: Duration::from_secs(30),
        processes: 1,
        ..Settings::default()
    });
    let hanging = async {
        let urls = ["http://127.0.0.1:1/a", "http://127.0.0.1:1/b"];
        tokio::join!(
            bench.latest(urls[0], [chart("a")]),
            bench.latest(urls[1], [chart("b")])
        )
    };
    tokio::select! {
        _ = hanging => panic!("nothing comes of them before their deadline"),
        retrieved = bench.directory(directory.path(), [chart("web")]) => {
            assert_eq!(images(&retrieved.unwrap()), ["example.com/web:1"]);
        }
    }
}

#[tokio::test]
async fn hanging_registry_does_not_delay_another_one() {
    let directory = with_chart();
    let packages = tempfile::tempdir().unwrap();
    let web = Chart::new("web", "1.0.0").pod("web", "example.com/web:1");
    let package = web.package(packages.path(), &[]).await;
    let fake = format!(
        "for last; do :; done; case \"$1 $last\" in\n\
         'pull oci://hangs'*) exec sleep 600;;\n\
         pull*) for a; do case \"$a\" in --destination=*) cp '{}' \"${{a#*=}}\";; esac; done;;\n\
         *) exec '{}' \"$@\";;\nesac",
        package.display(),
        testkit::program("helm").display()
    );
    let bench = Bench::with(Settings {
        program: Some(script(directory.path(), &fake)),
        ..Settings::default()
    });
    let many = (0..40).map(|number| chart(&format!("oci://hangs.example.com/c/{number}")));
    let retrieved = async {
        // The other processes have started.
        tokio::time::sleep(Duration::from_secs(1)).await;
        let other = bench.oci([chart("oci://answers.example.com/web")]);
        tokio::time::timeout(Duration::from_secs(20), other).await
    };
    tokio::select! {
        _ = bench.oci(many) => panic!("nothing comes of them before their deadline"),
        retrieved = retrieved => {
            let retrieved = retrieved.expect("a hanging registry delays another one");
            assert_eq!(images(&retrieved.unwrap()), ["example.com/web:1"]);
        }
    }
}

fn assert_gone(pids: &Path) {
    let left: Vec<String> = running(pids).collect();
    assert!(left.is_empty(), "still there: {left:?}");
}

/// Returns the recorded processes that still run; zombies do not count.
fn running(pids: &Path) -> impl Iterator<Item = String> {
    let noted = fs::read_to_string(pids).unwrap();
    assert!(!noted.is_empty(), "none was started");
    let noted: Vec<String> = noted.lines().map(str::to_owned).collect();
    noted.into_iter().filter(|pid| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let state = stat
            .rsplit(") ")
            .next()
            .and_then(|rest| rest.chars().next());
        state.is_some_and(|state| state != 'Z')
    })
}

#[tokio::test]
async fn user_environment_does_not_reach_helm() {
    let directory = with_chart();
    let seen = directory.path().join("seen");
    let helm = testkit::program("helm");
    let spy = format!(
        "env >'{}'; exec '{}' \"$@\"",
        seen.display(),
        helm.display()
    );
    let bench = Bench::with(Settings {
        program: Some(script(directory.path(), &spy)),
        environment: vec![
            ("HELM_PLUGINS", "/home/user/plugins"),
            ("HELM_DEBUG", "true"),
            ("KUBECONFIG", "/home/user/.kube/config"),
            ("HOME", "/home/user"),
            ("GITHUB_TOKEN", "secret"),
            ("HTTPS_PROXY", "http://127.0.0.1:1"),
        ],
        ..Settings::default()
    });
    let retrieved = bench
        .directory(directory.path(), [chart("web")])
        .await
        .unwrap();
    assert_eq!(images(&retrieved), ["example.com/web:1"]);
    let seen = fs::read_to_string(seen).unwrap();
    assert!(seen.contains("HTTPS_PROXY=http://127.0.0.1:1"), "{seen}");
    for outside in ["/home/user", "secret", "HELM_DEBUG", "CARGO"] {
        assert!(!seen.contains(outside), "{seen}");
    }
    let scratch = bench.scratch.path().display();
    assert!(
        seen.contains(&format!("HELM_CONFIG_HOME={scratch}/")),
        "{seen}"
    );
}
