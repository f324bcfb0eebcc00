//! `--target`: the targets that a run writes to.

use clap::Args;
use images_list::{Target, TargetName, Targets, WrittenRepository};

use crate::cli::failure::Failure;
use crate::files::list_file::ListFile;

/// The option that selects targets.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct TargetArgs {
    /// Write only to these targets or groups of targets.json
    ///
    /// Rows that name no target are left out.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) target: Vec<String>,
}

/// The targets that a run writes to.
#[derive(Debug)]
pub(super) struct SelectedTargets {
    /// `None` without the option: all targets, and repositories that rows name themselves.
    names: Option<Vec<TargetName>>,
}

impl TargetArgs {
    /// Returns the selected targets.
    ///
    /// # Errors
    ///
    /// [`Failure`] for a name that is neither a target nor a group.
    pub(super) fn selected(&self, targets: &Targets) -> Result<SelectedTargets, Failure> {
        if self.target.is_empty() {
            return Ok(SelectedTargets { names: None });
        }
        let mut names = Vec::new();
        for text in &self.target {
            let name = text.trim().parse::<TargetName>();
            let name = name.map_err(|error| Failure::unusable(format!("--target: {error}")))?;
            let members = targets
                .members(&name)
                .ok_or_else(|| unknown(&name, targets))?;
            names.extend(members.iter().map(|target| target.name.clone()));
        }
        Ok(SelectedTargets { names: Some(names) })
    }

    /// Returns the failure of a run for which `--target` leaves no row.
    pub(super) fn no_row(&self, lists: &[ListFile]) -> Failure {
        let lists: Vec<_> = lists.iter().map(|file| file.name.as_str()).collect();
        Failure::unusable(format!(
            "--target {}: no selected row of {} has the target; nothing was sent",
            self.target.join(","),
            lists.join(", ")
        ))
        .hint("name a target of the rows, such as `hub` of `@hub/path`; with --allow-empty this is no error".to_owned())
    }
}

fn unknown(name: &TargetName, targets: &Targets) -> Failure {
    let failure = Failure::unusable(format!("--target: `{name}` is not a target or group"));
    let all = targets.all().iter().map(|target| target.name.as_str());
    let groups = targets.groups().iter().map(|(name, _)| name.as_str());
    let names: Vec<_> = all.chain(groups).collect();
    failure.hint(match names.is_empty() {
        true => "there is no targets file: create targets.json beside the list, or name it with --targets".to_owned(),
        false => format!("name one of {}", names.join(", ")),
    })
}

impl SelectedTargets {
    /// Returns true if a repository of a row is written.
    pub(super) fn includes(&self, written: &WrittenRepository) -> bool {
        let name = written.target.as_ref().map(|target| &target.name);
        match &self.names {
            None => true,
            Some(selected) => name.is_some_and(|name| selected.contains(name)),
        }
    }
}

/// Refuses `--dest-registry` for rows of several targets, which would be written to one repository.
///
/// # Errors
///
/// [`Failure`] that names the targets.
pub(super) fn refuse_several<'a>(targets: impl Iterator<Item = &'a Target>) -> Result<(), Failure> {
    let mut names: Vec<&str> = Vec::new();
    for target in targets {
        if !names.contains(&target.name.as_str()) {
            names.push(target.name.as_str());
        }
    }
    if names.len() < 2 {
        return Ok(());
    }
    Err(Failure::unusable(format!(
        "`--dest-registry` needs rows of one target; the rows have {}",
        names.join(", ")
    ))
    .hint(format!(
        "select one of them, such as `--target {}`",
        names[0]
    )))
}
