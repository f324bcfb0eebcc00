//! Reading the sources.

use std::io::Read;
use std::path::PathBuf;

use bundle::image_files::ImageFile;
use extraction::formats::{CatalogSelection, Variables, parse_variables};
use extraction::{NeedRules, NeededImages, Suspect};
use registry_client::Client;
use tag_retrieval::image_sources::{
    BundleImages, ChartConfig, ChartLocation, ChartSource, CollectedImages, SourceProblem,
    TextFiles, TextOptions, read_url,
};

use super::args::ImagesArgs;
use super::source::{Named, Source, resolve};
use crate::cli::failure::{Failure, io_message};
use crate::cli::image_argument::ImageArgument;
use crate::registries::image_files::open_source;
use crate::registries::upstreams::RunUpstreams;

/// Maximum size of standard input, in bytes.
const MAX_STDIN: u64 = 256 * 1024 * 1024;

/// The place of images from standard input.
const STDIN: &str = "<stdin>";

/// The images of all sources.
#[derive(Debug, Default)]
pub(super) struct Sources {
    /// The images.
    pub(super) images: NeededImages,
    /// The strings that may be images, with their files.
    pub(super) suspects: Vec<(String, Suspect)>,
    /// The parts that could not be read.
    pub(super) problems: Vec<SourceProblem>,
    /// The parts that were left out on purpose.
    pub(super) notes: Vec<String>,
}

/// A source with everything that its reader needs.
#[derive(Debug)]
pub(super) enum Readable {
    /// Texts on disk.
    Path(PathBuf),
    /// A text.
    Text(String),
    /// A file of a web server.
    File(url::Url),
    /// A chart.
    Chart(Box<ChartSource>),
    /// An image in a registry.
    Image(image_name::ImageName),
    /// An image in a file.
    ImageFile(ImageFile),
}

/// Checks all sources and options. No request is sent.
///
/// # Errors
///
/// [`Failure`] that names every source that does not exist, and for invalid options.
pub(super) fn prepare(args: &ImagesArgs) -> Result<(Vec<Readable>, TextOptions), Failure> {
    let has_repository = args.urls().next().is_some();
    if !args.charts.is_empty() && !has_repository {
        return Err(
            Failure::unusable("--chart requires the URL of a chart repository").hint(
                "name the repository as a source, such as https://charts.example.com".to_owned(),
            ),
        );
    }
    let config = chart_config(args)?;
    let chart = |location| {
        Readable::Chart(Box::new(ChartSource {
            location,
            version: args.chart_version.clone(),
            devel: args.devel,
            config: config.clone(),
        }))
    };
    let mut readable = Vec::new();
    let mut failed: Option<Failure> = None;
    for source in &args.sources {
        match source {
            Source::Stdin => readable.push(Readable::Text(read_stdin()?)),
            Source::RegistryChart(reference) => {
                readable.push(chart(ChartLocation::Registry(reference.clone())));
            }
            Source::Url(url) if args.charts.is_empty() => {
                readable.push(Readable::File(url.clone()));
            }
            Source::Url(url) => readable.extend(args.charts.iter().map(|name| {
                chart(ChartLocation::Repository {
                    url: url.clone(),
                    chart: name.clone(),
                })
            })),
            Source::File(file) => readable.push(Readable::ImageFile(file.clone())),
            Source::Name(name) => match resolve(name) {
                Ok(Named::File(file)) => readable.push(Readable::ImageFile(file)),
                Ok(Named::Image(image)) => readable.push(Readable::Image(image)),
                Ok(Named::Path(path)) if is_chart(&path) => {
                    readable.push(chart(ChartLocation::Path {
                        path: absolute(path)?,
                        name: name.clone(),
                    }));
                }
                Ok(Named::Path(path)) => readable.push(Readable::Path(path)),
                Err(failure) => failed = Some(joined(failed.take(), failure)),
            },
        }
    }
    failed.map_or(Ok(()), Err)?;
    let options = TextOptions {
        variables: variables(args)?,
        format: args.format,
        image_paths: args.image_paths.clone(),
        catalog: CatalogSelection {
            packages: args.packages.clone(),
            all_versions: args.all_versions,
        },
    };
    Ok((readable, options))
}

/// Adds the message of a failure to an earlier one.
fn joined(first: Option<Failure>, failure: Failure) -> Failure {
    match first {
        None => failure,
        Some(first) => Failure {
            message: format!("{}; {}", first.message, failure.message),
            ..first
        },
    }
}

/// Returns true for the directory or package of a chart.
fn is_chart(path: &std::path::Path) -> bool {
    path.join("Chart.yaml").is_file() || path.is_file() && path.extension() == Some("tgz".as_ref())
}

