//! `--open-prs`: opens pull requests for new versions.

use std::time::Duration;

use tag_retrieval::github::{Github, GithubOptions};

use super::apply::log_problem;
use super::drafting::draft;
use super::pull_requests::{
    Mode, Outcome, ProposeOptions, Proposed, PullState, find_repository, propose,
};
use super::retrieval::Retrieval;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::files::list_file::ListFile;
use crate::git::{Git, Purpose};
use crate::registries::availability::AvailabilityChecker;
use crate::session::Session;
use crate::terminal::github_actions;
use crate::terminal::markdown::cell;
use crate::terminal::output;

/// The pause between two changes that GitHub recommends.
const PAUSE: Duration = Duration::from_secs(1);

/// Opens a pull request for each entry with new versions.
///
/// # Errors
///
/// [`Failure`] if GitHub does not respond.
pub(crate) async fn open_prs(
    session: &Session,
    retrieval: &Retrieval,
    lists: &[ListFile],
    options: &ProposeOptions,
) -> Result<Exit, Failure> {
    let checker = AvailabilityChecker::new(&session.common, &session.environment)?;
    let git = Git::discover(&session.environment.git, Purpose::OpenPrs).await?;
    let drafts = draft(&checker, &git, retrieval, lists).await?;
    let mut exit = Exit::Done;
    for problem in drafts.iter().flat_map(|draft| &draft.problems) {
        exit = exit.max(log_problem(problem));
    }
    let proposals: Vec<_> = drafts
        .into_iter()
        .filter_map(|draft| draft.proposal)
        .collect();
    let proposed = propose(options, &proposals).await;
    let proposed = proposed.map_err(|error| Failure::failed(error.to_string()))?;
    if proposed.is_empty() {
        output::notice("nothing to propose\n");
    }
    let mut table = "### pull requests\n\n| entry | |\n| --- | --- |\n".to_owned();
    for one in &proposed {
        let result = describe(one);
        match one.outcome {
            Outcome::Failed(_) => {
                tracing::error!("{}: {result}", one.entry);
                exit = exit.max(Exit::Failed);
            }
            _ => output::notice(&format!("{}: {result}\n", one.entry)),
        }
        table += &format!("| {} | {} |\n", cell(&one.entry), cell(&result));
    }
    if !proposed.is_empty() {
        github_actions::add_to_step_summary(session.environment.github.as_ref(), &(table + "\n"));
    }
    Ok(exit)
}

/// Returns where and how to propose: to `GITHUB_REPOSITORY`, else the `origin` of
/// the repository of the working directory.
///
/// # Errors
///
/// [`Failure`] if the repository is unknown, or there is no token.
pub(crate) async fn propose_options(
    session: &Session,
    github: Github,
    base: Option<String>,
    mode: Mode,
) -> Result<ProposeOptions, Failure> {
    let environment = &session.environment;
    if mode == Mode::Propose && !github.is_authenticated() {
        let message = "--open-prs requires GITHUB_TOKEN";
        return Err(Failure::unusable(message).hint(
            "set it to a token that may write contents and pull requests, or see with --dry-run \
             what would be opened"
                .to_owned(),
        ));
    }
    let remote = if environment.github_repository.is_none() {
        let git = Git::discover(&environment.git, Purpose::OpenPrs).await?;
        git.origin().await?
    } else {
        None
    };
    let api = environment.github_api.clone();
    let api = api.unwrap_or_else(|| GithubOptions::default().api);
    let name = environment.github_repository.as_deref();
    let repository = find_repository(name, remote.as_deref(), &api);
    Ok(ProposeOptions {
        github,
        repository: repository.map_err(|error| Failure::unusable(error.to_string()))?,
        base,
        pause: PAUSE,
        mode,
    })
}

fn describe(Proposed { outcome, .. }: &Proposed) -> String {
    match outcome {
        Outcome::Created(url) => format!("opened {url}"),
        Outcome::Updated(url) => format!("updated {url}"),
        Outcome::AlreadyProposed(url, PullState::Open) => format!("proposed already: {url}"),
        Outcome::AlreadyProposed(url, _) => format!("proposed before, and closed: {url}"),
        Outcome::WouldCreate { branch, title } => format!("would open, from {branch}: {title}"),
        Outcome::WouldUpdate { url, title } => format!("would update {url}: {title}"),
        Outcome::Failed(error) => format!("not proposed: {error}"),
    }
}
