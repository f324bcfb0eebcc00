//! `mirror demo`: the whole cycle on this machine alone.
//!
//! Nothing is staged: the registries speak HTTP, the list is a file, and what
//! runs is what `lint`, `sync` and `compare` run.

use clap::Args;
use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};

use copier::{MovedTag, Options};
use embedded_registry::images::{Artifact, Platform, sample_image};
use embedded_registry::{Registry, RunningRegistry};
use serde_json::{Value, json};

use crate::cli::environment::Environment;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::options::CommonOptions;
use crate::cli::options::OutputFormat;
use crate::commands::compare::{CompareRun, ComparedJson, ComparedText, compare};
use crate::files::atomic_file::io_message;
use crate::files::list_file;
use crate::rows::copying::engine::{CopyRequest, copy_rows};
use crate::rows::copying::report::RunReport;
use crate::rows::copying::run::{CopyRun, Ending};
use crate::rows::copying::text::RunText;
use crate::rows::select_args::SelectArgs;
use crate::rows::selection::{self, Selection};
use crate::session::Session;
use crate::terminal::output::Output;

/// The arguments of `demo`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mirror demo
  mirror demo --keep    leave the list and the report to look at")]
pub(crate) struct DemoArgs {
    /// Keep the folder with the list and the report
    #[arg(long)]
    pub(crate) keep: bool,
}

/// What is seeded: repositories and their tags.
const IMAGES: [(&str, [&str; 3]); 4] = [
    ("base/os", ["1.9", "1.10", "1.11"]),
    ("tools/shell", ["v0.9.0", "v0.10.0", "v1.0.0"]),
    ("web/proxy", ["2.0", "2.1", "2.2"]),
    ("web/server", ["5", "6", "latest"]),
];
/// Layers of each image; the lowest is shared by all.
const LAYERS: usize = 3;

/// Runs the command.
///
/// # Errors
///
/// [`Failure`] where this machine has no room: no port, no temporary folder.
pub(crate) async fn run(session: &Session, args: &DemoArgs) -> Result<Exit, Failure> {
    let folder = tempfile::Builder::new().prefix("mirror-demo-").tempdir();
    let folder = folder.map_err(|error| cannot("make a temporary folder", &error))?;
    let list = folder.path().join("images-list");
    let demo = Demo::start(session, &list).await?;
    let mut output = DemoOutput::new(session.output);
    let exit = demo.run(&mut output, &list).await?;
    if args.keep {
        let kept = folder.keep();
        output.print(&format!(
            "\nThe list is kept: {}\n",
            kept.join("images-list").display()
        ))?;
    }
    output.finish()?;
    Ok(exit)
}

fn cannot(what: &str, error: &std::io::Error) -> Failure {
    Failure::failed(format!("the demo cannot {what}: {}", io_message(error)))
}

struct Demo {
    upstream: RunningRegistry,
    mirror: RunningRegistry,
    /// As if it were called with the demo's list and nothing else.
    session: Session,
}

impl Demo {
    async fn start(session: &Session, list: &Path) -> Result<Self, Failure> {
        let start = || async {
            Registry::new()
                .start()
                .await
                .map_err(|error| cannot("listen on loopback", &error))
        };
        let (upstream, mirror) = (start().await?, start().await?);
        for (repository, tags) in IMAGES {
            for (seed, tag) in (1..).zip(tags) {
                seed_image(&upstream, repository, tag, seed)?;
            }
        }
        fs::write(list, list_text(&upstream.host(), &mirror.host()))
            .map_err(|error| cannot("write its list", &error))?;
        let common = CommonOptions {
            images_list: vec![PathBuf::from(list)],
            registries_conf: None,
            authfile: None,
            cert_dir: None,
            insecure: Vec::new(),
            ..session.common.clone()
        };
        let session = Session {
            common,
            environment: Environment::default(),
            output: session.output,
            progress_display: session.progress_display.clone(),
            signals: session.signals.clone(),
            status_signal: session.status_signal.clone(),
        };
        Ok(Self {
            upstream,
            mirror,
            session,
        })
    }

    async fn run(&self, output: &mut DemoOutput, list: &Path) -> Result<Exit, Failure> {
        output.print(&self.introduction(list))?;
        let lists = list_file::read_all(&self.session.common.images_list)?;
        let problems = list_file::check(&lists).len();
        output.step(
            "mirror lint",
            &format!("12 rows, {problems} problems\n"),
            json!({"problems": problems}),
        )?;

        let first = self.sync(output).await?;
        output.print("\nOnce more: nothing has changed, so nothing is sent. Most of these requests ask\nwhether anything was signed since; without them (--no-referrers) it takes two an image.\n")?;
        let second = self.sync(output).await?;

        output.print("\nNow upstream moves a tag, and somebody deletes one from the mirror.\n")?;
        seed_image(&self.upstream, "web/server", "latest", 99)?;
        self.mirror.remove_tag("mirrored/tools/shell", "v1.0.0");
        let broken = self.compare(output).await?;
        let repaired = self.sync(output).await?;
        let whole = self.compare(output).await?;
        if repaired.ending == Ending::Interrupted {
            return Ok(Exit::Interrupted);
        }
        output.print(NEXT)?;

        let sums = |run: &CopyRun| (run.summary.copied, run.summary.unchanged);
        let as_expected = problems == 0
            && [sums(&first), sums(&second), sums(&repaired)] == [(12, 0), (0, 12), (2, 10)]
            && (broken.summary.drift, broken.summary.missing) == (1, 1)
            && whole.summary.same == 12;
        if as_expected {
            return Ok(Exit::Done);
        }
        Err(
            Failure::failed("the demo did not go as it should on this machine")
                .hint("run it again with -vv and report what it says".to_owned()),
        )
    }

