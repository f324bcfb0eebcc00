//! The options that select rows and override their destinations.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::mutable_args::AllowEmptyArgs;
use super::shard::Shard;
use super::target_args::TargetArgs;
use crate::cli::environment::Environment;
use crate::cli::failure::Failure;
use crate::cli::key_value::Key;
use crate::cli::key_value::{KeyValue, KeyValueArgs};
use crate::files::list_file;
use crate::registries::signature_check::SignatureCheck;
use crate::session::Session;

/// The options that select rows and override their destinations.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Rows")]
pub(crate) struct SelectArgs {
    /// Select rows whose source or destination matches
    ///
    /// Patterns match names with and without :TAG; `*` also matches `/`. A comma separates patterns.
    #[arg(long = "match", value_name = "GLOB")]
    pub(crate) globs: Vec<String>,
    /// Leave out rows whose source or destination matches
    #[arg(long, value_name = "GLOB")]
    pub(crate) exclude: Vec<String>,
    /// Select rows that a git revision does not have
    #[arg(long, value_name = "REV")]
    pub(crate) changed_since: Option<String>,
    /// Leave out the followed entries of the configuration
    #[arg(long)]
    pub(crate) no_follow: bool,
    /// Select one shard of the rows, such as 1/4 for the first of four
    ///
    /// The shards together have every row once, and no destination repository twice (env, counted
    /// from 0: JOB_COMPLETION_INDEX of JOB_COMPLETIONS).
    #[arg(long, value_name = "I/N")]
    pub(crate) shard: Option<Shard>,
    #[command(flatten)]
    pub(crate) empty: AllowEmptyArgs,
    #[command(flatten)]
    pub(crate) target: TargetArgs,
    #[command(flatten)]
    pub(crate) destination: DestinationArgs,
}

/// The options that override destinations.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Rows")]
pub(crate) struct DestinationArgs {
    /// Registry of every destination (env: DEST_REGISTRY_OVERRIDE)
    #[arg(long, value_name = "HOST")]
    dest_registry: Option<String>,
    /// First path component of every destination (env: DEST_ORG_OVERRIDE)
    #[arg(long, value_name = "ORG")]
    dest_org: Option<String>,
    /// IMAGES_FILE=…, DEST_REGISTRY_OVERRIDE=… or DEST_ORG_OVERRIDE=…
    ///
    /// The same as the environment variables of these names.
    #[arg(value_name = "KEY=VALUE", help_heading = "Arguments")]
    key_values: Vec<KeyValue>,
}

/// The settings of options, `KEY=VALUE` arguments and environment variables.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SelectSettings<'a> {
    /// Lists, separated by commas. `--images-list` takes precedence.
    pub(crate) images_file: Option<&'a str>,
    /// The host of every destination.
    pub(crate) dest_registry: Option<&'a str>,
    /// The first path component of every destination.
    pub(crate) dest_org: Option<&'a str>,
}

impl SelectArgs {
    /// Creates the arguments of a command that selects rows by their targets only.
    pub(crate) fn of_targets(target: TargetArgs, empty: AllowEmptyArgs) -> Self {
        Self {
            target,
            empty,
            ..Self::default()
        }
    }

    /// Returns the selection of all rows, with overrides of their destinations.
    pub(crate) fn of_all_rows(destination: DestinationArgs) -> Self {
        Self {
            destination,
            ..Self::default()
        }
    }

    /// Reports whether options select or override destinations.
    ///
    /// # Errors
    ///
    /// As [`SelectArgs::settings`].
    pub(crate) fn narrows_destinations(&self, environment: &Environment) -> Result<bool, Failure> {
        let settings = self.settings(environment)?;
        let overrides = settings.dest_registry.or(settings.dest_org);
        Ok(overrides.is_some() || !self.target.target.is_empty())
    }

    /// Returns the paths of the lists.
    ///
    /// # Errors
    ///
    /// As [`SelectArgs::settings`].
    pub(crate) fn list_paths(&self, session: &Session) -> Result<Vec<PathBuf>, Failure> {
        let settings = self.settings(&session.environment)?;
        let named = &session.common.images_list;
        Ok(list_file::paths(named, settings.images_file))
    }

    /// Returns the check of the policy beside the lists; `None` if there is no policy.
    ///
    /// # Errors
    ///
    /// As [`SignatureCheck::read`].
    pub(crate) fn signatures(
        &self,
        session: &Session,
    ) -> Result<Option<Arc<SignatureCheck>>, Failure> {
        SignatureCheck::read(session, &self.list_paths(session)?)
    }

    /// Returns the settings by precedence.
    ///
    /// # Errors
    ///
    /// [`Failure`] for keys that the command does not take.
    pub(crate) fn settings<'a>(
        &'a self,
        environment: &'a Environment,
    ) -> Result<SelectSettings<'a>, Failure> {
        let keys = [
            Key::ImagesFile,
            Key::DestRegistryOverride,
            Key::DestOrgOverride,
        ];
        let given = &self.destination;
        let values = KeyValueArgs::new(&given.key_values, &keys, environment)?;
        let registry = given.dest_registry.as_deref();
        Ok(SelectSettings {
            images_file: values.value(None, Key::ImagesFile),
            dest_registry: values.value(registry, Key::DestRegistryOverride),
            dest_org: values.value(given.dest_org.as_deref(), Key::DestOrgOverride),
        })
    }
}
