//! The arguments of `verify`.

use std::path::PathBuf;

use clap::{ArgMatches, Args, Command, FromArgMatches};
use image_name::ImageName;
use serde_json::{Map, Value, json};

use crate::cli::image_argument;
use crate::rows::mutable_args::MutableArgs;
use crate::rows::select_args::SelectArgs;

/// The arguments of `verify`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mirror verify                                    check the rows of the list
  mirror verify ghcr.io/fluxcd/flux-cli:v2.7.2
  mirror verify registry.example.com/app:v1 --key keys/team.pub
  mirror verify ghcr.io/org/app:v1 --issuer https://token.actions.githubusercontent.com --identity-regexp '^https://github\\.com/org/'

Without options for signers, policy.json says which signatures an image needs. If there is none, the signers of
the images are listed.")]
pub(crate) struct VerifyArgs {
    /// Images to check instead of the rows, as NAME, NAME:TAG or NAME@DIGEST
    #[arg(value_name = "IMAGE", value_parser = image_argument::image)]
    pub(crate) images: Vec<ImageName>,
    /// File with the public key that must have signed (PEM)
    #[arg(
        long = "key",
        value_name = "FILE",
        value_delimiter = ',',
        help_heading = "Signers",
        conflicts_with = "issuer"
    )]
    pub(crate) keys: Vec<PathBuf>,
    /// OpenID Connect issuer of the certificate that must have signed
    #[arg(long, value_name = "URL", help_heading = "Signers")]
    pub(crate) issuer: Option<String>,
    /// Identity in the certificate
    #[arg(
        long,
        value_name = "TEXT",
        help_heading = "Signers",
        requires = "issuer",
        conflicts_with = "identity_regexp"
    )]
    pub(crate) identity: Option<String>,
    /// Regular expression for the identity, which begins with ^
    #[arg(
        long,
        value_name = "REGEXP",
        help_heading = "Signers",
        requires = "issuer"
    )]
    pub(crate) identity_regexp: Option<String>,
    /// Predicate type of an attestation that the images need
    #[arg(
        long = "attestation",
        value_name = "TYPE",
        value_delimiter = ',',
        help_heading = "Signers"
    )]
    pub(crate) attestations: Vec<String>,
    /// Count the first attestation as the signature of the image
    #[arg(long, help_heading = "Signers", requires = "attestations")]
    pub(crate) signed_by_attestation: bool,
    #[command(flatten)]
    pub(crate) select: SelectOptions,
    #[command(flatten)]
    pub(crate) locked: MutableArgs,
}

/// The options that select rows. `KEY=VALUE` arguments follow `--`, because others are images.
#[derive(Debug)]
pub(crate) struct SelectOptions(pub(crate) SelectArgs);

impl Args for SelectOptions {
    fn augment_args(command: Command) -> Command {
        SelectArgs::augment_args(command).mut_arg("key_values", |argument| argument.last(true))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for SelectOptions {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        SelectArgs::from_arg_matches(matches).map(Self)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.0.update_from_arg_matches(matches)
    }
}

impl VerifyArgs {
    /// Returns the policy that the options for signers stand for; `None` without such options.
    pub(super) fn policy(&self) -> Option<Value> {
        let mut entry = Map::new();
        entry.insert("match".to_owned(), "*".into());
        if let Some(issuer) = &self.issuer {
            let mut keyless = Map::new();
            keyless.insert("issuer".to_owned(), issuer.as_str().into());
            let identities = [
                ("identity", &self.identity),
                ("identityRegexp", &self.identity_regexp),
            ];
            for (key, value) in identities {
                if let Some(value) = value {
                    keyless.insert(key.to_owned(), value.as_str().into());
                }
            }
            entry.insert("keyless".to_owned(), keyless.into());
        } else if !self.keys.is_empty() {
            let keys = self.keys.iter().map(|key| key.display().to_string());
            entry.insert("keys".to_owned(), keys.collect::<Vec<_>>().into());
        } else {
            return None;
        }
        if !self.attestations.is_empty() {
            let types = self.attestations.iter();
            let types = types.map(|name| json!({"predicateType": name}));
            entry.insert("attestations".to_owned(), types.collect());
        }
        if self.signed_by_attestation {
            entry.insert("signedBy".to_owned(), "attestation".into());
        }
        Some(json!({"images": [entry]}))
    }
}
