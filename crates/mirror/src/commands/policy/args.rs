//! The arguments of `policy`.

use clap::{Args, Subcommand, ValueEnum};
use signatures::{ExportFormat, KeylessForm};

use crate::rows::select_args::SelectArgs;

/// The arguments of `policy`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mirror policy export --format containers-policy
  mirror policy export --format kyverno --match 'ghcr.io/*'")]
pub(crate) struct PolicyArgs {
    #[command(subcommand)]
    pub(super) command: PolicyCommand,
}

/// The commands of `policy`.
#[derive(Debug, Subcommand)]
pub(super) enum PolicyCommand {
    /// Print the policy that consumers need to verify the copies in the mirror
    Export(ExportArgs),
}

/// The arguments of `policy export`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mirror policy export --format containers-policy >policy.json
  mirror policy export --format kyverno | kubectl apply -f -
  mirror policy export --format policy-controller --match 'ghcr.io/*'

The policy is made of policy.json and the rows of the list. Classic signatures name the repository of the source,
so a policy for podman names it for each copy.")]
pub(super) struct ExportArgs {
    /// Format of the policy
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(super) format: FormatName,
    /// Form of keyless signatures that Kyverno looks for
    #[arg(long, value_enum, value_name = "FORM", default_value_t)]
    pub(super) keyless: KeylessName,
    #[command(flatten)]
    pub(super) select: SelectArgs,
}

/// The name of a format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum FormatName {
    /// containers-policy.json(5) of podman, skopeo and CRI-O
    ContainersPolicy,
    /// A `ClusterPolicy` of Kyverno
    Kyverno,
    /// `ClusterImagePolicy` objects of Sigstore's policy-controller
    PolicyController,
}

/// The name of a form of keyless signatures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum KeylessName {
    /// Bundles of cosign 3
    #[default]
    Bundle,
    /// Tags of cosign 2
    Classic,
}

impl ExportArgs {
    /// Returns the format.
    pub(super) fn export_format(&self) -> ExportFormat {
        let form = match self.keyless {
            KeylessName::Bundle => KeylessForm::Bundle,
            KeylessName::Classic => KeylessForm::Classic,
        };
        match self.format {
            FormatName::ContainersPolicy => ExportFormat::ContainersPolicy,
            FormatName::Kyverno => ExportFormat::Kyverno(form),
            FormatName::PolicyController => ExportFormat::PolicyController,
        }
    }
}
