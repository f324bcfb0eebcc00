//! Helm charts of our own.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use crate::clients::Helm;

/// A chart that is yet to be written.
#[derive(Clone, Debug)]
pub struct Chart {
    name: String,
    version: String,
    files: Vec<(String, String)>,
}

impl Chart {
    /// A chart without templates and values.
    pub fn new(name: &str, version: &str) -> Self {
        let metadata = format!("apiVersion: v2\nname: {name}\nversion: {version}\n");
        Self {
            name: name.to_owned(),
            version: version.to_owned(),
            files: vec![("Chart.yaml".to_owned(), metadata)],
        }
    }

    /// Another version of it, otherwise the same.
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

    /// `values.yaml`.
    #[must_use]
    pub fn values(self, text: &str) -> Self {
        self.file("values.yaml", text)
    }

    /// A pod that runs `image`, which may have templates in it, in `templates/NAME.yaml`.
    #[must_use]
    pub fn pod(self, name: &str, image: &str) -> Self {
        let pod = format!(
            "apiVersion: v1\nkind: Pod\nmetadata:\n  name: {name}\nspec:\n  containers:\n  - name: {name}\n    image: {image}\n"
        );
        self.file(&format!("templates/{name}.yaml"), &pod)
    }

    /// Any file, by its path in the chart.
    #[must_use]
    pub fn file(mut self, path: &str, text: &str) -> Self {
        self.files.push((path.to_owned(), text.to_owned()));
        self
    }

    /// Unpacked in `folder`, in a folder that has its name.
    pub fn write(&self, folder: &Path) -> PathBuf {
        let top = folder.join(&self.name);
        for (path, text) in &self.files {
            let path = top.join(path);
            fs::create_dir_all(path.parent().unwrap_or(&top)).expect("create a chart's folder");
            fs::write(path, text).expect("write a chart's file");
        }
        top
    }

    /// Packaged by helm into `folder`, together with its dependencies on charts in `beside`
    /// (`repository: file://../NAME`).
    pub async fn package(&self, folder: &Path, beside: &[&Self]) -> PathBuf {
        let written = tempfile::tempdir().expect("create a folder");
        for chart in beside {
            chart.write(written.path());
        }
        let top = self.write(written.path());
        let arguments = [
            OsStr::new("package"),
            OsStr::new("--dependency-update"),
            OsStr::new("--destination"),
            folder.as_os_str(),
            top.as_os_str(),
        ];
        let packaged = Helm::new().run(&arguments).await;
        packaged.expect("package a chart");
        folder.join(format!("{}-{}.tgz", self.name, self.version))
    }
}

/// Makes a chart repository of a folder with packages: writes its `index.yaml`.
pub async fn index_charts(folder: &Path) {
    let arguments = [OsStr::new("repo"), OsStr::new("index"), folder.as_os_str()];
    let indexed = Helm::new().run(&arguments).await;
    indexed.expect("index the charts");
}

/// Pushes a package to `oci://HOST/PATH` of a registry with plain HTTP.
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