/// helm runs in another directory.
fn absolute(path: PathBuf) -> Result<PathBuf, Failure> {
    path.canonicalize().map_err(|error| {
        Failure::unusable(format!(
            "cannot read {}: {}",
            path.display(),
            io_message(&error)
        ))
    })
}

fn chart_config(args: &ImagesArgs) -> Result<ChartConfig, Failure> {
    let files = args.values.iter().map(|file| absolute(file.clone()));
    Ok(ChartConfig {
        values: args.set.clone(),
        values_files: files.collect::<Result<_, _>>()?,
        kube_version: args.kube_version.clone(),
        api_versions: args.api_versions.clone(),
        namespace: args.namespace.clone(),
        tests: args.tests,
        ..ChartConfig::default()
    })
}

fn variables(args: &ImagesArgs) -> Result<Variables, Failure> {
    let mut variables = Variables::new();
    if let Some(path) = &args.env_file {
        let text = std::fs::read_to_string(path).map_err(|error| {
            let (path, cause) = (path.display(), io_message(&error));
            Failure::unusable(format!("cannot read --env-file {path}: {cause}"))
        })?;
        variables.extend(parse_variables(&text));
    }
    variables.extend(args.variables.iter().cloned());
    Ok(variables)
}

fn read_stdin() -> Result<String, Failure> {
    let mut bytes = Vec::new();
    let mut stdin = std::io::stdin().lock().take(MAX_STDIN + 1);
    stdin.read_to_end(&mut bytes).map_err(|error| {
        Failure::unusable(format!(
            "cannot read standard input: {}",
            io_message(&error)
        ))
    })?;
    if bytes.len() as u64 > MAX_STDIN {
        let limit = MAX_STDIN / (1024 * 1024);
        return Err(
            Failure::unusable(format!("standard input has more than {limit} MiB"))
                .hint("name the files as sources instead".to_owned()),
        );
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Reads the image in a layout or archive.
async fn read_file(client: &Client, file: &ImageFile, options: &TextOptions) -> CollectedImages {
    let label = file.to_string();
    let failed = |problem: String| CollectedImages {
        problems: vec![format!("{label}: {problem}").into()],
        ..CollectedImages::default()
    };
    let opened = match open_source(client, &ImageArgument::File(file.clone())).await {
        Ok(opened) => opened,
        Err(failure) => return failed(failure.text()),
    };
    let reference = &opened.image.reference;
    let manifest = registry_client::manifest_reference(reference);
    let repository = client
        .sources(reference)
        .map(|sources| sources.into_iter().next());
    match (manifest, repository) {
        (Ok(manifest), Ok(Some(repository))) => {
            let bundle = BundleImages::new(client, options);
            bundle.read_from(&repository, &manifest, &label).await
        }
        (Err(error), _) | (_, Err(error)) => failed(error.to_string()),
        (Ok(_), Ok(None)) => failed("it does not exist".to_owned()),
    }
}

impl Sources {
    /// Reads a source and adds its images.
    pub(super) async fn read(
        &mut self,
        readable: &Readable,
        options: &TextOptions,
        (upstreams, client): (&RunUpstreams, &Client),
        rules: NeedRules,
    ) {
        let helm = &upstreams.clients.helm;
        let found = match readable {
            Readable::Text(text) => {
                let mut files = TextFiles::new(options);
                files.read_text(STDIN, text);
                files.finish().found
            }
            Readable::File(url) => read_url(client, url, options).await,
            Readable::Chart(chart) => chart.read(helm, &options.image_paths).await,
            Readable::Image(image) => BundleImages::new(client, options).read(image).await,
            Readable::ImageFile(file) => read_file(client, file, options).await,
            Readable::Path(path) => {
                let mut files = TextFiles::new(options);
                files.read(path);
                let read = files.finish();
                self.add(read.found, rules);
                for path in read.charts {
                    let chart = ChartSource {
                        location: ChartLocation::Path {
                            name: path.display().to_string(),
                            path: path.canonicalize().unwrap_or(path),
                        },
                        version: None,
                        devel: false,
                        config: ChartConfig::default(),
                    };
                    // Charts below a directory have their default values.
                    self.add(chart.read(helm, &[]).await, rules);
                }
                return;
            }
        };
        self.add(found, rules);
    }

    fn add(&mut self, found: CollectedImages, rules: NeedRules) {
        self.images.merge(NeededImages::new(found.images, rules));
        self.suspects.extend(found.suspects);
        self.problems.extend(found.problems);
        self.notes.extend(found.notes);
    }
}
