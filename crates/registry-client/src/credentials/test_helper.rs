//! A credential helper for tests: a shell script in a temporary directory.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use super::helper::{HelperName, Helpers};

/// A helper and the record of its runs.
pub(super) struct TestHelper {
    dir: TempDir,
    name: HelperName,
}

impl TestHelper {
    /// Creates a helper. `script` gets the action as `$1`, the request as `$request` and the directory
    /// as `$DIR`.
    pub(super) fn new(name: &str, script: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let text = format!(
            "#!/bin/sh\nDIR='{}'\nrequest=$(cat)\necho \"$1 $request\" >> \"$DIR/runs\"\n{script}\n",
            dir.path().display()
        );
        let program = dir.path().join(format!("docker-credential-{name}"));
        // Another process writes the script: a test that forks while it is open for writing here
        // would keep it busy (ETXTBSY).
        let status = Command::new("/bin/sh")
            .args(["-c", "printf %s \"$1\" > \"$2\" && chmod 700 \"$2\"", "sh"])
            .arg(text)
            .arg(program)
            .status()
            .unwrap();
        assert!(status.success());
        let name = HelperName::parse(name).unwrap();
        Self { dir, name }
    }

    pub(super) fn name(&self) -> &HelperName {
        &self.name
    }

    /// Returns a search path with this helper and the programs of the system.
    pub(super) fn helpers(&self) -> Helpers {
        let path = format!("relative:{}:/usr/bin:/bin", self.dir.path().display());
        Helpers::new(path).with_deadline(Duration::from_secs(20))
    }

    /// Returns `ACTION REQUEST` of each run.
    pub(super) fn runs(&self) -> Vec<String> {
        let text = fs::read_to_string(self.path("runs")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Returns the path of a file in the directory of the script.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Creates a file in the directory of the script.
    pub(super) fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        path
    }
}
