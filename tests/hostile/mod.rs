//! Every string that arrives from elsewhere in every hostile form, compared with the table in the
//! documentation.

mod bundles;
mod form;
mod origin;
mod page;
mod readers;
mod stage;

use std::time::{Duration, Instant};

use futures::StreamExt;

use self::form::{FORMS, Form, OVERSIZE};
use self::origin::{ORIGINS, Origin};
use self::stage::Stage;
use crate::sanitize::check_is_harmless;

/// Maximum duration of a run. It is far longer than any run that does not hang.
const BOUND: Duration = Duration::from_secs(60);

/// Maximum size of what a run prints about the text of a registry.
const MAX_OUTPUT: usize = 64 * 1024;

/// Maximum size of what a run prints about a file of the checkout: a few times its text.
const MAX_LOCAL_OUTPUT: usize = 13 * OVERSIZE;

/// Number of concurrent cells.
const CONCURRENT_CELLS: usize = 4;

/// The result of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// The run succeeds, and the string has no effect.
    Harmless,
    /// The run fails with a message.
    Refused,
    /// The string cannot have the form.
    Impossible,
}

/// Runs a cell.
///
/// # Errors
///
/// The effects of the string.
async fn run(origin: Origin, form: Form) -> Result<Verdict, String> {
    let stage = Stage::new().await;
    let Some(line) = origin.plant(form, &stage) else {
        return Ok(Verdict::Impossible);
    };
    stage.clear_requests();
    let environment = &stage.environment;
    let files = environment.file_names();
    let begun = Instant::now();
    // Fails if a stream has the password.
    let output = environment.mirror_without_vv(&line);
    let mut effects = Vec::new();
    if begun.elapsed() > BOUND {
        effects.push(format!("{} s", begun.elapsed().as_secs()));
    }
    effects.extend(stage.check_effects().err());
    let size = output.stdout.len() + output.stderr.len();
    let limit = match origin.is_local() {
        true => MAX_LOCAL_OUTPUT,
        false => MAX_OUTPUT,
    };
    if size > limit {
        effects.push(format!("{size} bytes of output"));
    }
    let lines = output.stdout.lines().chain(output.stderr.lines());
    effects.extend(lines.filter_map(|line| check_is_harmless(line).err()));
    let new_files = environment.file_names();
    let mut new_files = new_files.iter().filter(|name| !files.contains(name));
    if let Some(name) = new_files.find(|name| *name != "summary.md") {
        effects.push(format!("the file {name}"));
    }
    if !effects.is_empty() {
        return Err(format!(
            "{}, {}: {}",
            origin.name(),
            form.name(),
            effects.join("; ")
        ));
    }
    match output.code {
        Some(0) => Ok(Verdict::Harmless),
        Some(code @ 1..=4) if !output.stderr.contains("panicked") => {
            let has_message = !output.stderr.trim().is_empty() || !output.stdout.trim().is_empty();
            has_message.then_some(Verdict::Refused).ok_or_else(|| {
                format!(
                    "{}, {}: exit {code} without a message",
                    origin.name(),
                    form.name()
                )
            })
        }
        code => Err(format!(
            "{}, {}: {code:?}\n{}",
            origin.name(),
            form.name(),
            output.stderr
        )),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_strings_have_no_effect() {
    let cells = ORIGINS
        .into_iter()
        .flat_map(|origin| FORMS.map(|form| (origin, form)));
    let runs = cells.map(|(origin, form)| async move {
        let cell = tokio::spawn(run(origin, form)).await;
        cell.unwrap_or_else(|error| Err(format!("{}, {}: {error}", origin.name(), form.name())))
    });
    let results: Vec<_> = futures::stream::iter(runs)
        .buffered(CONCURRENT_CELLS)
        .collect()
        .await;
    let effects: Vec<_> = results
        .iter()
        .filter_map(|result| result.as_ref().err())
        .collect();
    assert!(
        effects.is_empty(),
        "{} effects:\n{effects:#?}",
        effects.len()
    );
    let verdicts: Vec<Verdict> = results.into_iter().flatten().collect();
    for (origin, row) in ORIGINS.iter().zip(verdicts.chunks(FORMS.len())) {
        let is_tried = row.iter().any(|verdict| *verdict != Verdict::Impossible);
        assert!(is_tried, "nothing plants {origin:?}");
    }
    page::check(&verdicts);
}
