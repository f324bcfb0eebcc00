//! Regular expressions for names of images, in the syntax that Go and Rust share.

use image_name::{Digest, RepositoryName};

use super::mapping::MirrorRepository;

/// Returns a pattern for a text. Brackets instead of backslashes need no escapes in YAML and JMESPath; those of
/// an IPv6 address are a class, since Go and Rust write them differently.
pub(super) fn literal(text: &str) -> String {
    let characters = text.chars().map(|c| match c {
        '.' => "[.]".to_owned(),
        '+' => "[+]".to_owned(),
        '[' | ']' => "[[:punct:]]".to_owned(),
        c => c.to_string(),
    });
    characters.collect()
}

/// Returns a pattern for every spelling of a repository.
pub(super) fn spellings(repository: &RepositoryName) -> String {
    let path = repository.path().as_str();
    if !repository.host().is_docker_hub() {
        return literal(&repository.full());
    }
    let host = "(?:(?:(?:index|registry-1)[.])?docker[.]io/)?";
    match path.strip_prefix("library/") {
        Some(name) => format!("{host}(?:library/)?{}", literal(name)),
        None => format!("{host}{}", literal(path)),
    }
}

/// Returns a pattern for the images of a repository that the mirror has under their own names. Its groups 1
/// and 2 are the tag with `:` and the digest with `@`. `None` if it has none.
pub(super) fn kept_images(
    repository: &RepositoryName,
    mirror: &MirrorRepository,
) -> Option<String> {
    let tags: Vec<_> = mirror.tags.keys().filter(|tag| mirror.keeps(tag)).collect();
    let has_latest = tags.iter().any(|tag| *tag == "latest");
    let names: Vec<String> = tags.iter().map(|tag| literal(tag)).collect();
    let tags = match (names.is_empty(), has_latest) {
        (true, _) => None,
        (false, true) => Some(format!("(:(?:{}))?", names.join("|"))),
        (false, false) => Some(format!("(:(?:{}))", names.join("|"))),
    };
    let digests: Vec<&str> = match mirror.is_narrowed {
        true => Vec::new(),
        false => mirror.digests.iter().map(Digest::as_str).collect(),
    };
    let digests = (!digests.is_empty()).then(|| format!("(?::[^@]+)?(@(?:{}))", digests.join("|")));
    let images = match (tags, digests) {
        (Some(tags), Some(digests)) => format!("(?:{tags}|{digests})"),
        (Some(tags), None) => tags,
        // Group 1 is empty.
        (None, Some(digests)) => format!("(){digests}"),
        (None, None) => return None,
    };
    Some(format!("^{}{images}$", spellings(repository)))
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    fn mirror(tags: &[(&str, &str)], digests: &[&str], is_narrowed: bool) -> MirrorRepository {
        let mut by_tag: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (tag, written) in tags {
            by_tag
                .entry((*tag).to_owned())
                .or_default()
                .insert((*written).to_owned());
        }
        MirrorRepository {
            repository: "r.io/m".parse().unwrap(),
            tags: by_tag,
            digests: digests
                .iter()
                .map(|digest| digest.parse().unwrap())
                .collect(),
            digest_rows: BTreeMap::new(),
            is_narrowed,
        }
    }

    #[test]
    fn pattern_matches_the_listed_images_in_all_spellings_and_no_others() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let other = format!("sha256:{}", "b".repeat(64));
        let of = |repository: &str, mirror: &MirrorRepository| {
            let pattern = kept_images(&repository.parse().unwrap(), mirror).unwrap();
            regex::Regex::new(&pattern).unwrap()
        };
        let replaced = |pattern: &regex::Regex, image: &str| {
            pattern.replace_all(image, "r.io/m$1$2").into_owned()
        };
        let hub = of(
            "nginx",
            &mirror(&[("1.27", "1.27"), ("1", "one")], &[&digest], false),
        );
        for name in [
            "nginx",
            "library/nginx",
            "docker.io/nginx",
            "index.docker.io/library/nginx",
        ] {
            assert_eq!(
                replaced(&hub, &format!("{name}:1.27")),
                "r.io/m:1.27",
                "{name}"
            );
            let by_digest = format!("{name}@{digest}");
            assert_eq!(replaced(&hub, &by_digest), format!("r.io/m@{digest}"));
            let both = format!("{name}:any@{digest}");
            assert_eq!(replaced(&hub, &both), format!("r.io/m@{digest}"));
            for image in ["", ":1", ":1x27", ":1.270", &format!("@{other}"), "/x:1.27"] {
                let image = format!("{name}{image}");
                assert_eq!(replaced(&hub, &image), image);
            }
        }
        assert_eq!(replaced(&hub, "quay.io/nginx:1.27"), "quay.io/nginx:1.27");
        let latest = of(
            "q.io/a/b",
            &mirror(&[("latest", "latest")], &[&digest], true),
        );
        assert_eq!(replaced(&latest, "q.io/a/b"), "r.io/m");
        assert_eq!(replaced(&latest, "q.io/a/b:latest"), "r.io/m:latest");
        for image in ["qxio/a/b", "q.io/a/b/c", &format!("q.io/a/b@{digest}")] {
            assert_eq!(replaced(&latest, image), image);
        }
        let address = of("[fd00::1]:5000/a", &mirror(&[("1", "1")], &[], false));
        assert_eq!(replaced(&address, "[fd00::1]:5000/a:1"), "r.io/m:1");
        assert_eq!(replaced(&address, "f:5000/a:1"), "f:5000/a:1");
        let by_digest = of("q.io/a", &mirror(&[], &[&digest], false));
        assert_eq!(
            replaced(&by_digest, &format!("q.io/a@{digest}")),
            format!("r.io/m@{digest}")
        );
        assert_eq!(
            kept_images(
                &"q.io/a".parse().unwrap(),
                &mirror(&[("a", "b")], &[], false)
            ),
            None
        );
    }
}
