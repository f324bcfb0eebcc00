//! `--open-prs`: opens pull requests for new versions.

use std::time::Duration;

use tag_retrieval::github::{Github, GithubProject};
use tag_retrieval::gitlab::Gitlab;

use super::apply::log_problem;
use super::drafting::{TakenRow, draft, track_lists};
use super::pull_requests::{
    GithubHost, GitlabHost, Host, HostError, Mode, Outcome, PROPOSE_AGAIN, Proposed, Proposer,
    PullState, Repository, Taken, find_repository,
};
use super::retrieval::Retrieval;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::files::list_file::ListFile;
use crate::git::{Git, Purpose};
use crate::registries::availability::AvailabilityChecker;
use crate::registries::signature_check::SignatureCheck;
use crate::session::Session;
use crate::terminal::github_actions;
use crate::terminal::markdown::cell;
use crate::terminal::output;
use crate::terminal::units::counted;

/// The pause between two changes that GitHub recommends.
const PAUSE: Duration = Duration::from_secs(1);

/// The time for one request to GitLab, waits and retries included.
const GITLAB_TIMEOUT: Duration = Duration::from_secs(300);

/// The options of a run that opens pull requests.
#[derive(Debug)]
pub(crate) struct ProposeOptions {
    /// The repository of the list, with its client.
    place: Place,
    /// The target branch; `None` for the default branch of the repository.
    base: Option<String>,
    mode: Mode,
    /// Each row that is left out is explained.
    explain: bool,
}

/// The repository of the list, with its client.
#[derive(Debug)]
enum Place {
    Github(Github, GithubProject),
    Gitlab(Gitlab, String),
}

/// Opens a pull request for each entry with new versions.
///
/// # Errors
///
/// [`Failure`] if GitHub or GitLab does not respond.
pub(crate) async fn open_prs(
    session: &Session,
    retrieval: &Retrieval,
    lists: &[ListFile],
    options: &ProposeOptions,
) -> Result<Exit, Failure> {
    let base = options.base.as_deref();
    match &options.place {
        Place::Github(github, repository) => {
            let host = GithubHost::open(github, repository, base, PAUSE).await;
            let host = host.map_err(|error| failed(&error.into()))?;
            Box::pin(open_at(host, session, retrieval, lists, options)).await
        }
        Place::Gitlab(gitlab, project) => {
            let host = GitlabHost::open(gitlab.clone(), project, base, PAUSE).await;
            let host = host.map_err(|error| failed(&error.into()))?;
            Box::pin(open_at(host, session, retrieval, lists, options)).await
        }
    }
}

fn failed(error: &HostError) -> Failure {
    Failure::failed(error.to_string())
}

