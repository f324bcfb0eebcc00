//! Helm charts for tests.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use crate::clients::Helm;

/// A chart that is not yet written to disk.
#[derive(Clone, Debug)]
pub struct Chart {
    name: String,
    version: String,
    files: Vec<(String, String)>,
}

impl Chart {
    /// Creates a chart without templates and values.
    pub fn new(name: &str, version: &str) -> Self {
        let metadata = format!("apiVersion: v2\nname: {name}\nversion: {version}\n");
        Self {
            name: name.to_owned(),
            version: version.to_owned(),
            files: vec![("Chart.yaml".to_owned(), metadata)],
        }
    }

    /// Sets another version.
    #[must_use]
    pub fn version(mut self, version: &str) -> Self {
        let old = format!("\nversion: {}\n", self.version);
        let metadata = &mut self.files[0].1;
        *metadata = metadata.replacen(&old, &format!("\nversion: {version}\n"), 1);
        self.version = version.to_owned();
        self
    }

    /// Adds lines to `Chart.yaml`.
    #[must_use]
    pub fn metadata(mut self, lines: &str) -> Self {
        self.files[0].1.push_str(lines);
        self
    }

    /// Adds `values.yaml`.
    #[must_use]
    pub fn values(self, text: &str) -> Self {
        self.file("values.yaml", text)
    }

    /// Adds `templates/NAME.yaml` with a pod that runs `image`, which may contain templates.
    #[must_use]
    pub fn pod(self, name: &str, image: &str) -> Self {
        let pod = format!(
            "apiVersion: v1\nkind: Pod\nmetadata:\n  name: {name}\nspec:\n  containers:\n  - name: {name}\n    image: {image}\n"
        );
        self.file(&format!("templates/{name}.yaml"), &pod)
    }

    /// Adds a file by its path in the chart.
    #[must_use]
    pub fn file(mut self, path: &str, text: &str) -> Self {
        self.files.push((path.to_owned(), text.to_owned()));
        self
    }

    /// Writes the chart into `DIRECTORY/NAME` and returns that path.
    pub fn write(&self, directory: &Path) -> PathBuf {
        let top = directory.join(&self.name);
        for (path, text) in &self.files {
            let path = top.join(path);
            fs::create_dir_all(path.parent().unwrap_or(&top))
                .expect("create the directory of a chart");
            fs::write(path, text).expect("write a file of a chart");
        }
        top
    }

    /// Packages the chart into a directory with helm and returns the path of the package. The chart may
    /// depend on the charts in `beside` (`repository: file://../NAME`).
    pub async fn package(&self, directory: &Path, beside: &[&Self]) -> PathBuf {
        let written = tempfile::tempdir().expect("create a directory");
        for chart in beside {
            chart.write(written.path());
        }
        let top = self.write(written.path());
        let arguments = [
            OsStr::new("package"),
            OsStr::new("--dependency-update"),
            OsStr::new("--destination"),
            directory.as_os_str(),
            top.as_os_str(),
        ];
        let packaged = Helm::new().run(&arguments).await;
        packaged.expect("package a chart");
        directory.join(format!("{}-{}.tgz", self.name, self.version))
    }
}

/// Writes `index.yaml` into a directory of packages, which makes it a chart repository.
pub async fn index_charts(directory: &Path) {
    let arguments = [
        OsStr::new("repo"),
        OsStr::new("index"),
        directory.as_os_str(),
    ];
    let indexed = Helm::new().run(&arguments).await;
    indexed.expect("index the charts");
}

/// Pushes a package to `oci://HOST/PATH` over plain HTTP.
pub async fn push_chart(package: &Path, to: &str) {
    let arguments = [
        OsStr::new("push"),
        OsStr::new("--plain-http"),
        package.as_os_str(),
        OsStr::new(to),
    ];
    let pushed = Helm::new().run(&arguments).await;
    pushed.expect("push a chart");
}
