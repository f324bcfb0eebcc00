//! The images to propose for a list.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use regex::Regex;

use crate::extracted_image::{Evidence, ExtractedImage};
use crate::image_reference::{TagOrDigest, normalized_repository};
use crate::organization::Organization;
use crate::rendered_tags::RenderedTags;

/// Images that are never proposed.
#[derive(Debug, Clone, Default)]
pub struct ProposalRules {
    /// `imageDenylist`: repositories, in any spelling.
    pub denylist: Vec<String>,
    /// `exclude`: a pattern searched for in the tag.
    pub exclude: Option<Regex>,
    /// Your organization at Docker Hub, which holds the mirror itself.
    pub own_org: Option<Organization>,
    /// Images that only Helm hooks of kind `test` use are proposed too.
    pub include_tests: bool,
}

/// The images to propose, and the ones that are not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proposal {
    /// The images to propose, sorted by `REPOSITORY:TAG`. Each occurs once, with its best evidence.
    pub images: Vec<ProposedImage>,
    /// The images found and not proposed, sorted by `REPOSITORY:TAG`.
    pub dropped: Vec<DroppedImage>,
    /// The images that have a digest and no tag, sorted, each once.
    pub untagged: Vec<UntaggedImage>,
}

/// An image that has a digest and no tag, so that it cannot be proposed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct UntaggedImage {
    /// The repository as written, without Docker Hub's host.
    pub repository: String,
    /// The digest.
    pub digest: String,
    /// The location, as in [`ExtractedImage::location`].
    pub location: String,
}

/// An image to propose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProposedImage {
    /// The repository as written, without Docker Hub's host.
    pub repository: String,
    /// The tag.
    pub tag: String,
    /// The best evidence found.
    pub evidence: Evidence,
    /// The location of that evidence, as in [`ExtractedImage::location`].
    pub location: String,
}

/// An image that was found and is not proposed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DroppedImage {
    /// The repository as written, without Docker Hub's host.
    pub repository: String,
    /// The tag.
    pub tag: String,
    /// The reason, such as `` `latest` is not a version ``.
    pub reason: String,
}

impl fmt::Display for ProposedImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.repository, self.tag)
    }
}

impl fmt::Display for UntaggedImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.repository, self.digest)
    }
}

impl fmt::Display for DroppedImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.repository, self.tag)
    }
}

/// Selects the images to propose from all images of one chart version or one image file.
///
/// Values are weak evidence. If the rendered manifests have tags for a repository, tags found only in
/// the values are dropped. An image with a digest and no tag is not proposed.
#[must_use]
pub fn propose(extracted: Vec<ExtractedImage>, rules: &ProposalRules) -> Proposal {
    let rendered = RenderedTags::new(&extracted);
    let denylist: BTreeSet<_> = rules
        .denylist
        .iter()
        .map(|name| normalized_repository(name))
        .collect();
    let mut proposal = Proposal::default();
    let mut untagged = BTreeSet::new();
    let mut dropped = BTreeMap::new();
    for image in best_of_each(extracted) {
        let denied = denied_repository(&image.repository, rules, &denylist);
        let tag = match image.version {
            TagOrDigest::Tag(tag) => tag,
            TagOrDigest::Digest(digest) => {
                if denied.is_none() && (!image.is_test || rules.include_tests) {
                    untagged.insert(UntaggedImage {
                        repository: image.repository,
                        digest,
                        location: image.location,
                    });
                }
                continue;
            }
        };
        let reason = denied
            .or_else(|| denied_tag(&tag, rules))
            .or_else(|| {
                let is_left_out = image.is_test && !rules.include_tests;
                is_left_out.then(|| ONLY_TESTS.to_owned())
            })
            .or_else(|| rendered.outweigh(&image.repository, image.evidence));
        match reason {
            Some(reason) => {
                let image = DroppedImage {
                    repository: image.repository,
                    tag,
                    reason,
                };
                dropped.insert(image.to_string(), image);
            }
            None => proposal.images.push(ProposedImage {
                repository: image.repository,
                tag,
                evidence: image.evidence,
                location: image.location,
            }),
        }
    }
    proposal.images.sort_by_cached_key(ToString::to_string);
    proposal.dropped = dropped.into_values().collect();
    proposal.untagged = untagged.into_iter().collect();
    proposal
}

