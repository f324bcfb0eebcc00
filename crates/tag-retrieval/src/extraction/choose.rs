//! What is proposed of the images that were found.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use regex::Regex;

use super::mention::{Evidence, Mention, Pin};
use super::reference::{normal, without_hub};
use super::rendered::Rendered;
use crate::retrieved::Dropped;

/// What is never proposed.
#[derive(Debug, Clone)]
pub struct Rules {
    /// `imageDenylist`: repositories, in any spelling.
    pub denylist: Vec<String>,
    /// `exclude`: tags, by a search in the whole tag.
    pub exclude: Option<Regex>,
    /// The own organisation at Docker Hub, without a `/`; what is there is the mirror itself.
    pub own_org: String,
}

impl Default for Rules {
    /// Nothing is excluded, the own organisation is `rancher`.
    fn default() -> Self {
        Self {
            denylist: Vec::new(),
            exclude: None,
            own_org: "rancher".to_owned(),
        }
    }
}

/// What is proposed, and what is not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chosen {
    /// Sorted bytewise by `IMAGE:TAG`, each once, with the best evidence for it.
    pub images: Vec<ChosenImage>,
    /// Found and not proposed, sorted like `images`.
    pub dropped: Vec<Dropped>,
    /// For the log: images without a tag.
    pub warnings: Vec<String>,
}

/// An image to propose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChosenImage {
    /// The repository as it was found, `docker.io/` and `index.docker.io/` stripped.
    pub image: String,
    /// The tag.
    pub tag: String,
    /// The best there is.
    pub evidence: Evidence,
    /// Where that evidence is, as in [`Mention::place`].
    pub place: String,
}

/// Chooses what is proposed of all mentions of one chart version, however often it was rendered, or
/// of one file of images.
///
/// Values are weak evidence: where rendering gave tags for a repository, tags found only in the
/// values are dropped. An image that is known by its digest alone is a warning.
#[must_use]
pub fn choose(mentions: Vec<Mention>, rules: &Rules) -> Chosen {
    let rendered = Rendered::of(&mentions);
    let denied: BTreeSet<_> = rules.denylist.iter().map(|name| normal(name)).collect();
    let mut chosen = Chosen::default();
    let mut warnings = BTreeSet::new();
    let mut dropped = BTreeMap::new();
    for mention in best_of_each(mentions) {
        let refused = refused_repository(&mention.image, rules, &denied);
        let tag = match mention.pin {
            Pin::Tag(tag) => tag,
            Pin::Digest(digest) => {
                if refused.is_none() {
                    warnings.insert(digest_alone(&mention.image, &digest, &mention.place));
                }
                continue;
            }
        };
        let reason = refused
            .or_else(|| refused_tag(&tag, rules))
            .or_else(|| rendered.outweighs(&mention.image, mention.evidence));
        match reason {
            Some(reason) => {
                dropped.insert(format!("{}:{tag}", mention.image), reason);
            }
            None => chosen.images.push(ChosenImage {
                image: mention.image,
                tag,
                evidence: mention.evidence,
                place: mention.place,
            }),
        }
    }
    let whole = |found: &ChosenImage| format!("{}:{}", found.image, found.tag);
    chosen.images.sort_by_cached_key(whole);
    let dropped = dropped.into_iter();
    chosen.dropped = dropped
        .map(|(what, reason)| Dropped { what, reason })
        .collect();
    chosen.warnings = warnings.into_iter().collect();
    chosen
}

/// One mention for each image, in the order of the first; the best, of equal ones the first.
fn best_of_each(mentions: Vec<Mention>) -> Vec<Mention> {
    let mut places: HashMap<(String, Pin), usize> = HashMap::new();
    let mut best: Vec<Mention> = Vec::new();
    for mention in mentions {
        let key = (normal(&mention.image), mention.pin.clone());
        match places.get(&key) {
            Some(&at) if best[at].evidence <= mention.evidence => {}
            Some(&at) => best[at] = mention,
            None => {
                places.insert(key, best.len());
                best.push(mention);
            }
        }
    }
    best
}

fn refused_repository(image: &str, rules: &Rules, denied: &BTreeSet<String>) -> Option<String> {
    if denied.contains(&normal(image)) {
        return Some("imageDenylist has its repository".to_owned());
    }
    let org = rules.own_org.trim_end_matches('/');
    let rest = without_hub(image).strip_prefix(org)?;
    let own = !org.is_empty() && rest.starts_with('/');
    own.then(|| format!("`{org}` is the own organisation"))
}

fn refused_tag(tag: &str, rules: &Rules) -> Option<String> {
    if tag == "latest" {
        return Some("`latest` is no version".to_owned());
    }
    let exclude = rules.exclude.as_ref()?;
    let excluded = exclude.is_match(tag);
    excluded.then(|| format!("exclude {:?}", exclude.as_str()))
}

