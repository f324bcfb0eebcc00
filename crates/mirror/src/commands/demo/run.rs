//! Running `mirror demo`.
//!
//! The demo simulates nothing: the registries serve HTTP, the list is a file, and the steps run the
//! code of `lint`, `sync` and `compare`. The program itself runs `images`, `usage` and `prune`.

use clap::Args;
use std::fs;
use std::path::{Path, PathBuf};

use copier::{MovedTag, Options};
use embedded_registry::images::{Artifact, Platform, sample_image};
use embedded_registry::{Registry, RunningRegistry};
use registry_client::Client;
use serde_json::json;

use super::application;
use super::demo_output::DemoOutput;
use super::own_program::OwnProgram;
use crate::cli::environment::Environment;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::options::CommonOptions;
use crate::commands::compare::{CompareRun, ComparedJson, ComparedText, compare};
use crate::files::atomic_file::io_message;
use crate::files::list_file;
use crate::registries::client;
use crate::rows::copying::engine::{CopyRequest, copy_rows};
use crate::rows::copying::report::RunReport;
use crate::rows::copying::run::{CopyRun, Ending};
use crate::rows::copying::text::RunText;
use crate::rows::select_args::SelectArgs;
use crate::rows::selection::{self, Selection};
use crate::session::Session;
use crate::terminal::units::counted;

/// The arguments of `demo`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mirror demo
  mirror demo --keep    keep the list for inspection")]
pub(crate) struct DemoArgs {
    /// Keep the directory with the list
    #[arg(long)]
    pub(crate) keep: bool,
}

/// The repositories and tags of the upstream registry.
const IMAGES: [(&str, [&str; 3]); 4] = [
    ("base/os", ["1.9", "1.10", "1.11"]),
    ("tools/shell", ["v0.9.0", "v0.10.0", "v1.0.0"]),
    ("web/proxy", ["2.0", "2.1", "2.2"]),
    ("web/server", ["5", "6", "latest"]),
];
/// Number of layers of each image. All images share the lowest layer.
const LAYERS: usize = 3;
/// The image that no cluster uses.
const UNUSED: (&str, &str) = ("tools/shell", "v0.9.0");
/// The list is in no git repository, and the mirror has images of the list only.
const PRUNE: &str = "prune --no-history --foreign";

/// Runs the command.
///
/// # Errors
///
/// [`Failure`] if a registry or a temporary directory cannot be created, and for an unexpected
/// result.
pub(crate) async fn run(session: &Session, args: &DemoArgs) -> Result<Exit, Failure> {
    let directory = tempfile::Builder::new().prefix("mirror-demo-").tempdir();
    let directory = directory.map_err(|error| {
        cannot("create a temporary directory", &error)
            .hint("set TMPDIR to a directory that exists and can be written".to_owned())
    })?;
    let list = directory.path().join("images-list");
    let program = OwnProgram::new(directory.path())?;
    let demo = Demo::start(session, &list, program).await?;
    let mut output = DemoOutput::new(session.output.plain());
    let exit = demo.run(&mut output, &list).await?;
    if args.keep {
        let kept = directory.keep();
        output.print(&format!(
            "\nThe list is in {}.\n",
            kept.join("images-list").display()
        ))?;
    }
    output.finish()?;
    Ok(exit)
}

fn cannot(action: &str, error: &std::io::Error) -> Failure {
    Failure::failed(format!("cannot {action}: {}", io_message(error)))
}

/// The registries of the demo, and the session of its commands.
struct Demo {
    upstream: RunningRegistry,
    mirror: RunningRegistry,
    /// This program in the directory of the list.
    program: OwnProgram,
    /// A session with the list of the demo, without environment, configuration and credentials.
    session: Session,
}