    fn introduction(&self, list: &Path) -> String {
        let text = list_text(&self.upstream.host(), &self.mirror.host());
        let rows: String = text
            .lines()
            .take(4)
            .map(|line| format!("    {line}\n"))
            .collect();
        format!(
            "Two registries run on this machine for as long as this takes:\n\n\
             \x20 upstream  {:<16}  12 images for linux/amd64, linux/arm64 and linux/arm/v7, each signed\n\
             \x20 mirror    {:<16}  empty\n\n\
             {} says what is mirrored where:\n\n{rows}    …\n",
            self.upstream.host(),
            self.mirror.host(),
            list.display(),
        )
    }

    async fn select(&self) -> Result<Selection, Failure> {
        selection::select(&self.session, &SelectArgs::default()).await
    }

    async fn sync(&self, output: &mut DemoOutput) -> Result<CopyRun, Failure> {
        let selection = self.select().await?;
        let request = CopyRequest::new("mirror demo", selection, MovedTag::Kept);
        let run = copy_rows(&self.session, &Options::default(), request).await?;
        let report = RunReport::new(&run);
        let document = serde_json::to_value(&report).unwrap_or_default();
        output.step("mirror sync", &RunText::new(&report, false), document)?;
        Ok(run)
    }

    async fn compare(&self, output: &mut DemoOutput) -> Result<CompareRun, Failure> {
        let selection = self.select().await?;
        let run = compare(&self.session, selection, &Options::default()).await?;
        let document = serde_json::to_value(ComparedJson::new(&run)).unwrap_or_default();
        output.step("mirror compare", &ComparedText::new(&run, false), document)?;
        Ok(run)
    }
}

const NEXT: &str = "
That was the whole cycle: every image came whole, all its platforms and its
signature, byte for byte, and layers that images share crossed the wire once.

With a registry of your own:

  mirror login registry.example.com
  echo 'quay.io/coreos/etcd registry.example.com/mirrored/etcd v3.5.0' > images-list
  mirror lint
  mirror sync --dry-run
  mirror sync
  mirror compare
";

fn seed_image(
    upstream: &RunningRegistry,
    repository: &str,
    tag: &str,
    seed: u64,
) -> Result<(), Failure> {
    let platforms = [
        Platform::linux("amd64"),
        Platform::linux("arm64"),
        Platform::linux("arm").variant("v7"),
    ];
    let image = sample_image(repository, seed, &platforms, LAYERS)
        .map_err(|error| cannot("build an image", &error))?;
    image.push(upstream, repository, Some(tag));
    let signature = Artifact::new("application/vnd.example.signature")
        .blob(
            "application/octet-stream",
            format!("not really signed: {}", image.digest()),
        )
        .subject(&image)
        .build();
    signature.push(upstream, repository, None);
    Ok(())
}

fn list_text(upstream: &str, mirror: &str) -> String {
    let mut text = "# SOURCE DESTINATION TAG\n".to_owned();
    for (repository, tags) in IMAGES {
        for tag in tags {
            text += &format!("{upstream}/{repository} {mirror}/mirrored/{repository} {tag}\n");
        }
    }
    text
}

/// The output of the demo: text as it runs, or one JSON document at the end.
struct DemoOutput {
    output: Output,
    steps: Vec<Value>,
}

impl DemoOutput {
    fn new(output: Output) -> Self {
        Self {
            output,
            steps: Vec::new(),
        }
    }

    fn print(&mut self, text: &str) -> Result<(), Failure> {
        match self.output.format() {
            OutputFormat::Text => self.output.write_bytes(text.as_bytes()),
            OutputFormat::Json => Ok(()),
        }
    }

    fn step(&mut self, command: &str, text: &dyn Display, document: Value) -> Result<(), Failure> {
        self.steps
            .push(json!({"command": command, "result": document}));
        self.print(&format!("\n$ {command}\n{text}"))
    }

    fn finish(self) -> Result<(), Failure> {
        match self.output.format() {
            OutputFormat::Text => Ok(()),
            OutputFormat::Json => self.output.write(&"", &json!({"steps": self.steps})),
        }
    }
}