fn digest_alone(image: &str, digest: &str, place: &str) -> String {
    format!(
        "{image}@{digest} ({place}) has a digest and no tag: it is not proposed; add it to the list by hand if it is wanted"
    )
}

#[cfg(test)]
mod tests {
    use super::super::reference::Written;
    use super::*;

    const DIGEST: &str = "sha256:ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";

    fn mention(text: &str, evidence: Evidence) -> Mention {
        let place = format!("at {text}");
        Mention::new(Written::parse(text).unwrap(), evidence, place)
    }

    fn images(chosen: &Chosen) -> Vec<String> {
        let images = chosen.images.iter();
        images
            .map(|found| format!("{}:{}", found.image, found.tag))
            .collect()
    }

    fn reasons(chosen: &Chosen) -> Vec<(&str, &str)> {
        let dropped = chosen.dropped.iter();
        dropped
            .map(|one| (one.what.as_str(), one.reason.as_str()))
            .collect()
    }

    #[test]
    fn rules_keep_images_back_and_say_why() {
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
        let mentions = texts.map(|text| mention(text, Evidence::Strong)).to_vec();
        let denylist = ["index.docker.io/busybox", "quay.io/cilium/operator"];
        let chosen = choose(
            mentions,
            &Rules {
                denylist: denylist.map(str::to_owned).to_vec(),
                exclude: Some(Regex::new("-rc").unwrap()),
                ..Rules::default()
            },
        );
        let expected = [
            "a:2.0",
            "quay.io/cilium/operator-aws:v1",
            "quay.io/rancher/a:1",
            "rancherlabs/a:1",
        ];
        assert_eq!(images(&chosen), expected);
        let expected = [
            ("a:2.0-rc1", "exclude \"-rc\""),
            ("a:latest", "`latest` is no version"),
            ("library/busybox:1", "imageDenylist has its repository"),
            (
                "quay.io/cilium/operator:v1",
                "imageDenylist has its repository",
            ),
            ("rancher/a:1", "`rancher` is the own organisation"),
            ("rancher/b:1", "`rancher` is the own organisation"),
        ];
        assert_eq!(reasons(&chosen), expected);
    }

    #[test]
    fn values_count_only_where_rendering_gave_no_tag() {
        let chosen = choose(
            vec![
                mention("quay.io/a/b:v2", Evidence::Weak),
                mention("quay.io/a/b:v1", Evidence::Weak),
                mention("quay.io/a/b:v1", Evidence::Medium),
                mention("quay.io/a/c:v1", Evidence::Weak),
                mention(&format!("quay.io/a/c@{DIGEST}"), Evidence::Strong),
                mention("quay.io/a/d:v1", Evidence::Announced),
                mention("quay.io/a/d:v2", Evidence::Weak),
                // Without the host that the chart puts before it.
                mention("a/b:v1", Evidence::Weak),
                mention("x.io/mirrored/org/e:v1", Evidence::Strong),
                mention("org/e:v3", Evidence::Weak),
                mention("e:v3", Evidence::Weak),
                mention("y.io/org/e:v3", Evidence::Weak),
            ],
            &Rules::default(),
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
        assert_eq!(images(&chosen), expected);
        let reason = "only the values name it, rendering gives v1";
        let expected = [
            ("a/b:v1", reason),
            ("org/e:v3", reason),
            ("quay.io/a/b:v2", reason),
        ];
        assert_eq!(reasons(&chosen), expected);
    }

    #[test]
    fn of_many_mentions_the_best_and_first_counts() {
        let table = [
            ("busybox:1", Evidence::Weak),
            ("library/busybox:1", Evidence::Strong),
            ("busybox:1", Evidence::Strong),
            ("busybox:1", Evidence::Announced),
        ];
        let mentions = table
            .map(|(text, evidence)| mention(text, evidence))
            .to_vec();
        let chosen = choose(mentions, &Rules::default());
        assert_eq!(images(&chosen), ["library/busybox:1"]);
        assert_eq!(chosen.images[0].evidence, Evidence::Strong);
        assert_eq!(chosen.images[0].place, "at library/busybox:1");
    }

    #[test]
    fn a_digest_alone_is_reported_once_unless_the_image_is_refused() {
        let texts = ["a/b", "a/b", "rancher/b"].map(|name| format!("{name}@{DIGEST}"));
        let mentions = texts
            .iter()
            .map(|text| mention(text, Evidence::Strong))
            .collect();
        let chosen = choose(mentions, &Rules::default());
        assert!(chosen.images.is_empty() && chosen.dropped.is_empty());
        assert_eq!(chosen.warnings.len(), 1);
        let expected = format!("a/b@{DIGEST} (at a/b@{DIGEST}) has a digest and no tag");
        assert!(
            chosen.warnings[0].starts_with(&expected),
            "{:?}",
            chosen.warnings
        );
    }
}
