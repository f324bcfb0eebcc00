//! The plan for a request, made from the lists alone. It is made again when a list has changed in
//! the meantime.

use std::collections::HashMap;

use image_name::{ManifestReference, RepositoryName};
use images_list::Targets;

use super::combined_index::CombinedIndex;
use super::{AddProblem, AddRequest, PlannedRow, Verdict};
use crate::files::list_file::{self, ListFile};
use crate::registries::availability::ImageTag;

/// The verdict for each image of a request, in the order of the request.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The images and their verdicts.
    pub(crate) verdicts: Vec<(ImageTag, Verdict)>,
}

/// Returns the plan for a request.
pub(crate) fn plan(lists: &[ListFile], request: &AddRequest) -> Plan {
    let targets = list_file::targets_of(lists);
    let lists = CombinedIndex::new(lists);
    let mut taken = HashMap::new();
    let verdicts = request.images.iter().map(|image| {
        let verdict = lists.verdict_on(image, &request.destination);
        (
            image.clone(),
            refuse_duplicate(verdict, &targets, &mut taken),
        )
    });
    Plan {
        verdicts: verdicts.collect(),
    }
}

/// Refuses a second image of the request with the same destination and tag.
fn refuse_duplicate(
    verdict: Verdict,
    targets: &Targets,
    taken: &mut HashMap<(RepositoryName, ManifestReference), RepositoryName>,
) -> Verdict {
    let Verdict::Add(PlannedRow { row, .. }) = &verdict else {
        return verdict;
    };
    let written = targets.expand(&row.destination).unwrap_or_default();
    let written = written.into_iter().map(|written| written.repository);
    let images: Vec<_> = written
        .map(|repository| (repository, row.tag.source().clone()))
        .collect();
    match images.iter().find_map(|image| taken.get(image)) {
        Some(other) => Verdict::Refused(AddProblem::Taken {
            destination: row.destination.clone(),
            tag: row.tag.source().clone(),
            other_source: other.clone(),
            location: "this request".to_owned(),
        }),
        None => {
            taken.extend(images.into_iter().map(|image| (image, row.source.clone())));
            verdict
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::Arc;

    use images_list::List;

    use super::*;
    use crate::rows::adding::DestinationChoice;

    fn file(name: &str, text: &str) -> ListFile {
        ListFile {
            name: name.to_owned(),
            path: PathBuf::from(name),
            list: List::parse(text),
            targets: Arc::default(),
        }
    }

    fn verdicts(lists: &[ListFile], images: &str, destination: &DestinationChoice) -> Vec<String> {
        let image = |image: &str| {
            let (source, tag) = image.rsplit_once(':').unwrap();
            ImageTag {
                source: source.parse().unwrap(),
                tag: tag.parse().unwrap(),
                pinned_tag: None,
            }
        };
        let request = AddRequest {
            images: images.split(' ').map(image).collect(),
            destination: destination.clone(),
        };
        let verdicts = plan(lists, &request).verdicts.into_iter();
        let texts = verdicts.map(|(_, verdict)| match verdict {
            Verdict::Add(planned) => format!("{}: {}", lists[planned.list].name, planned.row),
            Verdict::Present(_, problem) | Verdict::Refused(problem) => problem.to_string(),
        });
        texts.collect()
    }

    #[test]
    fn verdict_compares_full_names_and_keeps_the_spelling_of_the_list() {
        let lists = [
            file(
                "one",
                "docker.io/minio/minio r/mirrored-minio-minio 1.6.10\n",
            ),
            file(
                "two",
                "quay.io/minio/minio q/minio 1\n# quay.io/minio/minio q/minio 3\n",
            ),
        ];
        let of_list = DestinationChoice::FromList;
        let table = [
            (
                "minio/minio:1.6.1",
                "one: docker.io/minio/minio r/mirrored-minio-minio 1.6.1",
            ),
            (
                "quay.io/minio/minio:1.6.10",
                "two: quay.io/minio/minio q/minio 1.6.10",
            ),
            (
                "minio/minio:1.6.10",
                "one:1 already has `docker.io/minio/minio r/mirrored-minio-minio 1.6.10`; skip existing rows with --skip-existing",
            ),
            (
                "quay.io/minio/minio:3",
                "two:2 has `quay.io/minio/minio q/minio 3` commented out; to add it, remove the comment mark there",
            ),
            // As a pattern, `1.6_10` could match another tag.
            (
                "minio/minio:1.6_10",
                "one: docker.io/minio/minio r/mirrored-minio-minio 1.6_10",
            ),
            (
                "gcr.io/minio/minio:1",
                "one, two has no row with this source (similar: docker.io/minio/minio and quay.io/minio/minio); to add a new image, run `mirror add-tag` with --new --dest DESTINATION; it needs approval (CONTRIBUTING, \"A new image\")",
            ),
        ];
        for (image, want) in table {
            assert_eq!(verdicts(&lists, image, &of_list), [want], "{image}");
        }
    }

    #[test]
    fn destination_tag_has_one_source() {
        let text = "a r/x 1\nb r/x 2\n";
        let lists = [file("list", text), file("other", "c s/c 1\nd r/x 4\n")];
        let want = "list:1 already copies a to `r/x:1`: choose another destination";
        assert_eq!(
            verdicts(&lists, "b:1", &DestinationChoice::FromList),
            [want]
        );
        let want = "other:2 already copies d to `r/x:4`: choose another destination";
        assert_eq!(
            verdicts(&lists, "b:4", &DestinationChoice::FromList),
            [want]
        );
        let want = [
            "list: a r/x 3",
            "this request already copies a to `r/x:3`: choose another destination",
        ];
        assert_eq!(
            verdicts(&lists, "a:3 b:3", &DestinationChoice::FromList),
            want
        );
    }

    #[test]
    fn verdict_uses_destinations_of_the_list_unless_new_is_given() {
        let lists = [file("list", "a r/x 1\na r/y 1\nb r/b 1\n")];
        let named = |name: &str| DestinationChoice::Named(name.parse().unwrap());
        let new = |name: &str| DestinationChoice::New(name.parse().unwrap());
        let table = [
            (
                "a:2",
                DestinationChoice::FromList,
                "the source has the destinations r/x and r/y: choose one with --dest",
            ),
            ("a:2", named("docker.io/r/y"), "list: a r/y 2"),
            (
                "b:2",
                named("r/x"),
                "list copies the source to r/b, not to r/x: correct --dest, or add another destination with --new",
            ),
            (
                "b:2",
                new("r/b"),
                "list:3 already copies the source to r/b: run without --new",
            ),
            ("library/b:2", new("r/z"), "list: b r/z 2"),
            ("c:2", new("r/c"), "list: c r/c 2"),
            (
                "c:1",
                new("r/b"),
                "list:3 already copies b to `r/b:1`: choose another destination",
            ),
        ];
        for (image, destination, want) in table {
            assert_eq!(
                verdicts(&lists, image, &destination),
                [want],
                "{image} {destination:?}"
            );
        }
    }
}
