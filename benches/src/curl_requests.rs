//! Batches of requests in the form of a curl configuration.

use std::fmt::Write as _;
use std::path::Path;

use tokio::process::Command;

use crate::error::BenchError;
use crate::measure::{self, FinishedCommand};

/// Maximum concurrent requests.
const PARALLEL: &str = "32";

/// The accepted media types. Without them registries convert manifests.
const ACCEPT: &str = "Accept: application/vnd.oci.image.index.v1+json, \
application/vnd.oci.image.manifest.v1+json, \
application/vnd.docker.distribution.manifest.list.v2+json, \
application/vnd.docker.distribution.manifest.v2+json";

/// Requests that do not depend on each other.
#[derive(Debug)]
pub(crate) struct CurlRequests {
    config: String,
    version: &'static str,
}

impl CurlRequests {
    /// Creates a batch for registries with a scheme: HTTP/2 over TLS, else HTTP/1.1.
    pub(crate) fn new(scheme: &str) -> Self {
        Self {
            config: String::new(),
            version: if scheme == "https" {
                "http2"
            } else {
                "http1.1"
            },
        }
    }

    /// Adds a HEAD of a manifest. A 404 is no failure.
    pub(crate) fn head(&mut self, url: &str) {
        self.begin(url, "");
        self.config += &format!("head\nheader = \"{ACCEPT}\"\noutput = \"/dev/null\"\n");
    }

    /// Adds a GET of a manifest.
    pub(crate) fn manifest(&mut self, url: &str) {
        self.begin(url, "fail\n");
        self.config += &format!("header = \"{ACCEPT}\"\noutput = \"/dev/null\"\n");
    }

    /// Adds a GET of a blob into a file.
    pub(crate) fn blob(&mut self, url: &str, to: &Path) {
        self.begin(url, "fail\nlocation\n");
        let _ = writeln!(self.config, "output = \"{}\"", to.display());
    }

    /// Adds an empty POST. Its `name` and the `Location` of the response are written to stdout.
    pub(crate) fn post(&mut self, url: &str, name: usize) {
        self.begin(url, "fail\n");
        self.config += "request = \"POST\"\nheader = \"Content-Length: 0\"\n";
        let write_out = format!("{name} %header{{location}}\\n");
        let _ = writeln!(
            self.config,
            "output = \"/dev/null\"\nwrite-out = \"{write_out}\""
        );
    }

    /// Adds a PUT of a file.
    pub(crate) fn put(&mut self, url: &str, media_type: &str, file: &Path) {
        self.begin(url, "fail\n");
        let file = file.display();
        let header = format!("header = \"Content-Type: {media_type}\"\nheader = \"Expect:\"\n");
        self.config += &header;
        let _ = writeln!(
            self.config,
            "upload-file = \"{file}\"\noutput = \"/dev/null\""
        );
    }

    fn begin(&mut self, url: &str, options: &str) {
        if !self.config.is_empty() {
            self.config += "next\n";
        }
        let _ = write!(
            self.config,
            "url = \"{url}\"\n{options}silent\nshow-error\n{}\n",
            self.version
        );
    }

    /// Sends all requests with one curl. Returns `None` without requests.
    ///
    /// # Errors
    ///
    /// If a request fails.
    pub(crate) async fn send(self, home: &Path) -> Result<Option<FinishedCommand>, BenchError> {
        if self.config.is_empty() {
            return Ok(None);
        }
        let config = home.join("curl.config");
        let written = std::fs::write(&config, self.config);
        written.map_err(BenchError::io("write the configuration of curl"))?;
        let mut command = Command::new("curl");
        command.args(["--disable", "--parallel", "--parallel-immediate"]);
        command
            .args(["--parallel-max", PARALLEL, "--config"])
            .arg(&config);
        let ran = measure::run(command, home).await?;
        match ran.status.success() {
            true => Ok(Some(ran)),
            false => Err(BenchError::Program {
                program: "curl".to_owned(),
                output: ran.failure(),
            }),
        }
    }
}
