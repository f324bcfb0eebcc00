//! Which rows of the lists a run is about, and where they go.

use std::collections::HashSet;
use std::path::PathBuf;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use images_list::{Diff, List, Repository, RowAt, Severity};

use super::partition::shares;
use super::select_args::{SelectArgs, SelectSettings};
use super::shard::Shard;
use crate::cli::failure::{Failure, Finding};
use crate::cli::image_name::full_repository;
use crate::files::list_file::{self, ListFile};
use crate::files::lock_file;
use crate::git::{Git, Links, Purpose, TrackedPath};
use crate::session::Session;
use crate::terminal::github_actions::{self, Level};

/// The rows of a run.
#[derive(Debug)]
pub(crate) struct Selection {
    /// The rows, in the order of the lists.
    pub(crate) rows: Vec<copier::Row>,
    /// Where each stands.
    pub(crate) places: Vec<Place>,
    /// Each as its list has it.
    pub(crate) listed: Vec<Listed>,
    /// The other rows: their destinations may have what is needed here.
    pub(crate) other_rows: Vec<copier::Row>,
    /// The lists.
    pub(crate) lists: Vec<ListFile>,
    /// Which share of the rows these are.
    pub(crate) shard: Option<Shard>,
}

/// A row as a list has it.
#[derive(Debug, Clone)]
pub(crate) struct Listed {
    /// The list's place among those that were named.
    pub(crate) list: usize,
    /// The row.
    pub(crate) row: images_list::Row,
}

/// A line of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// The list, as it was named.
    pub(crate) file: String,
    /// The line, counted from 1.
    pub(crate) line: usize,
}

/// Reads the lists and selects rows.
///
/// # Errors
///
/// [`Failure`] for lists that cannot be read or have wrong rows, for globs and
/// revisions that mean nothing.
pub(crate) async fn select(session: &Session, args: &SelectArgs) -> Result<Selection, Failure> {
    let settings = args.settings(&session.environment)?;
    let shard = Shard::of_process(args.shard, &session.environment)?;
    let overrides = Overrides::parse(&settings)?;
    let globs = Globs::parse("--match", &args.globs)?;
    let paths = list_file::paths(&session.common.images_list, settings.images_file);
    let base = match &args.changed_since {
        Some(revision) => Some(Base::find(session, revision, &paths).await?),
        None => None,
    };
    let lists = list_file::read_all(&paths)?;
    refuse_wrong_rows(session, &lists)?;
    let mut selection = Selection {
        rows: Vec::new(),
        places: Vec::new(),
        listed: Vec::new(),
        other_rows: Vec::new(),
        lists: Vec::new(),
        shard,
    };
    for (list, file) in lists.iter().enumerate() {
        let new = match &base {
            Some(base) => Some(base.new_lines(list, file).await?),
            None => None,
        };
        for RowAt { line, row } in file.list.rows() {
            let copied = copier::Row {
                source: row.source_reference(),
                destination: overrides.apply(&row.destination)?.reference(&row.tag),
                approved: None,
            };
            let is_new = new.as_ref().is_none_or(|new| new.contains(&line));
            if !is_new || !globs.select(row) {
                selection.other_rows.push(copied);
                continue;
            }
            selection.rows.push(copied);
            let file = file.name.clone();
            selection.places.push(Place { file, line });
            let row = row.clone();
            selection.listed.push(Listed { list, row });
        }
    }
    selection.lists = lists;
    if let Some(shard) = shard {
        selection.keep(shard);
    }
    selection.tell_if_empty();
    Ok(selection)
}

impl Selection {
    /// Keeps a shard's rows; the others' become other_rows.
    fn keep(&mut self, shard: Shard) {
        let of = |row: &copier::Row| full_repository(&row.destination);
        let destinations: Vec<String> = self.rows.iter().map(of).collect();
        let mut shares = shares(&destinations, shard.of()).into_iter();
        let rows = std::mem::take(&mut self.rows);
        let places = std::mem::take(&mut self.places);
        let listed = std::mem::take(&mut self.listed);
        for ((row, place), listed) in rows.into_iter().zip(places).zip(listed) {
            if shares.next() == Some(shard.index()) {
                self.rows.push(row);
                self.places.push(place);
                self.listed.push(listed);
            } else {
                self.other_rows.push(row);
            }
        }
    }

    fn tell_if_empty(&self) {
        match self.shard {
            _ if !self.rows.is_empty() => {}
            Some(shard) => tracing::warn!("no row is in shard {shard}: nothing to do"),
            None => tracing::warn!("no row is selected: nothing to do"),
        }
    }
}