impl Demo {
    async fn start(session: &Session, list: &Path, program: OwnProgram) -> Result<Self, Failure> {
        let start = || async {
            Registry::new()
                .start()
                .await
                .map_err(|error| cannot("start a registry on the loopback interface", &error))
        };
        let (upstream, mirror) = (start().await?, start().await?);
        for (repository, tags) in IMAGES {
            for (seed, tag) in (1..).zip(tags) {
                seed_image(&upstream, repository, tag, seed)?;
            }
        }
        let (from, to) = (upstream.host(), mirror.host());
        let write = |path: PathBuf, text: String| {
            fs::write(path, text).map_err(|error| cannot("write the files of the demo", &error))
        };
        write(list.to_owned(), list_text(&from, &to))?;
        write(
            list.with_file_name("app.yaml"),
            application::manifests(&from),
        )?;
        let cluster = application::cluster(&from, &to).to_string();
        write(list.with_file_name("cluster.json"), cluster)?;
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
            program,
            session,
        })
    }

    async fn run(&self, output: &mut DemoOutput, list: &Path) -> Result<Exit, Failure> {
        output.print(&self.introduction(list))?;
        let lists =
            list_file::read_all(&self.session.common.images_list, &std::sync::Arc::default())?;
        let problems = list_file::check(&lists).len();
        let result = match problems {
            0 => "12 rows, no problems\n".to_owned(),
            problems => counted(problems, "problem") + "\n",
        };
        output.print("\nCheck the list. No request is sent.\n")?;
        output.step("mirror lint", &result, json!({"problems": problems}))?;

        output.print("\nFind the images that an application needs, and their rows.\n")?;
        output.run(&self.program, "images app.yaml --check").await?;

        output.print("\nCopy every image with all its platforms and its signature.\n")?;
        let first = self.sync(output).await?;
        output.print(
            "\nSync again. Every image is up to date, so no blob is sent. Most requests check\n\
             for new signatures. With --no-referrers, sync sends two requests per image.\n",
        )?;
        let second = self.sync(output).await?;

        output.print(
            "\nUpstream now moves web/server:latest to another image, and tools/shell:v1.0.0 is deleted\n\
             from the mirror. Compare finds both.\n",
        )?;
        seed_image(&self.upstream, "web/server", "latest", 99)?;
        self.mirror.remove_tag("mirrored/tools/shell", "v1.0.0");
        let damaged = self.compare(output).await?;
        output.print("\nThe next sync repairs the mirror.\n")?;
        let repaired = self.sync(output).await?;
        output.print("\nThe mirror matches the list again.\n")?;
        let complete = self.compare(output).await?;
        if repaired.ending == Ending::Interrupted {
            return Ok(Exit::Interrupted);
        }
        let is_clean = self.clean_up(output, list).await?;
        output.print(CONCLUSION)?;

        let counts = |run: &CopyRun| (run.summary.copied, run.summary.unchanged);
        let is_expected = problems == 0
            && is_clean
            && [counts(&first), counts(&second), counts(&repaired)] == [(12, 0), (0, 12), (2, 10)]
            && (damaged.summary.drift, damaged.summary.missing) == (1, 1)
            && complete.summary.same == 12;
        if is_expected {
            return Ok(Exit::Done);
        }
        Err(Failure::failed("the demo had an unexpected result")
            .hint("run `mirror demo -vv` and report its output".to_owned()))
    }

    /// Removes the row of an image that no cluster uses, and deletes the image from the mirror. Returns true if
    /// the mirror then is what the list says.
    async fn clean_up(&self, output: &mut DemoOutput, list: &Path) -> Result<bool, Failure> {
        output.print(
            "\nCompare the list with what a cluster runs, as `kubectl get -o json` prints it.\n",
        )?;
        output.run(&self.program, "usage cluster.json").await?;
        let (repository, tag) = UNUSED;
        let text = list_text(&self.upstream.host(), &self.mirror.host());
        let is_kept = |line: &&str| !(line.contains(repository) && line.ends_with(tag));
        let kept: String = text
            .split_inclusive('\n')
            .filter(|line| is_kept(&line.trim_end()))
            .collect();
        fs::write(list, kept).map_err(|error| cannot("write the list", &error))?;
        output.print(&format!(
            "\nThe cluster does not use {repository}:{tag}, and its row is removed. Prune plans what can go, \
             for a review,\nand deletes what the plan has.\n"
        ))?;
        for action in ["--plan", "--apply"] {
            let line = format!("{PRUNE} {action} plan.json");
            output.run(&self.program, &line).await?;
        }
        let tags = self.mirror.tags(&format!("mirrored/{repository}"));
        Ok(tags == ["v0.10.0", "v1.0.0"])
    }

    fn introduction(&self, list: &Path) -> String {
        let text = list_text(&self.upstream.host(), &self.mirror.host());
        let rows: String = text
            .lines()
            .take(4)
            .map(|line| format!("    {line}\n"))
            .collect();
        format!(
            "Two registries run on this machine until the demo ends:\n\n\
             \x20 upstream  {:<16}  12 signed images for linux/amd64, linux/arm64 and linux/arm/v7\n\
             \x20 mirror    {:<16}  empty\n\n\
             The list, {}, has one row per image:\n\n{rows}    …\n",
            self.upstream.host(),
            self.mirror.host(),
            list.display(),
        )
    }

    async fn select(&self) -> Result<Selection, Failure> {
        selection::select(&self.session, &SelectArgs::default()).await
    }

    fn client(&self) -> Result<Client, Failure> {
        client::build(&self.session.common, &self.session.environment)
    }

    async fn sync(&self, output: &mut DemoOutput) -> Result<CopyRun, Failure> {
        let selection = self.select().await?;
        let request = CopyRequest::new(selection, MovedTag::Kept, self.client()?);
        let run = copy_rows(&self.session, &Options::default(), request).await?;
        let report = RunReport::new(&run);
        let document = serde_json::to_value(&report).unwrap_or_default();
        output.step("mirror sync", &RunText::new(&report, false), document)?;
        Ok(run)
    }

    async fn compare(&self, output: &mut DemoOutput) -> Result<CompareRun, Failure> {
        let selection = self.select().await?;
        let run = compare(
            &self.session,
            selection,
            &Options::default(),
            &self.client()?,
        )
        .await?;
        let document = serde_json::to_value(ComparedJson::new(&run)).unwrap_or_default();
        output.step("mirror compare", &ComparedText::new(&run, false), document)?;
        Ok(run)
    }
}

const CONCLUSION: &str = "
Every image was copied byte for byte. A layer that several images share was uploaded once and
mounted into the other repositories.

To mirror into your own registry:

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
            format!("demo signature of {}", image.digest()),
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