/// The reason for an image that only runs in `helm test`.
const ONLY_TESTS: &str = "only a Helm test hook uses it";

/// Keeps one entry for each image, in the order of first occurrence: the first with the best evidence. It
/// is one of a test only if all are.
fn best_of_each(extracted: Vec<ExtractedImage>) -> Vec<ExtractedImage> {
    let mut positions: HashMap<(String, TagOrDigest), usize> = HashMap::new();
    let mut best: Vec<ExtractedImage> = Vec::new();
    for image in extracted {
        let key = (
            normalized_repository(&image.repository),
            image.version.clone(),
        );
        match positions.get(&key) {
            Some(&at) => {
                let is_test = best[at].is_test && image.is_test;
                if image.evidence < best[at].evidence {
                    best[at] = image;
                }
                best[at].is_test = is_test;
            }
            None => {
                positions.insert(key, best.len());
                best.push(image);
            }
        }
    }
    best
}

fn denied_repository(
    repository: &str,
    rules: &ProposalRules,
    denylist: &BTreeSet<String>,
) -> Option<String> {
    if denylist.contains(&normalized_repository(repository)) {
        return Some("the repository is in `imageDenylist`".to_owned());
    }
    let own_org = rules.own_org.as_ref()?;
    let own = own_org.contains(repository);
    own.then(|| format!("`{own_org}` is your organization"))
}