/// Wrong rows stop a run before anything is sent; the rest is told and passes.
///
/// # Errors
///
/// [`Failure`] that names every wrong row.
pub(crate) fn refuse_wrong_rows(session: &Session, lists: &[ListFile]) -> Result<(), Failure> {
    let found = list_file::check(lists);
    let of = |severity| {
        let those = found.iter().filter(move |found| found.severity == severity);
        those
            .map(|found| found.finding.clone())
            .collect::<Vec<Finding>>()
    };
    let (wrong, form) = (of(Severity::WrongRow), of(Severity::Form));
    if !wrong.is_empty() {
        let message = match wrong.len() {
            1 => "a line of the list is no row; nothing was sent".to_owned(),
            many => format!("{many} problems with rows of the list; nothing was sent"),
        };
        return Err(Failure::unusable(message)
            .hint("correct what is named above; `mirror lint` checks it again".to_owned())
            .problems(wrong));
    }
    github_actions::annotate(session.environment.github.as_ref(), Level::Warning, &form);
    for finding in form {
        tracing::warn!("{finding}");
    }
    Ok(())
}

/// The revision of `--changed-since`.
#[derive(Debug)]
struct Base<'a> {
    git: Git,
    revision: &'a str,
    /// The lists, in the order in which they were named.
    lists: Vec<TrackedPath>,
}

impl<'a> Base<'a> {
    /// Finds the lists in the repository. Neither they nor their locks may be symbolic links.
    async fn find(
        session: &Session,
        revision: &'a str,
        lists: &[PathBuf],
    ) -> Result<Self, Failure> {
        let git = Git::discover(&session.environment.git, Purpose::ChangedSince).await?;
        let mut tracked = Vec::new();
        for list in lists {
            tracked.push(git.track(list, Links::Refuse)?);
            git.track(&lock_file::path_of(list), Links::Refuse)?;
        }
        Ok(Self {
            git,
            revision,
            lists: tracked,
        })
    }

    /// Returns the lines of a list with rows that the revision does not have.
    async fn new_lines(&self, list: usize, file: &ListFile) -> Result<HashSet<usize>, Failure> {
        let revision = self.revision;
        let old = match self.git.content_at(revision, &self.lists[list]).await? {
            None => List::default(),
            Some(bytes) => List::from_bytes(&bytes).map_err(|error| {
                Failure::unusable(format!("{} of {revision}: {error}", file.name))
            })?,
        };
        let diff = Diff::between(&old, &file.list);
        Ok(diff.added.iter().map(|at| at.line).collect())
    }
}

/// `--match`, and whatever else takes patterns for rows.
#[derive(Debug)]
pub(crate) struct Globs(Option<GlobSet>);

impl Globs {
    /// The patterns of an option whose absence selects nothing.
    ///
    /// # Errors
    ///
    /// As [`Globs::parse`].
    pub(crate) fn parse_some(option: &str, patterns: &[String]) -> Result<Self, Failure> {
        if patterns.is_empty() {
            return Ok(Self(Some(GlobSet::empty())));
        }
        Self::parse(option, patterns)
    }

    /// No patterns select everything.
    ///
    /// # Errors
    ///
    /// [`Failure`] for what is no pattern, which names the option.
    pub(crate) fn parse(option: &str, patterns: &[String]) -> Result<Self, Failure> {
        if patterns.is_empty() {
            return Ok(Self(None));
        }
        let mut set = GlobSetBuilder::new();
        for pattern in patterns {
            let glob = GlobBuilder::new(pattern).literal_separator(false).build();
            set.add(glob.map_err(|error| {
                Failure::unusable(format!("{option} {pattern:?} is no glob: {}", error.kind()))
                    .hint(
                        "`*` stands for anything, `?` for a character, `{a,b}` for either"
                            .to_owned(),
                    )
            })?);
        }
        let set = set.build();
        let set = set.map_err(|error| Failure::unusable(format!("{option}: {error}")))?;
        Ok(Self(Some(set)))
    }

    /// Whether a pattern matches the source or the destination, as written or
    /// in full, with or without the tag.
    pub(crate) fn select(&self, row: &images_list::Row) -> bool {
        let Some(set) = &self.0 else {
            return true;
        };
        [&row.source, &row.destination]
            .into_iter()
            .any(|repository| {
                let full = format!("{}/{}", repository.host(), repository.path());
                [repository.as_written(), &full]
                    .into_iter()
                    .any(|name| set.is_match(name) || set.is_match(format!("{name}:{}", row.tag)))
            })
    }
}

/// Where destinations go instead.
#[derive(Debug)]
struct Overrides {
    host: Option<String>,
    org: Option<String>,
}

