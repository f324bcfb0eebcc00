//! Several names of one repository: by DNS, a proxy, or entries of registries.conf.

use std::collections::HashMap;

use futures::stream::{self, StreamExt};
use image_name::{Host, ManifestReference, RepositoryName, Tag};
use registry_client::{Access, Client};

use super::known_repository::KnownRepository;
use super::survey::reference_to;

/// Maximum number of concurrent requests.
const CONCURRENT_REQUESTS: usize = 16;

/// Returns the name under which a repository is contacted. Names that are the same after normalization and
/// registries.conf have the same contacted name. `None` if the name cannot be resolved: its survey fails then.
pub(super) fn contacted_name(client: &Client, name: &RepositoryName) -> Option<RepositoryName> {
    let repository = client.destination(&reference_to(name), Access::Pull).ok()?;
    let host = repository.host_name().parse().ok()?;
    Some(RepositoryName::new(host, repository.name().parse().ok()?))
}

/// Returns the pairs of a repository with former tags and one that rows write to, if both may be the same
/// repository: two DNS names of one registry, or a proxy, look like two registries with the same images. They are a
/// pair if one path ends with the other, and both have the same image under a tag that only the second keeps. Hosts
/// in `distinct` are in no pair.
pub(super) async fn possible_pairs(
    client: &Client,
    repositories: &HashMap<RepositoryName, KnownRepository>,
    distinct: &[Host],
) -> Vec<(RepositoryName, RepositoryName)> {
    let mut by_end: HashMap<&str, Vec<&KnownRepository>> = HashMap::new();
    for known in repositories.values().filter(|known| known.is_kept()) {
        by_end
            .entry(last_component(&known.name))
            .or_default()
            .push(known);
    }
    let mut pairs = Vec::new();
    for former in repositories.values() {
        let others = by_end.get(last_component(&former.name));
        for other in others.into_iter().flatten() {
            let hosts = [former.name.host(), other.name.host()];
            let is_candidate = hosts[0] != hosts[1]
                && !hosts.iter().any(|host| distinct.contains(host))
                && ends_with_other(&former.name, &other.name);
            if is_candidate && may_be_same(client, former, other).await {
                pairs.push((former.name.clone(), other.name.clone()));
            }
        }
    }
    pairs
}

fn last_component(name: &RepositoryName) -> &str {
    let path = name.path().as_str();
    path.rsplit('/').next().unwrap_or(path)
}

/// Returns true if one of the paths ends with the components of the other.
fn ends_with_other(one: &RepositoryName, other: &RepositoryName) -> bool {
    let (one, other) = (one.path().as_str(), other.path().as_str());
    let ends = |long: &str, short: &str| {
        let start = long.strip_suffix(short);
        start.is_some_and(|start| start.is_empty() || start.ends_with('/'))
    };
    ends(one, other) || ends(other, one)
}

/// Returns true unless the repositories are shown to differ: under each former tag of the one that the other
/// keeps, they have different images or none.
async fn may_be_same(client: &Client, former: &KnownRepository, other: &KnownRepository) -> bool {
    let written = former.written.values().flatten();
    let mut digests = written.filter(|digest| other.rows_by_digest.contains_key(*digest));
    if digests.next().is_some() {
        return true;
    }
    let tags = former.removals.keys();
    let shared =
        tags.filter(|tag| other.kept_tags.contains(*tag) && !former.kept_tags.contains(*tag));
    let same = stream::iter(shared)
        .map(|tag| have_same_image(client, (&former.name, &other.name), tag))
        .buffer_unordered(CONCURRENT_REQUESTS)
        .any(std::future::ready);
    Box::pin(same).await
}

/// Returns true if a tag has the same digest under both names, or if a request fails.
async fn have_same_image(
    client: &Client,
    (one, other): (&RepositoryName, &RepositoryName),
    tag: &Tag,
) -> bool {
    let digest = |name: &RepositoryName| {
        let repository = client.destination(&reference_to(name), Access::Pull);
        async move {
            let head = repository?
                .head_manifest(ManifestReference::from(tag))
                .await?;
            Ok::<_, registry_client::Error>(head.map(|head| head.digest))
        }
    };
    match futures::join!(digest(one), digest(other)) {
        (Ok(None), _) | (_, Ok(None)) => false,
        (Ok(one), Ok(other)) => one == other,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_may_be_one_if_one_ends_with_the_other() {
        for (one, other, expected) in [
            ("a.io/m/app", "b.io/m/app", true),
            ("a.io/docker/m/app", "b.io/m/app", true),
            ("a.io/app", "b.io/m/app", true),
            ("a.io/m/app", "b.io/n/app", false),
            ("a.io/m/myapp", "b.io/app", false),
            ("a.io/m/app", "b.io/m/lib", false),
        ] {
            let (one, other) = (one.parse().unwrap(), other.parse().unwrap());
            assert_eq!(ends_with_other(&one, &other), expected, "{one} {other}");
            assert_eq!(ends_with_other(&other, &one), expected, "{other} {one}");
        }
    }
}
