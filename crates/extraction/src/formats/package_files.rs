//! Files that list the images of a package: hauler, zarf, and the lock files of helm-dt and imgpkg.

use crate::extracted_image::{Evidence, ExtractedImage};
use crate::extracted_text::ExtractedText;
use crate::image_reference::ImageReference;
use crate::yaml::{AliasBudget, Map, Node, Scalar, parse, split_documents};

/// The begin of a template variable of zarf.
const ZARF_VARIABLE: &str = "###ZARF_";

/// Extracts the images of hauler manifests: `spec.images` of each document of kind `Images`. Charts and
/// files are noted.
#[must_use]
pub fn hauler(text: &str) -> ExtractedText {
    read(text, |document, reader| match document.text("kind") {
        Some("Images") => {
            let spec = document.map("spec");
            for (image, at) in spec
                .iter()
                .flat_map(|spec| spec.maps("images"))
                .zip(0usize..)
            {
                reader.image(image.scalar("name"), &format!("spec.images[{at}].name"));
            }
        }
        Some(kind @ ("Charts" | "ThickCharts")) => {
            let spec = document.map("spec");
            for chart in spec.iter().flat_map(|spec| spec.maps("charts")) {
                if let Some(name) = chart.scalar("name") {
                    let from = chart.text("repoURL").unwrap_or("no repository");
                    let from = from.to_owned();
                    reader.note(
                        name,
                        &format!(
                            "{kind}: the chart `{}` ({from}) is not read; name it as a source",
                            name.text
                        ),
                    );
                }
            }
        }
        Some("ImageTxts") => {
            let spec = document.map("spec");
            for list in spec.iter().flat_map(|spec| spec.maps("images")) {
                if let Some(list) = list.scalar("ref") {
                    let text = &list.text;
                    reader.note(
                        list,
                        &format!("ImageTxts: the list {text} is not read; name it as a source"),
                    );
                }
            }
        }
        _ => {}
    })
}

/// Extracts the images of a zarf.yaml: those of its components and image archives.
#[must_use]
pub fn zarf(text: &str) -> ExtractedText {
    read(text, |document, reader| {
        for (component, at) in document.maps("components").zip(0usize..) {
            let place = format!("components[{at}]");
            reader.images(component, &place);
            for (archive, at) in component.maps("imageArchives").zip(0usize..) {
                reader.images(archive, &format!("{place}.imageArchives[{at}]"));
            }
            let import = component.map("import");
            let imported =
                import.and_then(|import| import.scalar("path").or_else(|| import.scalar("url")));
            if let Some(path) = imported {
                reader.note(
                    path,
                    &format!(
                        "{place}: the imported component `{}` is not read; name it as a source",
                        path.text
                    ),
                );
            }
        }
    })
}

/// Extracts the images of lock files: `kind: ImagesLock` of helm-dt and imgpkg, and `kind: BundleLock`.
#[must_use]
pub fn images_lock(text: &str) -> ExtractedText {
    read(text, |document, reader| {
        for (image, at) in document.maps("images").zip(0usize..) {
            reader.image(image.scalar("image"), &format!("images[{at}].image"));
        }
        if let Some(bundle) = document.map("bundle") {
            reader.image(bundle.scalar("image"), "bundle.image");
        }
    })
}

/// Reads each document of a text.
fn read(text: &str, document: impl Fn(&Map, &mut Reader)) -> ExtractedText {
    let mut reader = Reader::default();
    let mut budget = AliasBudget::default();
    for part in split_documents(text) {
        let Some(roots) = parse(part.text, &mut budget) else {
            let problem = format!("line {}: the document is not YAML", part.line);
            reader.found.problems.push(problem);
            continue;
        };
        reader.lines_before = part.line - 1;
        for root in roots {
            if let Node::Map(map) = &*root {
                document(map, &mut reader);
            }
        }
    }
    reader.found
}

#[derive(Default)]
struct Reader {
    lines_before: usize,
    found: ExtractedText,
}

impl Reader {
    fn images(&mut self, map: &Map, place: &str) {
        for (image, at) in map.scalars("images").zip(0usize..) {
            self.image(Some(image), &format!("{place}.images[{at}]"));
        }
    }

    fn image(&mut self, written: Option<&Scalar>, place: &str) {
        let Some(written) = written else { return };
        let line = self.lines_before + written.line;
        let problem = match ImageReference::parse_certain(written) {
            Ok(reference) => {
                let image = ExtractedImage::new(reference, Evidence::Strong, place.to_owned());
                self.found.images.push(image.at_line(line));
                return;
            }
            Err(_) if written.contains(ZARF_VARIABLE) => {
                "has a variable of zarf: replace it with its value".to_owned()
            }
            Err(error) => error.to_string(),
        };
        let text: String = written.chars().take(100).collect();
        self.found
            .problems
            .push(format!("line {line}: {place}: `{text}` {problem}"));
    }

    fn note(&mut self, at: &Scalar, note: &str) {
        let line = self.lines_before + at.line;
        self.found.notes.push(format!("line {line}: {note}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(found: &ExtractedText) -> String {
        let images = found.images.iter();
        let images = images.map(|image| format!("{} {}", image.line, image.repository));
        images.collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn hauler_manifests_have_images_and_charts() {
        let found = hauler(
            "apiVersion: content.hauler.cattle.io/v1\nkind: Images\nspec:\n  images:\n  - name: busybox\n\
             \x20 - name: q.io/a/b:v1\n    platform: linux/amd64\n---\nkind: Charts\nspec:\n  charts:\n\
             \x20 - {name: rancher, repoURL: 'https://x', version: 2.8.2}\n",
        );
        assert_eq!(shown(&found), "5 busybox, 6 q.io/a/b");
        assert_eq!(found.notes.len(), 1);
        assert!(found.notes[0].starts_with("line 12: Charts: the chart `rancher`"));
    }

    #[test]
    fn zarf_components_have_images() {
        let found = zarf(
            "kind: ZarfPackageConfig\ncomponents:\n- name: a\n  images: [a/b:1, '###ZARF_PKG_TMPL_X###']\n\
             \x20 imageArchives: [{path: x.tar, images: [a/c:1]}]\n- name: b\n  import: {path: ../b}\n",
        );
        assert_eq!(shown(&found), "4 a/b, 5 a/c");
        assert_eq!((found.notes.len(), found.problems.len()), (1, 1));
        assert!(
            found.problems[0].contains("variable of zarf"),
            "{:?}",
            found.problems
        );
    }

    #[test]
    fn lock_files_have_digests() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let found = images_lock(&format!(
            "apiVersion: imgpkg.carvel.dev/v1alpha1\nkind: ImagesLock\nimages:\n- image: q.io/a/b@{digest}\n---\n\
             kind: BundleLock\nbundle: {{image: q.io/a/c@{digest}, tag: v1}}\n---\n\
             kind: ImagesLock\nimages: [{{name: x, image: 'a/d:1', chart: y}}]\n"
        ));
        assert_eq!(shown(&found), "4 q.io/a/b, 7 q.io/a/c, 10 a/d");
    }
}
