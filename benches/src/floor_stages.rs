//! Requests as curl is told to make them.

use std::fmt::Write as _;
use std::path::Path;

use tokio::process::Command;

use crate::failure::Failure;
use crate::measure::{self, Ran};

/// How many at a time.
const PARALLEL: &str = "32";

/// What registries have to be told, else they convert.
const ACCEPT: &str = "Accept: application/vnd.oci.image.index.v1+json, \
application/vnd.oci.image.manifest.v1+json, \
application/vnd.docker.distribution.manifest.list.v2+json, \
application/vnd.docker.distribution.manifest.v2+json";

/// Requests that do not depend on each other.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    config: String,
}

impl Requests {
    /// A HEAD of a manifest. What is missing is an answer too.
    pub(crate) fn head(&mut self, url: &str) {
        self.begin(url, "");
        self.config += &format!("head\nheader = \"{ACCEPT}\"\noutput = \"/dev/null\"\n");
    }

    /// A GET of a manifest.
    pub(crate) fn manifest(&mut self, url: &str) {
        self.begin(url, "fail\n");
        self.config += &format!("header = \"{ACCEPT}\"\noutput = \"/dev/null\"\n");
    }

    /// A GET of a blob into a file.
    pub(crate) fn blob(&mut self, url: &str, to: &Path) {
        self.begin(url, "fail\n");
        let _ = writeln!(self.config, "output = \"{}\"", to.display());
    }

    /// An empty POST, whose `Location` goes to stdout after `name`.
    pub(crate) fn post(&mut self, url: &str, name: usize) {
        self.begin(url, "fail\n");
        self.config += "request = \"POST\"\nheader = \"Content-Length: 0\"\n";
        let write_out = format!("{name} %header{{location}}\\n");
        let _ = writeln!(
            self.config,
            "output = \"/dev/null\"\nwrite-out = \"{write_out}\""
        );
    }

    /// A PUT of a file.
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
            "url = \"{url}\"\n{options}silent\nshow-error\nhttp1.1\n"
        );
    }

    /// Sends them. Without any, nothing is run.
    ///
    /// # Errors
    ///
    /// When one failed.
    pub(crate) async fn send(self, home: &Path) -> Result<Option<Ran>, Failure> {
        if self.config.is_empty() {
            return Ok(None);
        }
        let config = home.join("curl.config");
        let written = std::fs::write(&config, self.config);
        written.map_err(Failure::io("write for curl"))?;
        let mut command = Command::new("curl");
        command.args(["--disable", "--parallel", "--parallel-immediate"]);
        command
            .args(["--parallel-max", PARALLEL, "--config"])
            .arg(&config);
        let ran = measure::run(command, home).await?;
        match ran.status.success() {
            true => Ok(Some(ran)),
            false => Err(Failure::Program {
                program: "curl".to_owned(),
                said: ran.said(),
            }),
        }
    }
}
