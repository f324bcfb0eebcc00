//! The plan for a request, by the lists alone. It costs no request and no write, so it is made
//! again where a list has changed in the meantime.

use std::collections::HashMap;

use image_name::{ManifestReference, RepositoryName};

use super::combined_index::CombinedIndex;
use super::{AddProblem, AddRequest, Destination, PlannedRow, Verdict};
use crate::files::list_file::ListFile;
use crate::registries::availability::ImageTag;

/// The verdict for each image of a request, in the order of the request.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The images, and what the lists say.
    pub(crate) verdicts: Vec<(ImageTag, Verdict)>,
    /// Whether the lists name the new destination already, so that nobody need
    /// be asked whether it exists.
    pub(crate) knows_destination: bool,
}

/// Plans a request.
pub(crate) fn plan(lists: &[ListFile], request: &AddRequest) -> Plan {
    let lists = CombinedIndex::new(lists);
    let mut filled = HashMap::new();
    let verdicts = request.images.iter().map(|image| {
        let verdict = lists.verdict_on(image, &request.destination);
        (image.clone(), refuse_twins(verdict, &mut filled))
    });
    Plan {
        verdicts: verdicts.collect(),
        knows_destination: match &request.destination {
            Destination::New(name) => lists.have_destination(name),
            Destination::OfTheList | Destination::Named(_) => true,
        },
    }
}

/// Refuses a second image with the same destination and tag.
fn refuse_twins(
    verdict: Verdict,
    filled: &mut HashMap<(RepositoryName, ManifestReference), RepositoryName>,
) -> Verdict {
    let Verdict::Add(PlannedRow { row, .. }) = &verdict else {
        return verdict;
    };
    let target = (row.destination.clone(), row.tag.clone());
    match filled.get(&target) {
        Some(other) => Verdict::Refused(AddProblem::Taken {
            destination: row.destination.clone(),
            tag: row.tag.clone(),
            source_there: other.clone(),
            place: "in this same call".to_owned(),
        }),
        None => {
            filled.insert(target, row.source.clone());
            verdict
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use images_list::List;

    use super::*;

    fn file(name: &str, text: &str) -> ListFile {
        ListFile {
            name: name.to_owned(),
            path: PathBuf::from(name),
            list: List::parse(text),
        }
    }

    fn verdicts(lists: &[ListFile], images: &str, destination: &Destination) -> Vec<String> {
        let image = |image: &str| {
            let (source, tag) = image.rsplit_once(':').unwrap();
            ImageTag {
                source: source.parse().unwrap(),
                tag: tag.parse().unwrap(),
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
    fn names_are_compared_whole_and_spelled_as_the_list_does() {
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
        let of_list = Destination::OfTheList;
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
                "one:1 has `docker.io/minio/minio r/mirrored-minio-minio 1.6.10` already; --skip-existing passes over it",
            ),
            (
                "quay.io/minio/minio:3",
                "two:2 has `quay.io/minio/minio q/minio 3` commented out: somebody did not want it. Remove the comment mark there if that is over",
            ),
            // What a pattern would take for another tag.
            (
                "minio/minio:1.6_10",
                "one: docker.io/minio/minio r/mirrored-minio-minio 1.6_10",
            ),
            (
                "gcr.io/minio/minio:1",
                "one, two has no such image (it has docker.io/minio/minio and quay.io/minio/minio, which are others); a new one is proposed with --new --dest DESTINATION and needs approval (CONTRIBUTING, \"A new image\")",
            ),
        ];
        for (image, want) in table {
            assert_eq!(verdicts(&lists, image, &of_list), [want], "{image}");
        }
    }

    #[test]
    fn a_place_is_filled_once() {
        let text = "a r/x 1\nb r/x 2\n";
        let lists = [file("list", text), file("other", "c s/c 1\nd r/x 4\n")];
        let want = "`r/x:1` is filled by a already, list:1: choose another destination";
        assert_eq!(verdicts(&lists, "b:1", &Destination::OfTheList), [want]);
        let want = "`r/x:4` is filled by d already, other:2: choose another destination";
        assert_eq!(verdicts(&lists, "b:4", &Destination::OfTheList), [want]);
        let want = [
            "list: a r/x 3",
            "`r/x:3` is filled by a already, in this same call: choose another destination",
        ];
        assert_eq!(verdicts(&lists, "a:3 b:3", &Destination::OfTheList), want);
    }

    #[test]
    fn destinations_are_those_of_the_list_unless_they_are_new() {
        let lists = [file("list", "a r/x 1\na r/y 1\nb r/b 1\n")];
        let named = |name: &str| Destination::Named(name.parse().unwrap());
        let new = |name: &str| Destination::New(name.parse().unwrap());
        let table = [
            (
                "a:2",
                Destination::OfTheList,
                "it goes to r/x and r/y: say which with --dest",
            ),
            ("a:2", named("docker.io/r/y"), "list: a r/y 2"),
            (
                "b:2",
                named("r/x"),
                "list does not send it to r/x but to r/b: correct --dest, or make it another destination with --new",
            ),
            (
                "b:2",
                new("r/b"),
                "it goes to r/b already, as list:3 says: leave out --new",
            ),
            ("library/b:2", new("r/z"), "list: b r/z 2"),
            ("c:2", new("r/c"), "list: c r/c 2"),
            (
                "c:1",
                new("r/b"),
                "`r/b:1` is filled by b already, list:3: choose another destination",
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
