//! A real credential helper for tests: a shell script in a folder of its own.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use super::helper::Helpers;
use super::helper_name::HelperName;

/// A helper and the record of its runs.
pub(super) struct TestHelper {
    dir: TempDir,
    name: HelperName,
}

impl TestHelper {
    /// `script` sees the action as `$1`, the request as `$request` and this
    /// folder as `$DIR`.
    pub(super) fn new(name: &str, script: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let text = format!(
            "#!/bin/sh\nDIR='{}'\nrequest=$(cat)\necho \"$1 $request\" >> \"$DIR/runs\"\n{script}\n",
            dir.path().display()
        );
        let program = dir.path().join(format!("docker-credential-{name}"));
        // Written by another process: were it open for writing here while another
        // test forks, running it would fail with "text file busy".
        let wrote = Command::new("/bin/sh")
            .args(["-c", "printf %s \"$1\" > \"$2\" && chmod 700 \"$2\"", "sh"])
            .arg(text)
            .arg(program)
            .status()
            .unwrap();
        assert!(wrote.success());
        let name = HelperName::parse(name).unwrap();
        Self { dir, name }
    }

    pub(super) fn name(&self) -> &HelperName {
        &self.name
    }

    /// Finds this helper, and the system's programs for its script.
    pub(super) fn helpers(&self) -> Helpers {
        let path = format!("relative:{}:/usr/bin:/bin", self.dir.path().display());
        Helpers::new(path).with_deadline(Duration::from_secs(20))
    }

    /// `ACTION REQUEST` of each run so far.
    pub(super) fn runs(&self) -> Vec<String> {
        let text = fs::read_to_string(self.path("runs")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// The path of a file beside the script.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A file beside the script, with this content.
    pub(super) fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        path
    }
}
