//! What to do about a destination that does not exist.

use images_list::Repository;

/// Whom to ask for a repository, and what else may bring it about. Said of
/// those that registries do not know.
pub(crate) fn missing_destination(name: &Repository) -> String {
    let (host, path) = (name.host(), name.path());
    let organisation = path.split('/').next().unwrap_or(path);
    let hosted = ["docker.io", "quay.io", "ghcr.io"].contains(&host);
    let owners = if hosted {
        format!("the owners of {organisation} at {host}")
    } else {
        format!("those who run {host}")
    };
    let by_push = if hosted {
        ""
    } else {
        "; where a registry makes repositories on the first push, one `mirror copy` by somebody who \
         may push there does it"
    };
    format!(
        "the destination repository {host}/{path} does not exist, or is hidden from strangers: ask \
         {owners} to create it and to let the mirror's account push to it (CONTRIBUTING, \"A new \
         image\"){by_push}"
    )
}
