//! Running `mirror policy`.

use std::fmt;

use image_name::full_repository;
use oci_spec::distribution::Reference;
use serde::Serialize;
use signatures::{Copy, export};

use super::args::{ExportArgs, PolicyArgs, PolicyCommand};
use crate::cli::exit::Exit;
use crate::cli::failure::{Failure, Finding};
use crate::files::policy_file;
use crate::rows::selection::{self, RunRow};
use crate::session::Session;

/// An exported policy.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct ExportedPolicy {
    /// The format.
    format: String,
    /// The text of the policy: JSON for `containers-policy`, else YAML.
    policy: String,
}

impl fmt::Display for ExportedPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.policy)
    }
}

/// Runs the command. No request is sent.
///
/// # Errors
///
/// [`Failure`] for a list or a policy that cannot be used, and for requirements that the format cannot express.
pub(crate) async fn run(session: &Session, args: &PolicyArgs) -> Result<Exit, Failure> {
    let PolicyCommand::Export(args) = &args.command;
    export_policy(session, args).await
}

async fn export_policy(session: &Session, args: &ExportArgs) -> Result<Exit, Failure> {
    let paths = args.select.list_paths(session)?;
    let file = policy_file::require_valid(&session.common, &session.environment, &paths)?;
    let file = file.ok_or_else(|| {
        Failure::unusable("there is no policy to export")
            .hint("write policy.json as docs/signatures.md describes".to_owned())
    })?;
    let selection = selection::select(session, &args.select).await?;
    let copies: Vec<Copy> = selection.rows.iter().filter_map(copy).collect();
    let format = args.export_format();
    let text = export(&file.policy, &copies, format).map_err(|problems| {
        let count = problems.len();
        let problems = problems.into_iter().map(|problem| Finding {
            file: file.name.clone(),
            line: problem.line,
            message: format!("{}: {}", problem.scope, problem.reason),
        });
        let message = match count {
            1 => format!("1 requirement cannot be expressed as {format}; nothing was exported"),
            many => {
                format!("{many} requirements cannot be expressed as {format}; nothing was exported")
            }
        };
        Failure::failed(message)
            .hint(
                "leave out their rows with --exclude, or export another format for them".to_owned(),
            )
            .problems(problems.collect())
    })?;
    let exported = ExportedPolicy {
        format: format.to_string(),
        policy: text,
    };
    session.output.write(&exported, &exported)?;
    Ok(Exit::Done)
}

/// Returns the copy that a row makes.
fn copy(row: &RunRow) -> Option<Copy> {
    let name = |reference: &Reference| full_repository(reference).parse().ok();
    let tag = |reference: &Reference| reference.tag().and_then(|tag| tag.parse().ok());
    Some(Copy {
        source: name(&row.row.source)?,
        source_tag: tag(&row.row.source),
        destination: name(&row.row.destination)?,
        destination_tag: tag(&row.row.destination),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminal::document_schema;

    #[test]
    fn document_has_the_schema_of_the_documentation() {
        document_schema::assert_documented::<ExportedPolicy>("policy-export");
    }
}
