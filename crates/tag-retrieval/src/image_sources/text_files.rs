//! Local text files: manifests, kustomizations, compose files, Dockerfiles, lists.

use std::fs;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use extraction::formats::{
    Catalog, CatalogSelection, Kustomization, TextFormat, Variables, compose, dockerfile, hauler,
    images_lock, parse_variables, zarf,
};
use extraction::{ExtractedText, ImagePath, ImagePaths, ImagesFile, Include, manifests, values};

use super::collected::CollectedImages;
use super::source_problem::SourceProblem;

/// Maximum size of a text file in bytes.
const MAX_FILE: u64 = 64 * 1024 * 1024;

/// Maximum number of files of one directory tree.
const MAX_FILES: usize = 20_000;

/// Maximum nesting of directories, kustomizations and included files.
const MAX_DEPTH: usize = 32;

/// The file with variables beside a compose file.
const VARIABLES_FILE: &str = ".env";

/// Names of the files of a kustomization, by precedence.
const KUSTOMIZATIONS: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// Directories that have no files of their owner.
const SKIPPED_DIRECTORIES: [&str; 2] = ["node_modules", "vendor"];

/// The options for texts.
#[derive(Debug, Clone, Default)]
pub struct TextOptions {
    /// Variables of compose files and arguments of Dockerfiles. They replace the values in `.env`.
    pub variables: Variables,
    /// The format of all texts, if it is not detected.
    pub format: Option<TextFormat>,
    /// Further paths to images in manifests and values.
    pub image_paths: Vec<ImagePath>,
    /// The bundles of file-based catalogs.
    pub catalog: CatalogSelection,
}

/// A reader of local text files.
#[derive(Debug)]
pub struct TextFiles<'a> {
    options: &'a TextOptions,
    paths: ImagePaths,
    found: CollectedImages,
    catalog: Catalog,
    has_catalog: bool,
    /// The directories of charts, to be rendered.
    charts: Vec<PathBuf>,
    /// The directories and files that are being read: each is named by the one before it.
    open: Vec<PathBuf>,
    files: usize,
}

/// The result of a reader.
#[derive(Debug)]
pub struct ReadFiles {
    /// Everything found.
    pub found: CollectedImages,
    /// The directories of charts below directories that were read. Their templates are not manifests.
    pub charts: Vec<PathBuf>,
}

impl<'a> TextFiles<'a> {
    /// Creates a reader.
    #[must_use]
    pub fn new(options: &'a TextOptions) -> Self {
        Self {
            options,
            paths: ImagePaths::new(&options.image_paths),
            found: CollectedImages::default(),
            catalog: Catalog::default(),
            has_catalog: false,
            charts: Vec::new(),
            open: Vec::new(),
            files: 0,
        }
    }

    /// Reads a file, or a directory with its kustomization or all its files.
    pub fn read(&mut self, path: &Path) {
        match path.is_dir() {
            true => self.directory(path, 0),
            false => self.file(path, 0),
        }
    }

    /// Reads a text that is not from a file. `name` names it in places.
    pub fn read_text(&mut self, name: &str, text: &str) {
        self.text(name, None, text, 0);
    }

    /// Reads a text that is not from a local file, but has the name of one.
    pub(crate) fn read_named(&mut self, name: &str, file_name: &str, text: &str) {
        let format = TextFormat::detect(file_name, text);
        self.text_in(name, None, (format, text), 0);
    }

    /// Returns everything found. Image paths without a value in any text are problems.
    #[must_use]
    pub fn finish(mut self) -> ReadFiles {
        if self.has_catalog {
            let text = self.catalog.images(&self.options.catalog);
            self.found.add_catalog(text);
        }
        for path in self.paths.unmatched() {
            let problem = format!("no document has a value at the image path `{path}`");
            self.found.problems.push(problem.into());
        }
        ReadFiles {
            found: self.found,
            charts: self.charts,
        }
    }

