//! `--explain`: why each version is followed or not.

use std::fmt::{self, Display, Formatter};

use super::entry::FollowedEntry;
use crate::terminal::sanitize::one_line;

/// The decision about every version of the followed entries.
#[derive(Debug)]
pub(crate) struct Explanation<'a>(pub(crate) &'a [FollowedEntry]);

impl Display for Explanation<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            writeln!(f, "no entry is followed")?;
        }
        for entry in self.0 {
            writeln!(f, "{}:", entry.name)?;
            match &entry.result {
                Err(error) => line(f, "failed", &error.message)?,
                Ok(rows) => {
                    for one in &rows.tags.tags {
                        let (source, tag, destination) = (&one.source, &one.tag, &one.destination);
                        let followed = format!("{source}:{tag} for {destination}, {}", one.origin);
                        line(f, "followed", &followed)?;
                    }
                    for dropped in &rows.tags.dropped {
                        line(
                            f,
                            "dropped",
                            &format!("{}: {}", dropped.item, dropped.reason),
                        )?;
                    }
                    if rows.tags.tags.is_empty() && rows.tags.dropped.is_empty() {
                        writeln!(f, "  nothing was found")?;
                    }
                }
            }
        }
        Ok(())
    }
}

fn line(f: &mut Formatter<'_>, decision: &str, what: &str) -> fmt::Result {
    writeln!(f, "  {decision:<8}  {}", one_line(what))
}
