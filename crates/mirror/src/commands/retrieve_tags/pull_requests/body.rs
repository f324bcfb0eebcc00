//! The body of a pull request.

use tag_retrieval::Origin;

use super::{Marker, Proposal, ProposedPair, SkippedImage};
use crate::terminal::markdown::{code, link};

/// Maximum bytes of the body up to the end of the rows, and of the whole body. GitHub accepts 65,536
/// characters.
const ROWS: usize = 40_000;
/// Maximum bytes up to the end of the signatures.
const SIGNED: usize = 50_000;
const ALL: usize = 60_000;

/// Returns the body: the marker, the rows with their origins, and the images that are left out.
pub(super) fn body(proposal: &Proposal, marker: &Marker) -> String {
    let mut body = format!(
        "{}\nWhat is new for the entry {}:\n\n\
         | Image | Tag | Destination | Where it came from |\n\
         | --- | --- | --- | --- |\n",
        marker.line(),
        code(&proposal.entry),
    );
    let rows = proposal.pairs.iter().map(row);
    let more = fill(&mut body, rows, ROWS);
    if more > 0 {
        body.push_str(&format!("\nAnd {more} more, which the change shows.\n"));
    }
    let mut signed = proposal.pairs.iter().filter_map(signer).peekable();
    if signed.peek().is_some() {
        body.push_str("\n### Signatures\n\n");
        let more = fill(&mut body, signed, SIGNED);
        if more > 0 {
            body.push_str(&format!(
                "\nAnd {more} more, which `mirror verify` lists.\n"
            ));
        }
    }
    if !proposal.skipped.is_empty() {
        body.push_str("\n### Left out\n\n");
        let more = fill(&mut body, proposal.skipped.iter().map(item), ALL);
        if more > 0 {
            body.push_str(&format!("\nAnd {more} more, which the log names.\n"));
        }
    }
    body
}

/// Appends lines up to `most` bytes, and returns the number of lines that did not fit.
fn fill(body: &mut String, mut lines: impl Iterator<Item = String>, most: usize) -> usize {
    while let Some(line) = lines.next() {
        // GitHub counts characters. A text never has more characters than bytes.
        if body.len() + line.len() > most {
            return 1 + lines.count();
        }
        body.push_str(&line);
    }
    0
}

fn row(pair: &ProposedPair) -> String {
    // Names and tags contain no character that Markdown interprets in code.
    format!(
        "| `{}` | `{}` | `{}` | {} |\n",
        pair.row.source.as_written(),
        pair.row.tag,
        pair.row.destination.as_written(),
        origin(&pair.origin)
    )
}

fn signer(pair: &ProposedPair) -> Option<String> {
    let image = format!("{}:{}", pair.row.source.as_written(), pair.row.tag);
    let signer = pair.signer.as_ref()?;
    Some(format!("- {}: {}\n", code(&image), code(signer)))
}

fn item(skipped: &SkippedImage) -> String {
    let image = format!("{}:{}", skipped.image, skipped.tag);
    format!("- {}: {}\n", code(&image), code(&skipped.reason))
}

fn origin(origin: &Origin) -> String {
    match origin {
        Origin::Page { title, url } => link(title, url),
        Origin::Repository { repository } => format!("tags of {}", code(repository)),
        Origin::Document { location } => code(location),
        Origin::Chart {
            chart,
            version,
            location,
        } => format!(
            "chart {} {}: {}",
            code(chart),
            code(version),
            code(location)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::retrieve_tags::pull_requests::propose::samples::{pair, proposal};

    fn written(proposal: &Proposal) -> String {
        body(proposal, &Marker::new(proposal))
    }

    #[test]
    fn body_lists_rows_with_their_origins() {
        let mut of_chart = pair("b/two m/two v2");
        of_chart.origin = Origin::Chart {
            chart: "core".to_owned(),
            version: "2.8.0".to_owned(),
            location: "values: x|y".to_owned(),
        };
        let mut proposal = proposal("x", vec![pair("a/one m/one v1"), of_chart]);
        proposal.skipped.push(SkippedImage {
            image: "a/one".to_owned(),
            tag: "v3".to_owned(),
            reason: "the source has no such tag".to_owned(),
        });
        let body = written(&proposal);
        let lines: Vec<_> = body.lines().collect();
        let want = [
            "| Image | Tag | Destination | Where it came from |",
            "| --- | --- | --- | --- |",
            "| `a/one` | `v1` | `m/one` | [<code>release v1</code>](<https://x.io/v1>) |",
            "| `b/two` | `v2` | `m/two` | chart <code>core</code> <code>2.8.0</code>: \
             <code>values&#58; x&#124;y</code> |",
            "",
            "### Left out",
            "",
            "- <code>a/one&#58;v3</code>: <code>the source has no such tag</code>",
        ];
        assert_eq!(lines[3..], want);
    }

    #[test]
    fn forged_marker_is_escaped() {
        let mut forged = proposal("x\n<!-- mirror: entry=y set=0 -->", vec![pair("a/b m/b 1")]);
        let evil = Marker::new(&proposal("y", vec![pair("c/d m/d 2")]));
        forged.pairs[0].origin = Origin::Page {
            title: format!("-->\n{}\n@team", evil.line()),
            url: format!("https://x.io/\n{}", evil.line()),
        };
        let body = written(&forged);
        assert_eq!(Marker::find(&body), Some(Marker::new(&forged)));
        assert_eq!(body.matches("-->").count(), 1, "{body}");
        assert_eq!(body.matches("<!--").count(), 1, "{body}");
        assert!(!body.contains('@'), "{body}");
    }

    #[test]
    fn longest_body_fits_into_the_limit() {
        let pairs = (0..3_000).map(|number| pair(&format!("a/b m/b v{number}")));
        let mut proposal = proposal("x", pairs.collect());
        let skipped = SkippedImage {
            image: "é".repeat(400),
            tag: "t".to_owned(),
            reason: "|".repeat(400),
        };
        proposal.skipped = vec![skipped; 500];
        let body = written(&proposal);
        assert!(body.len() < 65_536, "{}", body.len());
        let shown = body.lines().filter(|line| line.starts_with("| `")).count();
        let more = format!("And {} more, which the change shows.", 3_000 - shown);
        assert!(body.contains(&more), "{shown}");
        assert!(body.contains("more, which the log names."));
    }
}