    fn directory(&mut self, path: &Path, depth: usize) {
        let name = shown(path);
        if depth > MAX_DEPTH {
            return self
                .found
                .add_problem(&name, "the directories are nested too deeply");
        }
        self.within(path, |this| this.open_directory(&name, path, depth));
    }

    fn open_directory(&mut self, name: &str, path: &Path, depth: usize) {
        let mut kustomizations = KUSTOMIZATIONS.iter().map(|name| path.join(name));
        if let Some(file) = kustomizations.find(|file| file.is_file()) {
            return self.file(&file, depth);
        }
        if path.join("Chart.yaml").is_file() {
            self.charts.push(path.to_owned());
            return;
        }
        let entries = match fs::read_dir(path) {
            Ok(entries) => entries,
            Err(error) => return self.found.add_problem(name, io_message(&error)),
        };
        let mut entries: Vec<_> = entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .collect();
        entries.sort();
        for entry in entries {
            let name = entry
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            if entry.is_dir() {
                if !name.starts_with('.') && !SKIPPED_DIRECTORIES.contains(&name.as_str()) {
                    self.directory(&entry, depth + 1);
                }
            } else if may_name_images(&name) {
                self.file(&entry, depth);
            }
        }
    }

    /// Reads a file of a directory, or one that another file names.
    fn file(&mut self, path: &Path, depth: usize) {
        let name = shown(path);
        self.files += 1;
        if self.files > MAX_FILES || depth > MAX_DEPTH {
            let problem = format!(
                "not read: there are more than {MAX_FILES} files, or files that include each other"
            );
            return self.found.add_problem(&name, problem);
        }
        self.within(path, |this| match read_text(path) {
            Ok(text) => this.text(&name, Some(path), &text, depth),
            Err(error) => this.found.add_problem(&name, io_message(&error)),
        });
    }

    /// Reads a path unless it is being read: files may name each other.
    fn within(&mut self, path: &Path, read: impl FnOnce(&mut Self)) {
        let canonical = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        if self.open.contains(&canonical) {
            return;
        }
        self.open.push(canonical);
        read(self);
        self.open.pop();
    }

    fn text(&mut self, name: &str, path: Option<&Path>, text: &str, depth: usize) {
        let file_name = path.and_then(Path::file_name).unwrap_or_default();
        let format = TextFormat::detect(&file_name.to_string_lossy(), text);
        self.text_in(name, path.and_then(Path::parent), (format, text), depth);
    }

    /// Reads a text with its detected format. `directory` is that of the files that it names.
    fn text_in(
        &mut self,
        name: &str,
        directory: Option<&Path>,
        (detected, text): (Option<TextFormat>, &str),
        depth: usize,
    ) {
        let Some(format) = self.options.format.or(detected) else {
            // Most text files of a directory name no images.
            if depth == 0 && self.files <= 1 {
                let formats = TextFormat::names().join(", ");
                let problem = format!("its format is not known: name it with --format ({formats})");
                self.found.add_problem(name, problem);
            }
            return;
        };
        let extracted = match format {
            TextFormat::Manifests => manifests(text, &mut self.paths),
            TextFormat::Values => values(text, &mut self.paths),
            TextFormat::Kustomization => {
                return self.kustomization(name, directory, text, depth);
            }
            TextFormat::Compose => compose(text, &self.variables(directory)),
            TextFormat::Dockerfile => dockerfile(text, &self.options.variables),
            TextFormat::List => list(text),
            TextFormat::Hauler => hauler(text),
            TextFormat::Zarf => zarf(text),
            TextFormat::ImagesLock => images_lock(text),
            TextFormat::Catalog => {
                self.has_catalog = true;
                self.catalog.add_file(name, text);
                return;
            }
        };
        let includes = extracted.includes.clone();
        self.found.add_text(name, extracted);
        for include in includes {
            self.include(name, directory, &include, depth);
        }
    }