async fn open_at<H: Host>(
    host: H,
    session: &Session,
    retrieval: &Retrieval,
    lists: &[ListFile],
    options: &ProposeOptions,
) -> Result<Exit, Failure> {
    let files: Vec<_> = lists.iter().map(|list| list.path.clone()).collect();
    let signatures = SignatureCheck::read(session, &files)?;
    let checker = AvailabilityChecker::new(&session.common, &session.environment)?
        .with_signatures(signatures);
    let git = Git::discover(&session.environment.git, Purpose::OpenPrs).await?;
    let listed = track_lists(&git, lists)?;
    let paths: Vec<_> = listed.iter().map(|list| list.path.clone()).collect();
    let proposer = Proposer::open(host, &paths, options.mode).await;
    let mut proposer = proposer.map_err(|error| failed(&error))?;
    let done = proposer.close_done().await;
    for url in done.map_err(|error| failed(&error))? {
        let verb = match options.mode {
            Mode::DryRun => "would close",
            Mode::Propose => "closed",
        };
        output::notice(&format!("{verb} {url}: all its rows are in the list\n"));
    }
    let drafts = draft(&checker, &proposer, retrieval, lists, &listed).await?;
    let mut exit = Exit::Done;
    for problem in drafts.iter().flat_map(|draft| &draft.problems) {
        exit = exit.max(log_problem(problem));
    }
    let taken: Vec<_> = drafts.iter().flat_map(|draft| &draft.taken).collect();
    report_taken(&taken, options.explain);
    let proposals: Vec<_> = drafts
        .into_iter()
        .filter_map(|draft| draft.proposal)
        .collect();
    let proposed = proposer.propose(&proposals).await;
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

/// Reports the new rows that persons decided about: each row, or only how many.
fn report_taken(taken: &[&TakenRow], explain: bool) {
    let mut counts: Vec<(String, usize)> = Vec::new();
    for TakenRow { entry, row, taken } in taken {
        let Taken { reason, url } = taken;
        if explain {
            let (source, tag) = (row.source.as_written(), &row.tag);
            output::notice(&format!("{entry}: {source}:{tag} {reason}: {url}\n"));
            continue;
        }
        let line = format!("{reason}: {url}");
        let line = format!("{entry}: not proposed again, {line}");
        match counts.iter_mut().find(|(known, _)| *known == line) {
            Some((_, count)) => *count += 1,
            None => counts.push((line, 1)),
        }
    }
    for (line, count) in counts {
        output::notice(&format!("{line} ({})\n", counted(count, "row")));
    }
    if taken.iter().any(|row| row.taken.is_final()) {
        output::notice(&format!(
            "the label {PROPOSE_AGAIN} on the pull request takes that back\n"
        ));
    }
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
    (base, mode, explain): (Option<String>, Mode, bool),
) -> Result<ProposeOptions, Failure> {
    let environment = &session.environment;
    let apis = environment.apis.source_apis()?;
    let token = apis.gitlab_token;
    if token.is_none() {
        require_github_token(&github, mode)?;
    }
    let remote = if environment.github_repository.is_none() {
        let git = Git::discover(&environment.git, Purpose::OpenPrs).await?;
        git.origin().await?
    } else {
        None
    };
    let name = environment.github_repository.as_deref();
    let repository = find_repository(
        name,
        remote.as_deref(),
        apis.github_api.as_str(),
        token.is_some(),
    );
    if !matches!(repository, Ok(Repository::Gitlab { .. })) {
        require_github_token(&github, mode)?;
    }
    let place = match repository.map_err(|error| Failure::unusable(error.to_string()))? {
        Repository::Github(project) => Place::Github(github, project),
        Repository::Gitlab { api, project } => {
            Place::Gitlab(Gitlab::new(&api, token, GITLAB_TIMEOUT), project)
        }
    };
    Ok(ProposeOptions {
        place,
        base,
        mode,
        explain,
    })
}

fn require_github_token(github: &Github, mode: Mode) -> Result<(), Failure> {
    if mode == Mode::DryRun || github.is_authenticated() {
        return Ok(());
    }
    let message = "--open-prs requires GITHUB_TOKEN";
    Err(Failure::unusable(message).hint(
        "set it to a token that may write contents and pull requests, or see with --dry-run \
         what would be opened"
            .to_owned(),
    ))
}

fn describe(Proposed { outcome, .. }: &Proposed) -> String {
    match outcome {
        Outcome::Created(url) => format!("opened {url}"),
        Outcome::Updated(url) => format!("updated {url}"),
        Outcome::Rebuilt(url) => format!("made anew on the target branch: {url}"),
        Outcome::WouldRebuild(url) => format!("would make anew on the target branch: {url}"),
        Outcome::Conflicting(url) => {
            format!("proposed already, in a branch that conflicts and has commits of others: {url}")
        }
        Outcome::AlreadyProposed(url, PullState::Open) => format!("proposed already: {url}"),
        Outcome::AlreadyProposed(url, PullState::Merged) => {
            format!("proposed before, and merged: {url}")
        }
        Outcome::AlreadyProposed(url, PullState::Closed) => {
            format!("proposed before, and closed: {url}")
        }
        Outcome::WouldCreate { branch, title } => format!("would open, from {branch}: {title}"),
        Outcome::WouldUpdate { url, title } => format!("would update {url}: {title}"),
        Outcome::Failed(error) => format!("not proposed: {error}"),
    }
}
