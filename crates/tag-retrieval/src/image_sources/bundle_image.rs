//! Images that hold the images of others: OLM bundles, file-based catalogs, Carvel bundles, plain bundles and
//! artifacts of Flux.

use std::collections::HashSet;

use extraction::formats::{Catalog, images_lock};
use extraction::{ExtractedImage, ImagePaths, PlacedImage, TagOrDigest, manifests};
use image_name::{Digest, ImageName, ManifestReference};
use registry_client::{Client, Content, Descriptor, Manifest, Repository};

use super::collected::CollectedImages;
use super::image_config::ImageLabels;
use super::layer_files::LayerFiles;
use super::source_problem::SourceProblem;
use super::text_files::TextOptions;

/// The directory of a bundle's manifests.
const OLM_MANIFESTS: &str = "operators.operatorframework.io.bundle.manifests.v1";
/// The kind of a bundle of the Operator Lifecycle Manager.
const OLM_MEDIA_TYPE: &str = "operators.operatorframework.io.bundle.mediatype.v1";
/// The directory of a file-based catalog.
const CATALOG_DIRECTORY: &str = "operators.operatorframework.io.index.configs.v1";
/// The database of a catalog in the old format.
const CATALOG_DATABASE: &str = "operators.operatorframework.io.index.database.v1";
/// `true` for a Carvel bundle.
const CARVEL_BUNDLE: &str = "dev.carvel.imgpkg.bundle";

/// The media type of a Helm chart's config.
const CHART_CONFIG: &str = "application/vnd.cncf.helm.config.v1+json";
/// The media type of the config of an artifact of Flux.
const FLUX_CONFIG: &str = "application/vnd.cncf.flux.config.v1+json";

/// The default directory of manifests.
const MANIFESTS: &str = "manifests";

/// Maximum size of an image config in bytes.
const MAX_CONFIG: u64 = 4 * 1024 * 1024;

/// Maximum size of the layers of an image without labels that is searched for manifests, in bytes.
const MAX_UNLABELED: u64 = 64 * 1024 * 1024;

/// Maximum nesting of Carvel bundles.
const MAX_DEPTH: usize = 4;

/// Maximum number of images that are checked for being Carvel bundles.
const MAX_CHECKED: usize = 1_000;

/// The kind of an image that names others.
#[derive(Debug, Clone, PartialEq, Eq)]
enum BundleKind {
    /// Manifests in a directory: an OLM bundle, a plain bundle, or an artifact of Flux.
    Manifests { directory: String },
    /// A file-based catalog in a directory.
    Catalog { directory: String },
    /// A Carvel bundle.
    Carvel,
    /// No label: manifests in the default directory, if there is one.
    Unknown,
}

/// An image whose layers can be read.
#[derive(Debug)]
struct ReadImage {
    repository: Repository,
    digest: Digest,
    labels: ImageLabels,
    config_type: String,
    layers: Vec<Descriptor>,
}

/// A reader of bundles in registries.
#[derive(Debug)]
pub struct BundleImages<'a> {
    client: &'a Client,
    options: &'a TextOptions,
    found: CollectedImages,
    /// The images that were read or checked, by digest.
    checked: HashSet<Digest>,
}

impl<'a> BundleImages<'a> {
    /// Creates a reader. No request is sent.
    #[must_use]
    pub fn new(client: &'a Client, options: &'a TextOptions) -> Self {
        Self {
            client,
            options,
            found: CollectedImages::default(),
            checked: HashSet::new(),
        }
    }

    /// Reads the image with a name, and returns everything found: the image itself, since it is needed too,
    /// and the images that it names.
    pub async fn read(mut self, name: &ImageName) -> CollectedImages {
        let label = written(name);
        match self.fetch(name).await {
            Ok(image) => {
                self.add_itself(&label);
                self.read_image(&label, image).await;
            }
            Err(problem) => self.found.add_problem(&label, problem),
        }
        self.found
    }

    /// Reads an image of a file, which answers as a repository. `label` names it in places. The image itself
    /// has no name that could be mirrored.
    pub async fn read_from(
        mut self,
        repository: &Repository,
        reference: &ManifestReference,
        label: &str,
    ) -> CollectedImages {
        let fetched = match repository.manifest(reference).await {
            Ok(Some(manifest)) => read_manifest(repository, manifest).await,
            Ok(None) => Err("it does not exist".into()),
            Err(error) => Err(error.into()),
        };
        match fetched {
            Ok(image) => self.read_image(label, image).await,
            Err(problem) => self.found.add_problem(label, problem),
        }
        self.found
    }

    /// Fetches the manifest and config of an image, mirrors of registries.conf first.
    async fn fetch(&self, name: &ImageName) -> Result<ReadImage, SourceProblem> {
        let reference = name.reference(None);
        let manifest = registry_client::manifest_reference(&reference)?;
        let mut decisive = SourceProblem::from("it does not exist");
        for repository in self.client.sources(&reference)? {
            match repository.manifest(&manifest).await {
                Ok(Some(manifest)) => return read_manifest(&repository, manifest).await,
                Ok(None) => decisive = "it does not exist".into(),
                Err(error) => decisive = error.into(),
            }
        }
        Err(decisive)
    }

