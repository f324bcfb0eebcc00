//! Lists of the git repository that a run does not name.

use std::collections::HashSet;

use image_name::RepositoryName;
use images_list::List;

use super::destination_history::destinations;
use super::list_repository::ListRepository;
use crate::cli::failure::Failure;
use crate::files::list_file::{self, ListFile};
use crate::rows::overrides::Overrides;

/// Refuses a run if a committed list that it does not name writes to a known repository: a row that moved
/// there would count as removed.
///
/// # Errors
///
/// [`Failure`] that names the list, or if git cannot read the repository.
pub(super) async fn refuse(
    git: &ListRepository,
    lists: &[ListFile],
    overrides: &Overrides,
    is_known: &dyn Fn(&RepositoryName) -> bool,
) -> Result<(), Failure> {
    let mut checked = HashSet::new();
    let targets = list_file::targets_of(lists);
    for (tracked, line) in git.other_lines().await? {
        if checked.contains(tracked.path()) {
            continue;
        }
        let mut repository = None;
        for at in List::parse(&line).rows() {
            let written = destinations(at.row, &targets, overrides)?;
            let mut names = written.into_iter().map(|(name, _)| name);
            repository = names.find(|name| is_known(name));
        }
        let Some(repository) = repository else {
            continue;
        };
        // The line may be in a text about lists.
        checked.insert(tracked.path().to_owned());
        if git.committed_list(&tracked).await?.is_some() {
            let name = tracked.name();
            let message = format!(
                "{name} writes to {} too, and is not named",
                repository.full()
            );
            return Err(Failure::unusable(message).hint(format!(
                "name all lists of the mirror: add --images-list {name}"
            )));
        }
    }
    Ok(())
}
