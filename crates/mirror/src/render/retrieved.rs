//! The result of `retrieve-tags`, and how it came about.

use std::fmt::{self, Display, Formatter};

use serde_json::{Map, Value};
use tag_retrieval::{Dropped, News, Origin, Pair, Summary};

use super::sizes::counted;
use crate::github::cell;
use crate::retrieving::{EntryReport, EntryState, Retrieval};

/// One object: every entry that has a result, in the order of the configuration.
pub(crate) fn retrieved_json(retrieval: &Retrieval) -> Value {
    let entries = retrieval.entries.iter().filter_map(|entry| {
        let EntryState::Retrieved { news, .. } = &entry.state else {
            return None;
        };
        let summary = serde_json::to_value(&news.summary).ok()?;
        Some((entry.name.clone(), summary))
    });
    Value::Object(entries.collect::<Map<_, _>>())
}

/// What became of every version that was found.
#[derive(Debug)]
pub(crate) struct Explanation<'a>(pub(crate) &'a Retrieval);

impl Display for Explanation<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for entry in &self.0.entries {
            writeln!(f, "{}:", entry.name)?;
            match &entry.state {
                EntryState::Failed(message) => writeln!(f, "  failed   {message}")?,
                EntryState::Retrieved { retrieved, news } => {
                    for failure in &retrieved.failures {
                        writeln!(f, "  failed   {failure}")?;
                    }
                    explain(f, news, &retrieved.dropped)?;
                }
            }
        }
        Ok(())
    }
}

fn explain(f: &mut Formatter<'_>, news: &News, dropped: &[Dropped]) -> fmt::Result {
    for pair in &news.pairs {
        writeln!(f, "  new      {}, {}", named(pair), Found(&pair.origin))?;
    }
    for passed in &news.passed {
        writeln!(f, "  not new  {}: {}", named(&passed.pair), passed.reason)?;
    }
    for Dropped { what, reason } in dropped {
        writeln!(f, "  dropped  {what}: {reason}")?;
    }
    if news.pairs.is_empty() && news.passed.is_empty() && dropped.is_empty() {
        writeln!(f, "  nothing was found")?;
    }
    Ok(())
}

/// The image with its tag, and its destination where the configuration says it.
pub(crate) fn named(pair: &Pair) -> String {
    let image = pair.full_image();
    match &pair.destination {
        Some(destination) => format!("{image} for {destination}"),
        None => image,
    }
}

/// Where something was found, for people.
#[derive(Debug)]
pub(crate) struct Found<'a>(pub(crate) &'a Origin);

impl Display for Found<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            Origin::Page { title, url } => write!(f, "{title} ({url})"),
            Origin::Repository { repository } => write!(f, "a tag of {repository}"),
            Origin::Chart {
                chart,
                version,
                place,
            } => write!(f, "chart {chart} {version}, {place}"),
        }
    }
}

/// What belongs into the summary of a CI step.
pub(crate) fn retrieved_summary(retrieval: &Retrieval) -> String {
    let mut text = "### mirror retrieve-tags\n\n| entry | new |\n| --- | --- |\n".to_owned();
    for EntryReport { name, state, .. } in &retrieval.entries {
        let what = match state {
            EntryState::Failed(message) => format!("failed: {message}"),
            EntryState::Retrieved { retrieved, news } => {
                let failed = retrieved.failures.iter();
                let failed: String = failed
                    .map(|message| format!("; failed: {message}"))
                    .collect();
                short(&news.summary) + &failed
            }
        };
        text += &format!("| {} | {} |\n", cell(name), cell(&what));
    }
    text + "\n"
}

fn short(summary: &Summary) -> String {
    match summary {
        Summary::Versions { tags, .. } if tags.is_empty() => "nothing".to_owned(),
        Summary::Versions { images, tags } => {
            format!(
                "{} for {}",
                tags.join(", "),
                counted(images.len() as u64, "image")
            )
        }
        Summary::Images { full_images } if full_images.is_empty() => "nothing".to_owned(),
        Summary::Images { full_images } => full_images.join(", "),
    }
}

/// What is new, in a line.
pub(crate) fn sums(retrieval: &Retrieval) -> String {
    let (mut pairs, mut with_news, mut failed) = (0, 0, 0);
    for entry in &retrieval.entries {
        match &entry.state {
            EntryState::Failed(_) => failed += 1,
            EntryState::Retrieved { news, .. } => {
                pairs += news.pairs.len() as u64;
                with_news += u64::from(!news.pairs.is_empty());
            }
        }
    }
    let all = retrieval.entries.len();
    let mut text = format!(
        "{} new in {with_news} of {all} entries",
        counted(pairs, "image")
    );
    if failed > 0 {
        text += &format!(", {failed} failed");
    }
    text
}