    async fn read_image(&mut self, label: &str, image: ReadImage) {
        self.checked.insert(image.digest.clone());
        let kind = match image.kind() {
            Ok(kind) => kind,
            Err(problem) => {
                self.found.images.clear();
                return self.found.add_problem(label, problem);
            }
        };
        let added = match kind {
            BundleKind::Manifests { directory } => self.manifests(label, &image, &directory).await,
            BundleKind::Catalog { directory } => self.catalog(label, &image, &directory).await,
            BundleKind::Carvel => Box::pin(self.carvel(label, &image, 0)).await,
            BundleKind::Unknown => self.manifests(label, &image, MANIFESTS).await,
        };
        if let Err(problem) = added {
            self.found.add_problem(label, problem);
            // The image itself is no result on its own.
            self.found.images.clear();
        }
    }

    /// Adds the bundle itself, which the program that unpacks it pulls.
    fn add_itself(&mut self, label: &str) {
        if let Some(image) = ExtractedImage::parse(label, "the image itself") {
            self.found.images.push(PlacedImage {
                file: label.to_owned(),
                has_lines: false,
                image,
            });
        }
    }

    async fn manifests(
        &mut self,
        label: &str,
        image: &ReadImage,
        directory: &str,
    ) -> Result<(), SourceProblem> {
        let files = self.files(label, image, directory).await?;
        let mut paths = ImagePaths::new(&self.options.image_paths);
        for (path, text) in files {
            let text = manifests(&text, &mut paths);
            self.found.add_text(&format!("{label} {path}"), text);
        }
        for path in paths.unmatched() {
            let problem = format!("no document has a value at the image path `{path}`");
            self.found.add_problem(label, problem);
        }
        Ok(())
    }

    async fn catalog(
        &mut self,
        label: &str,
        image: &ReadImage,
        directory: &str,
    ) -> Result<(), SourceProblem> {
        let files = self.files(label, image, directory).await?;
        let mut catalog = Catalog::default();
        for (path, text) in files {
            catalog.add_file(&format!("{label} {path}"), &text);
        }
        self.found
            .add_catalog(catalog.images(&self.options.catalog));
        Ok(())
    }

    async fn carvel(
        &mut self,
        label: &str,
        image: &ReadImage,
        depth: usize,
    ) -> Result<(), SourceProblem> {
        let files = self.files(label, image, ".imgpkg").await?;
        let is_lock = |path: &str| path == ".imgpkg/images.yml";
        let Some((path, text)) = files.into_iter().find(|(path, _)| is_lock(path)) else {
            return Err("it has no .imgpkg/images.yml".into());
        };
        let lock = images_lock(&text);
        let names: Vec<ImageName> = lock.images.iter().filter_map(name_of).collect();
        self.found.add_text(&format!("{label} {path}"), lock);
        for name in names {
            self.nested(label, image, name, depth).await;
        }
        Ok(())
    }

    /// Reads an image of a Carvel bundle if it is a bundle too. `imgpkg copy` puts all images of a bundle
    /// into its repository, so that one is asked first.
    async fn nested(&mut self, label: &str, bundle: &ReadImage, name: ImageName, depth: usize) {
        let Some(digest) = name.digest.clone() else {
            return;
        };
        if !self.checked.insert(digest.clone()) {
            return;
        }
        let written = written(&name);
        if self.checked.len() > MAX_CHECKED || depth >= MAX_DEPTH {
            let problem =
                format!("{written} was not checked for being a bundle: there are too many");
            return self.found.add_problem(label, problem);
        }
        let beside = bundle
            .repository
            .manifest(&ManifestReference::from(&digest))
            .await;
        let image = match beside {
            Ok(Some(manifest)) => read_manifest(&bundle.repository, manifest).await,
            _ => self.fetch(&name).await,
        };
        match image {
            Ok(image) if image.kind() == Ok(BundleKind::Carvel) => {
                let nested = Box::pin(self.carvel(&written, &image, depth + 1)).await;
                if let Err(problem) = nested {
                    self.found.add_problem(&written, problem);
                }
            }
            Ok(_) => {}
            Err(error) => {
                let problem = error
                    .map(|cause| format!("cannot check whether {written} is a bundle: {cause}"));
                self.found.add_problem(label, problem);
            }
        }
    }

