//! Draws the text of a terminal session as an SVG picture: `scripts/demo-picture` feeds it with a run of
//! `mirror demo`.

use std::fmt::Write as _;
use std::io::{self, Read as _, Write as _};

/// Characters of a line; longer lines end with an ellipsis.
const COLUMNS: usize = 112;
/// Result lines of one command that are drawn; the rest is counted.
const LINES_PER_COMMAND: usize = 6;

/// Pixels.
const LINE_HEIGHT: usize = 17;
const CHARACTER_WIDTH: f64 = 7.25;
const MARGIN: usize = 18;
const TITLE_BAR: usize = 30;

fn main() -> io::Result<()> {
    let mut session = String::new();
    io::stdin().read_to_string(&mut session)?;
    io::stdout().write_all(picture(&excerpt(&session)).as_bytes())
}

/// The commands of a session with the first lines of their results, without the text around them.
fn excerpt(session: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for part in session.split("\n$ ").skip(1) {
        let result = part.split("\n\n").next().unwrap_or_default();
        let mut of_command = result.lines();
        if !lines.is_empty() {
            lines.push(String::new());
        }
        lines.push(format!("$ {}", of_command.next().unwrap_or_default()));
        let of_command: Vec<&str> = of_command.collect();
        if of_command.len() <= LINES_PER_COMMAND + 1 {
            lines.extend(of_command.iter().map(|line| cut(line)));
            continue;
        }
        let (summary, first) = (of_command.len() - 1, LINES_PER_COMMAND - 1);
        lines.extend(of_command[..first].iter().map(|line| cut(line)));
        lines.push(format!("… {} more lines", summary - first));
        lines.push(cut(of_command[summary]));
    }
    lines
}

fn cut(line: &str) -> String {
    if line.chars().count() <= COLUMNS {
        return line.to_owned();
    }
    let kept: String = line.chars().take(COLUMNS - 1).collect();
    kept + "…"
}

fn picture(lines: &[String]) -> String {
    let width = CHARACTER_WIDTH * COLUMNS as f64 + 2.0 * MARGIN as f64;
    let height = TITLE_BAR + lines.len() * LINE_HEIGHT + MARGIN;
    let mut svg = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0}" height="{height}" font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="12">
<rect width="100%" height="100%" rx="8" fill="#1b1f27"/>
<circle cx="20" cy="16" r="5" fill="#ff5f56"/><circle cx="38" cy="16" r="5" fill="#ffbd2e"/><circle cx="56" cy="16" r="5" fill="#27c93f"/>
"##
    );
    for (number, line) in lines.iter().enumerate() {
        let y = TITLE_BAR + (number + 1) * LINE_HEIGHT - 5;
        let color = color(line);
        let text = escape(line);
        let _ = writeln!(
            svg,
            r##"<text x="{MARGIN}" y="{y}" fill="{color}" xml:space="preserve">{text}</text>"##
        );
    }
    svg + "</svg>\n"
}

fn color(line: &str) -> &'static str {
    match line.split_whitespace().next() {
        Some("$") => "#f0f3f6",
        Some("copied" | "listed" | "deleted") => "#7ee787",
        Some("missing" | "drift" | "not") => "#ffa657",
        Some("failed") => "#ff7b72",
        Some(word) if word.chars().all(|c| c.is_ascii_digit()) => "#79c0ff",
        _ => "#9198a1",
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excerpt_keeps_commands_first_results_and_summary() {
        let session = "Two registries.\n\n$ mirror lint\n12 rows, 0 problems\n\n$ mirror sync\n\
            a\nb\nc\nd\ne\nf\ng\nh\n12 rows\n\nThat was it.\n";
        let want = [
            "$ mirror lint",
            "12 rows, 0 problems",
            "",
            "$ mirror sync",
            "a",
            "b",
            "c",
            "d",
            "e",
            "… 3 more lines",
            "12 rows",
        ];
        assert_eq!(excerpt(session), want);
    }

    #[test]
    fn picture_escapes_markup_and_cuts_long_lines() {
        let svg = picture(&[cut(&format!("a -> b{}", "x".repeat(200)))]);
        assert!(svg.contains("a -&gt; b") && svg.contains('…'), "{svg}");
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
    }
}
