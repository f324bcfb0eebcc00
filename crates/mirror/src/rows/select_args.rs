//! The options that select rows and override their destinations.

use clap::Args;

use super::shard::Shard;
use crate::cli::environment::Environment;
use crate::cli::failure::Failure;
use crate::cli::key_value::Key;
use crate::cli::key_value::{KeyValue, KeyValueArgs};

/// Options of the commands over rows.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Rows")]
pub(crate) struct SelectArgs {
    /// Only rows whose source or destination matches, with or without :TAG; `*` matches `/` too
    #[arg(long = "match", value_name = "GLOB", value_delimiter = ',')]
    pub(crate) globs: Vec<String>,
    /// Only rows that are new since a git revision
    #[arg(long, value_name = "REV")]
    pub(crate) changed_since: Option<String>,
    /// Only this share of the rows: the first of four is 1/4. Machines that do one share each do
    /// the whole list, no destination repository twice (env, counted from 0: JOB_COMPLETION_INDEX
    /// of JOB_COMPLETIONS)
    #[arg(long, value_name = "I/N")]
    pub(crate) shard: Option<Shard>,
    /// Another registry for every destination (env: DEST_REGISTRY_OVERRIDE)
    #[arg(long, value_name = "HOST")]
    dest_registry: Option<String>,
    /// Another first path component for every destination (env: DEST_ORG_OVERRIDE)
    #[arg(long, value_name = "ORG")]
    dest_org: Option<String>,
    /// IMAGES_FILE=…, DEST_REGISTRY_OVERRIDE=…, DEST_ORG_OVERRIDE=…: as the options and the
    /// environment variables
    #[arg(value_name = "KEY=VALUE", help_heading = "Arguments")]
    key_values: Vec<KeyValue>,
}

/// The settings that flags, `KEY=VALUE` arguments or the environment can give.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SelectSettings<'a> {
    /// Lists, separated by commas; `--images-list` comes before it.
    pub(crate) images_file: Option<&'a str>,
    /// The host of every destination.
    pub(crate) dest_registry: Option<&'a str>,
    /// The first path component of every destination.
    pub(crate) dest_org: Option<&'a str>,
}

impl SelectArgs {
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
        let values = KeyValueArgs::new(&self.key_values, &keys, environment)?;
        Ok(SelectSettings {
            images_file: values.value(None, Key::ImagesFile),
            dest_registry: values.value(self.dest_registry.as_deref(), Key::DestRegistryOverride),
            dest_org: values.value(self.dest_org.as_deref(), Key::DestOrgOverride),
        })
    }
}