    /// Returns the text files below a directory of an image.
    async fn files(
        &mut self,
        label: &str,
        image: &ReadImage,
        directory: &str,
    ) -> Result<Vec<(String, String)>, SourceProblem> {
        let named = image.labels.layers_naming(directory, image.layers.len());
        let named: Vec<_> = named
            .into_iter()
            .filter_map(|at| image.layers.get(at).cloned())
            .collect();
        let mut read = LayerFiles::read(&image.repository, &named, directory).await?;
        // A history may name nothing, or only the command that made the directory.
        if read.files.is_empty() && named.len() < image.layers.len() {
            read = LayerFiles::read(&image.repository, &image.layers, directory).await?;
        }
        for link in &read.links {
            let problem = format!("{link} is a link and was not read");
            self.found.add_problem(label, problem);
        }
        if read.files.is_empty() {
            let place = match directory {
                MANIFESTS => "in /manifests",
                _ => "in the directory that it should have",
            };
            return Err(format!("it has no YAML or JSON file {place}, and names no images").into());
        }
        Ok(read.files.into_iter().collect())
    }
}

impl ReadImage {
    fn kind(&self) -> Result<BundleKind, String> {
        let directory = |text: &str| text.trim_matches('/').to_owned();
        if let Some(configs) = self.labels.get(CATALOG_DIRECTORY) {
            return Ok(BundleKind::Catalog {
                directory: directory(configs),
            });
        }
        if self.labels.get(CATALOG_DATABASE).is_some() {
            return Err("it is a catalog in the old format, an SQLite database: convert it with `opm migrate`".to_owned());
        }
        if self.labels.get(CARVEL_BUNDLE) == Some("true") {
            return Ok(BundleKind::Carvel);
        }
        let manifests = self.labels.get(OLM_MANIFESTS);
        if manifests.is_some() || self.labels.get(OLM_MEDIA_TYPE).is_some() {
            return Ok(BundleKind::Manifests {
                directory: directory(manifests.unwrap_or(MANIFESTS)),
            });
        }
        match self.config_type.as_str() {
            CHART_CONFIG => Err("it is a Helm chart: name it as oci://HOST/PATH/CHART".to_owned()),
            FLUX_CONFIG => Ok(BundleKind::Manifests {
                directory: String::new(),
            }),
            _ => {
                let sizes = self
                    .layers
                    .iter()
                    .map(|layer| layer.size().unwrap_or(u64::MAX));
                let size = sizes.fold(0, u64::saturating_add);
                if size > MAX_UNLABELED {
                    return Err(
                        "it is neither a bundle nor a catalog: its config has none of their labels"
                            .to_owned(),
                    );
                }
                Ok(BundleKind::Unknown)
            }
        }
    }
}

/// Reads the config of a manifest. Of an index, the image for linux/amd64 or the first one is read: bundles
/// have the same files for all platforms.
async fn read_manifest(
    repository: &Repository,
    manifest: Manifest,
) -> Result<ReadImage, SourceProblem> {
    let mut manifest = manifest;
    let mut content = manifest.content().map_err(|error| error.to_string())?;
    if let Content::Index { manifests, .. } = &content {
        let child = child(manifests).ok_or("its index has no image")?;
        let digest = Digest::try_from(child.digest()).map_err(|error| error.to_string())?;
        let read = repository.manifest(&ManifestReference::from(&digest)).await;
        manifest =
            read?.ok_or_else(|| format!("the registry lacks {digest}, which its index names"))?;
        content = manifest.content().map_err(|error| error.to_string())?;
    }
    let Content::Image { config, layers, .. } = content else {
        return Err("its index names another index".into());
    };
    let (labels, config_type) = match config {
        Some(config) => {
            let digest = Digest::try_from(config.digest()).map_err(|error| error.to_string())?;
            let bytes = repository
                .read_small_blob(&digest, config.size(), MAX_CONFIG)
                .await;
            let labels = ImageLabels::parse(&bytes?);
            (labels, config.media_type().unwrap_or_default().to_owned())
        }
        None => (ImageLabels::default(), String::new()),
    };
    Ok(ReadImage {
        repository: repository.clone(),
        digest: manifest.digest,
        labels,
        config_type,
        layers,
    })
}

fn child(manifests: &[Descriptor]) -> Option<&Descriptor> {
    let images = || manifests.iter().filter(|child| child.attested().is_none());
    let is_usual = |child: &&Descriptor| {
        child.platform().is_some_and(|platform| {
            platform.os.as_deref() == Some("linux")
                && platform.architecture.as_deref() == Some("amd64")
        })
    };
    images().find(is_usual).or_else(|| images().next())
}

/// Returns the name of an image as the user writes it.
fn written(name: &ImageName) -> String {
    let mut text = name.repository.as_written().to_owned();
    if let Some(tag) = &name.tag {
        text = format!("{text}:{tag}");
    }
    match &name.digest {
        Some(digest) => format!("{text}@{digest}"),
        None => text,
    }
}

fn name_of(image: &ExtractedImage) -> Option<ImageName> {
    let pin = image.pin.as_ref().map(|pin| format!("@{pin}"));
    let version = match &image.version {
        TagOrDigest::Tag(tag) => format!(":{tag}{}", pin.unwrap_or_default()),
        TagOrDigest::Digest(digest) => format!("@{digest}"),
    };
    format!("{}{version}", image.repository).parse().ok()
}