impl Overrides {
    fn parse(settings: &SelectSettings<'_>) -> Result<Self, Failure> {
        let host = settings.dest_registry.map(checked_host).transpose()?;
        let org = settings.dest_org.map(checked_org).transpose()?;
        Ok(Self { host, org })
    }

    /// Replaces the host and the first path component; a path of one component
    /// gets one before it.
    fn apply(&self, destination: &Repository) -> Result<Repository, Failure> {
        if self.host.is_none() && self.org.is_none() {
            return Ok(destination.clone());
        }
        let host = self.host.as_deref().unwrap_or(destination.host());
        let path = match &self.org {
            None => destination.path().to_owned(),
            Some(org) => {
                let path = destination.path();
                let rest = path.split_once('/').map_or(path, |(_, rest)| rest);
                format!("{org}/{rest}")
            }
        };
        format!("{host}/{path}").parse().map_err(|error| {
            Failure::unusable(format!(
                "the destination {destination} becomes {host}/{path}: {error}"
            ))
        })
    }
}

fn checked_host(host: &str) -> Result<String, Failure> {
    let parsed: Option<Repository> = format!("{host}/a/b").parse().ok();
    match parsed {
        // A name that is no host would become a part of the path at Docker Hub.
        Some(name) if name.path() == "a/b" => Ok(name.host().to_owned()),
        _ => Err(Failure::unusable(format!("the destination registry {host:?} is no host"))
            .hint("write HOST or HOST:PORT, such as registry.example.com or localhost:5000; a path goes to --dest-org".to_owned())),
    }
}

fn checked_org(org: &str) -> Result<String, Failure> {
    let parsed = format!("localhost/{org}/a").parse::<Repository>();
    match parsed {
        Ok(_) => Ok(org.to_owned()),
        Err(error) => Err(Failure::unusable(format!(
            "the destination organisation {org:?} cannot be part of a name: {error}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overrides(host: Option<&str>, org: Option<&str>) -> Result<Overrides, Failure> {
        Overrides::parse(&SelectSettings {
            images_file: None,
            dest_registry: host,
            dest_org: org,
        })
    }

    #[test]
    fn overrides_replace_host_and_first_component() {
        let table = [
            (None, None, "rancher/a", "docker.io/rancher/a:1"),
            (
                Some("localhost:5000"),
                None,
                "rancher/a",
                "localhost:5000/rancher/a:1",
            ),
            (None, Some("test"), "q.io/rancher/a/b", "q.io/test/a/b:1"),
            (Some("r.io"), Some("x/y"), "q.io/rancher/a", "r.io/x/y/a:1"),
            (None, Some("test"), "q.io/a", "q.io/test/a:1"),
            (None, Some("test"), "busybox", "docker.io/test/busybox:1"),
            (
                Some("index.docker.io"),
                None,
                "q.io/a",
                "docker.io/library/a:1",
            ),
        ];
        let tag = "1".parse().unwrap();
        for (host, org, destination, want) in table {
            let overrides = overrides(host, org).unwrap();
            let applied = overrides.apply(&destination.parse().unwrap()).unwrap();
            assert_eq!(
                applied.reference(&tag).whole(),
                want,
                "{host:?} {org:?} {destination}"
            );
        }
    }

    #[test]
    fn overrides_that_name_nothing_are_refused() {
        for host in ["registry", "https://r.io", "r.io/path", "r.io:x", ""] {
            assert!(overrides(Some(host), None).is_err(), "{host:?}");
        }
        for org in ["Upper", "/x", "x/", "a:b", "a b"] {
            assert!(overrides(None, Some(org)).is_err(), "{org:?}");
        }
    }

    #[test]
    fn globs_match_names_with_and_without_tag() {
        let list = List::parse("busybox q.io/rancher/mirrored-busybox v1.36\n");
        let row = list.rows().next().unwrap().row.clone();
        let table = [
            ("busybox", true),
            ("docker.io/*", true),
            ("docker.io/library/busybox:v1.*", true),
            ("q.io/*", true),
            ("*mirrored-{busybox,alpine}", true),
            ("*:v1.36", true),
            ("box", false),
            ("*:v2", false),
            ("q.io", false),
        ];
        for (pattern, want) in table {
            let globs = Globs::parse("--match", &[pattern.to_owned()]).unwrap();
            assert_eq!(globs.select(&row), want, "{pattern}");
        }
        assert!(Globs::parse("--match", &["a[".to_owned()]).is_err());
        assert!(Globs::parse("--match", &[]).unwrap().select(&row));
    }
}
