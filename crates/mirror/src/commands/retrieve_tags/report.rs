//! The output of `retrieve-tags`.

use std::fmt::{self, Display, Formatter};

use serde_json::{Map, Value};
use tag_retrieval::{Dropped, FoundTag, NewTags, NotNewTag, Summary};

use super::retrieval::{EntryReport, EntryState, Retrieval};
use crate::terminal::markdown::cell;
use crate::terminal::sanitize::one_line;
use crate::terminal::units::counted;

/// One object: every entry that has a result, in the order of the configuration.
pub(crate) fn retrieved_json(retrieval: &Retrieval) -> Value {
    let entries = retrieval.entries.iter().filter_map(|entry| {
        let EntryState::Retrieved { new_tags, .. } = &entry.state else {
            return None;
        };
        let summary = serde_json::to_value(&new_tags.summary).ok()?;
        Some((entry.name.clone(), summary))
    });
    Value::Object(entries.collect::<Map<_, _>>())
}

/// The output of `--explain`: the decision about every version.
#[derive(Debug)]
pub(crate) struct Explanation<'a>(pub(crate) &'a Retrieval);

impl Display for Explanation<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for entry in &self.0.entries {
            writeln!(f, "{}:", entry.name)?;
            match &entry.state {
                EntryState::Failed(message) => line(f, "failed", message)?,
                EntryState::Retrieved {
                    retrieved,
                    new_tags,
                } => {
                    for failure in &retrieved.failures {
                        line(f, "failed", failure)?;
                    }
                    explain(f, new_tags, &retrieved.dropped)?;
                }
            }
        }
        Ok(())
    }
}

fn explain(f: &mut Formatter<'_>, new_tags: &NewTags, dropped: &[Dropped]) -> fmt::Result {
    for pair in &new_tags.new {
        let found = format!("{}, {}", named(pair), pair.origin);
        line(f, "new", &found)?;
    }
    for NotNewTag {
        found: pair,
        reason,
    } in &new_tags.not_new
    {
        line(f, "not new", &format!("{}: {reason}", named(pair)))?;
    }
    for Dropped { item, reason } in dropped {
        line(f, "dropped", &format!("{item}: {reason}"))?;
    }
    if new_tags.new.is_empty() && new_tags.not_new.is_empty() && dropped.is_empty() {
        writeln!(f, "  nothing was found")?;
    }
    Ok(())
}

fn line(f: &mut Formatter<'_>, decision: &str, what: &str) -> fmt::Result {
    writeln!(f, "  {decision:<7}  {}", one_line(what))
}

/// Returns the image with its tag, and its destination if the configuration has one.
pub(crate) fn named(pair: &FoundTag) -> String {
    let image = pair.full_image();
    match &pair.destination {
        Some(destination) => format!("{image} for {destination}"),
        None => image,
    }
}

/// Returns the Markdown for the step summary of GitHub Actions.
pub(crate) fn retrieved_summary(retrieval: &Retrieval) -> String {
    let mut text = "### mirror retrieve-tags\n\n| entry | new |\n| --- | --- |\n".to_owned();
    for EntryReport { name, state, .. } in &retrieval.entries {
        let what = match state {
            EntryState::Failed(message) => format!("failed: {message}"),
            EntryState::Retrieved {
                retrieved,
                new_tags,
            } => {
                let failed = retrieved.failures.iter();
                let failed: String = failed
                    .map(|message| format!("; failed: {message}"))
                    .collect();
                short(&new_tags.summary) + &failed
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
            format!("{} for {}", tags.join(", "), counted(images.len(), "image"))
        }
        Summary::Images { full_images } if full_images.is_empty() => "nothing".to_owned(),
        Summary::Images { full_images } => full_images.join(", "),
    }
}

/// Returns the totals as one line.
pub(crate) fn sums(retrieval: &Retrieval) -> String {
    let (mut pairs, mut with_new_tags, mut failed) = (0, 0, 0);
    for entry in &retrieval.entries {
        match &entry.state {
            EntryState::Failed(_) => failed += 1,
            EntryState::Retrieved { new_tags, .. } => {
                pairs += new_tags.new.len() as u64;
                with_new_tags += u64::from(!new_tags.new.is_empty());
            }
        }
    }
    let all = retrieval.entries.len();
    let mut text = format!(
        "{} new in {with_new_tags} of {all} entries",
        counted(pairs, "image")
    );
    if failed > 0 {
        text += &format!(", {failed} failed");
    }
    text
}

#[cfg(test)]
mod tests {
    use tag_retrieval::config::Review;
    use tag_retrieval::{Found, Origin, Retrieved};

    use super::*;

    #[test]
    fn names_from_charts_cannot_start_a_line() {
        let pair = FoundTag {
            image: "a/b".to_owned(),
            tag: "1".to_owned(),
            destination: None,
            origin: Origin::Chart {
                chart: "c".to_owned(),
                version: "1".to_owned(),
                location: "Pod/x\n::error::forged".to_owned(),
            },
        };
        let entry = EntryReport {
            name: "x".to_owned(),
            line: 1,
            review: Review::default(),
            state: EntryState::Retrieved {
                retrieved: Box::new(Retrieved {
                    found: Found::Images(Vec::new()),
                    dropped: vec![Dropped {
                        item: "a/b:2\n::error::forged".to_owned(),
                        reason: "\u{1b}[2J".to_owned(),
                    }],
                    untagged: Vec::new(),
                    warnings: Vec::new(),
                    failures: vec!["chart c\r\n::error::forged".to_owned()],
                }),
                new_tags: NewTags {
                    summary: Summary::Images {
                        full_images: vec![pair.full_image()],
                    },
                    new: vec![pair],
                    not_new: Vec::new(),
                },
            },
        };
        let retrieval = Retrieval {
            config: "config.json".to_owned(),
            entries: vec![entry],
        };
        let want = "x:\n  failed   chart c  ::error::forged\n  \
                    new      a/b:1, chart c 1, Pod/x ::error::forged\n  \
                    dropped  a/b:2 ::error::forged:  [2J\n";
        assert_eq!(Explanation(&retrieval).to_string(), want);
    }
}