fn denied_tag(tag: &str, rules: &ProposalRules) -> Option<String> {
    if tag == "latest" {
        return Some("`latest` is not a version".to_owned());
    }
    let exclude = rules.exclude.as_ref()?;
    let excluded = exclude.is_match(tag);
    excluded.then(|| format!("`exclude` {:?}", exclude.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image_reference::ImageReference;

    const DIGEST: &str = "sha256:ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";

    fn extracted(text: &str, evidence: Evidence) -> ExtractedImage {
        let location = format!("at {text}");
        ExtractedImage::new(ImageReference::parse(text).unwrap(), evidence, location)
    }

    fn images(proposal: &Proposal) -> Vec<String> {
        proposal.images.iter().map(ToString::to_string).collect()
    }

    fn reasons(proposal: &Proposal) -> Vec<(String, &str)> {
        let dropped = proposal.dropped.iter();
        dropped
            .map(|image| (image.to_string(), image.reason.as_str()))
            .collect()
    }

    fn rules(own_org: &str) -> ProposalRules {
        ProposalRules {
            own_org: Organization::new(own_org),
            ..ProposalRules::default()
        }
    }

    #[test]
    fn without_an_own_organization_every_organization_is_proposed() {
        let extracted = vec![extracted("rancher/a:1", Evidence::Strong)];
        let proposal = propose(extracted, &ProposalRules::default());
        assert_eq!(images(&proposal), ["rancher/a:1"]);
    }

    #[test]
    fn rules_drop_images_with_a_reason() {
        let texts = [
            "rancher/a:1",
            "docker.io/rancher/b:1",
            "quay.io/rancher/a:1",
            "rancherlabs/a:1",
            "quay.io/cilium/operator:v1",
            "quay.io/cilium/operator-aws:v1",
            "library/busybox:1",
            "a:latest",
            "a:2.0-rc1",
            "a:2.0",
        ];
        let extracted = texts.map(|text| extracted(text, Evidence::Strong)).to_vec();
        let denylist = ["index.docker.io/busybox", "quay.io/cilium/operator"];
        let proposal = propose(
            extracted,
            &ProposalRules {
                denylist: denylist.map(str::to_owned).to_vec(),
                exclude: Some(Regex::new("-rc").unwrap()),
                ..rules("rancher")
            },
        );
        let expected = [
            "a:2.0",
            "quay.io/cilium/operator-aws:v1",
            "quay.io/rancher/a:1",
            "rancherlabs/a:1",
        ];
        assert_eq!(images(&proposal), expected);
        let dropped = [
            ("a:2.0-rc1", "`exclude` \"-rc\""),
            ("a:latest", "`latest` is not a version"),
            ("library/busybox:1", "the repository is in `imageDenylist`"),
            (
                "quay.io/cilium/operator:v1",
                "the repository is in `imageDenylist`",
            ),
            ("rancher/a:1", "`rancher` is your organization"),
            ("rancher/b:1", "`rancher` is your organization"),
        ];
        let dropped = dropped.map(|(image, reason)| (image.to_owned(), reason));
        assert_eq!(reasons(&proposal), dropped);
    }

    #[test]
    fn values_are_dropped_when_manifests_have_other_tags() {
        let proposal = propose(
            vec![
                extracted("quay.io/a/b:v2", Evidence::Weak),
                extracted("quay.io/a/b:v1", Evidence::Weak),
                extracted("quay.io/a/b:v1", Evidence::Medium),
                extracted("quay.io/a/c:v1", Evidence::Weak),
                extracted(&format!("quay.io/a/c@{DIGEST}"), Evidence::Strong),
                extracted("quay.io/a/d:v1", Evidence::Announced),
                extracted("quay.io/a/d:v2", Evidence::Weak),
                // Without the registry that the chart adds.
                extracted("a/b:v1", Evidence::Weak),
                extracted("x.io/mirrored/org/e:v1", Evidence::Strong),
                extracted("org/e:v3", Evidence::Weak),
                extracted("e:v3", Evidence::Weak),
                extracted("y.io/org/e:v3", Evidence::Weak),
            ],
            &ProposalRules::default(),
        );
        let expected = [
            "e:v3",
            "quay.io/a/b:v1",
            "quay.io/a/c:v1",
            "quay.io/a/d:v1",
            "quay.io/a/d:v2",
            "x.io/mirrored/org/e:v1",
            "y.io/org/e:v3",
        ];
        assert_eq!(images(&proposal), expected);
        let reason = "found only in the chart values; the rendered manifests use v1";
        let dropped = [
            ("a/b:v1", reason),
            ("org/e:v3", reason),
            ("quay.io/a/b:v2", reason),
        ];
        let dropped = dropped.map(|(image, reason)| (image.to_owned(), reason));
        assert_eq!(reasons(&proposal), dropped);
    }

    #[test]
    fn first_occurrence_with_the_best_evidence_wins() {
        let table = [
            ("busybox:1", Evidence::Weak),
            ("library/busybox:1", Evidence::Strong),
            ("busybox:1", Evidence::Strong),
            ("busybox:1", Evidence::Announced),
        ];
        let extracted = table
            .map(|(text, evidence)| extracted(text, evidence))
            .to_vec();
        let proposal = propose(extracted, &ProposalRules::default());
        assert_eq!(images(&proposal), ["library/busybox:1"]);
        assert_eq!(proposal.images[0].evidence, Evidence::Strong);
        assert_eq!(proposal.images[0].location, "at library/busybox:1");
    }

    #[test]
    fn digest_without_a_tag_is_reported_once_unless_the_repository_is_denied() {
        let texts = ["a/b", "a/b", "rancher/b"].map(|name| format!("{name}@{DIGEST}"));
        let extracted = texts
            .iter()
            .map(|text| extracted(text, Evidence::Strong))
            .collect();
        let proposal = propose(extracted, &rules("rancher"));
        assert!(proposal.images.is_empty() && proposal.dropped.is_empty());
        let [untagged] = &proposal.untagged[..] else {
            panic!("{:?}", proposal.untagged);
        };
        assert_eq!(untagged.to_string(), format!("a/b@{DIGEST}"));
        assert_eq!(untagged.location, format!("at a/b@{DIGEST}"));
    }

    #[test]
    fn image_of_tests_alone_is_dropped() {
        let test = |text| ExtractedImage {
            is_test: true,
            ..extracted(text, Evidence::Strong)
        };
        let found = vec![
            test("a/both:1"),
            test("a/test:1"),
            extracted("a/both:1", Evidence::Weak),
        ];
        let proposal = propose(found.clone(), &ProposalRules::default());
        assert_eq!(images(&proposal), ["a/both:1"]);
        assert_eq!(reasons(&proposal), [("a/test:1".to_owned(), ONLY_TESTS)]);
        let rules = ProposalRules {
            include_tests: true,
            ..ProposalRules::default()
        };
        assert_eq!(images(&propose(found, &rules)), ["a/both:1", "a/test:1"]);
    }
}