    /// Returns the variables of a compose file: those of `.env` beside it, and those of the options.
    fn variables(&self, directory: Option<&Path>) -> Variables {
        let file = directory.map(|directory| directory.join(VARIABLES_FILE));
        let text = file.and_then(|file| read_text(&file).ok());
        let mut variables = text.as_deref().map(parse_variables).unwrap_or_default();
        variables.extend(self.options.variables.clone());
        variables
    }

    /// Reads a kustomization with its resources, and applies its transformers to their images.
    fn kustomization(&mut self, name: &str, directory: Option<&Path>, text: &str, depth: usize) {
        let kustomization = Kustomization::parse(text);
        let outer = std::mem::take(&mut self.found);
        for resource in &kustomization.resources {
            self.include(name, directory, resource, depth);
        }
        let mut inner = std::mem::replace(&mut self.found, outer);
        let is_complete = inner.problems.is_empty();
        let images = inner.images.iter_mut().map(|placed| &mut placed.image);
        let transformed = kustomization.transform(images, is_complete);
        self.found.extend(inner);
        self.found.add_text(name, transformed);
        for problem in &kustomization.problems {
            self.found.add_problem(name, problem.as_str());
        }
    }

    /// Reads a file or directory that a file names.
    fn include(&mut self, name: &str, directory: Option<&Path>, include: &Include, depth: usize) {
        let Include { path, line } = include;
        let problem = |text: &str| format!("line {line}: `{path}` {text}");
        let is_remote =
            path.contains("://") || path.starts_with("git@") || path.starts_with("github.com/");
        if is_remote {
            let text = "is remote and was not read: name its files as sources, or pipe the output of `kustomize build`";
            return self.found.add_problem(name, problem(text));
        }
        let Some(directory) = directory else {
            let text = "was not read: a text from standard input or a URL has no directory";
            return self.found.add_problem(name, problem(text));
        };
        let target = directory.join(path);
        if !target.exists() {
            return self.found.add_problem(name, problem("does not exist"));
        }
        match target.is_dir() {
            true => self.directory(&target, depth + 1),
            false => self.file(&target, depth + 1),
        }
    }
}

impl CollectedImages {
    /// Adds the images of a catalog, whose locations have files already.
    pub(crate) fn add_catalog(&mut self, text: ExtractedText) {
        let problems = text.problems.into_iter();
        self.problems.extend(problems.map(SourceProblem::from));
        for image in text.images {
            let (file, location) = image
                .location
                .split_once(": ")
                .unwrap_or(("", &image.location));
            let (file, location) = (file.to_owned(), location.to_owned());
            self.images.push(extraction::PlacedImage {
                file,
                has_lines: true,
                image: extraction::ExtractedImage { location, ..image },
            });
        }
    }
}

/// Formats a path without `x/..` and `.` components.
fn shown(path: &Path) -> String {
    let mut shown = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if shown.file_name().is_some() => {
                shown.pop();
            }
            component => shown.push(component),
        }
    }
    shown.display().to_string()
}

/// Reads a list of images, one a line.
fn list(text: &str) -> ExtractedText {
    let file = ImagesFile::parse_with_default(text);
    ExtractedText {
        images: file.images,
        problems: file.problems,
        ..ExtractedText::default()
    }
}

/// Returns true if a file of a directory may name images.
fn may_name_images(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let extension = lower
        .rsplit_once('.')
        .map_or("", |(_, extension)| extension);
    let is_list = lower.ends_with("images.txt") || lower.ends_with("images-list.txt");
    matches!(extension, "yaml" | "yml" | "json")
        || is_list
        || extension != "txt" && TextFormat::from_file_name(name).is_some()
}

/// Reads a text file of at most [`MAX_FILE`] bytes.
pub(crate) fn read_text(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    let file = fs::File::open(path)?;
    file.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE {
        let message = format!("the file has more than {} MiB", MAX_FILE / (1024 * 1024));
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Formats an error without its number.
pub(crate) fn io_message(error: &io::Error) -> String {
    let text = error.to_string();
    let end = text.find(" (os error").unwrap_or(text.len());
    text[..end].to_lowercase()
}
