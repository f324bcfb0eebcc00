//! The length of command help, read from the doc comments that clap turns into help.

use crate::exceptions::{Finding, Rule, check};
use crate::sources::{Source, rust};

/// Characters of a help line; longer ones wrap.
const HELP_LINE: usize = 80;

/// Derives that turn the doc comments of a type's members into help.
const DERIVES: [&str; 4] = ["Args", "Parser", "Subcommand", "ValueEnum"];

#[test]
fn help_fits_on_one_line() {
    let mut findings = Vec::new();
    let mut seen = 0;
    for source in rust().iter().filter(|source| source.text.contains("clap")) {
        for (number, help) in help_lines(source) {
            seen += 1;
            let length = help.chars().count();
            if length > HELP_LINE {
                findings.push(Finding {
                    path: source.path.clone(),
                    number,
                    text: format!("{length} characters: {help}"),
                });
            }
        }
    }
    assert!(seen > 50, "the arguments of the commands were not found");
    check(Rule::Help, &findings);
}

/// The first paragraph of each doc comment that becomes help, with the number of its first line.
fn help_lines(source: &Source) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut is_clap = false;
    let mut paragraph: Option<(usize, String)> = None;
    let mut is_complete = false;
    for (index, line) in source.text.lines().enumerate() {
        let text = line.trim();
        if let Some(doc) = text.strip_prefix("///") {
            let doc = doc.trim();
            match &mut paragraph {
                None => {
                    paragraph = Some((index + 1, doc.to_owned()));
                    is_complete = false;
                }
                Some(_) if doc.is_empty() => is_complete = true,
                Some((_, help)) if !is_complete => {
                    help.push(' ');
                    help.push_str(doc);
                }
                Some(_) => {}
            }
            continue;
        }
        if let Some(derives) = text.strip_prefix("#[derive(") {
            let mut derives = derives.split(|c: char| !c.is_alphanumeric());
            is_clap = derives.any(|derive| DERIVES.contains(&derive));
        }
        if text.starts_with("#[") {
            continue;
        }
        // clap shows the doc comment of a type only for the root of the commands.
        let is_type = text.contains("struct ") || text.contains("enum ");
        if is_clap && !is_type {
            found.extend(paragraph.take());
        }
        paragraph = None;
        // The end of the type.
        if line == "}" {
            is_clap = false;
        }
    }
    found
}
