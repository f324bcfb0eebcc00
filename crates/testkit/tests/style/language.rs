//! Plain language: pronouns, openings of rustdoc and spelling.

use crate::exceptions::{Finding, Rule, check};
use crate::sources::{Line, all, lines, rust};

/// Pronouns that hide which part of the program acts. Cut in two, so that this file passes.
const PRONOUNS: [(&str, &str); 8] = [
    ("no", "body"),
    ("some", "body"),
    ("any", "body"),
    ("every", "body"),
    ("who", "ever"),
    ("whom", "ever"),
    ("who", "soever"),
    ("what", "soever"),
];

/// Words that do not open the first line of rustdoc.
const QUESTIONS: [&str; 9] = [
    "What", "Whether", "How", "Where", "Which", "Whose", "Who", "Whom", "Why",
];

/// British beginnings of words and the American ones. Cut where they differ, so that this file passes.
const SPELLINGS: &[(&str, &str, &str)] = &[
    ("behavio", "ur", "r"),
    ("colo", "ur", "r"),
    ("favo", "ur", "r"),
    ("flavo", "ur", "r"),
    ("hono", "ur", "r"),
    ("neighbo", "ur", "r"),
    ("licen", "ce", "se"),
    ("defen", "ce", "se"),
    ("catalog", "ue", ""),
    ("organi", "sation", "zation"),
    ("organi", "se", "ze"),
    ("organi", "sing", "zing"),
    ("seriali", "s", "z"),
    ("normali", "s", "z"),
    ("recogni", "s", "z"),
    ("initiali", "s", "z"),
    ("authori", "s", "z"),
    ("summari", "s", "z"),
    ("saniti", "s", "z"),
    ("canonicali", "s", "z"),
    ("synchroni", "s", "z"),
    ("customi", "s", "z"),
    ("minimi", "s", "z"),
    ("optimi", "se", "ze"),
    ("optimi", "sing", "zing"),
    ("utili", "s", "z"),
    ("categori", "s", "z"),
    ("prioriti", "s", "z"),
    ("capitali", "s", "z"),
    ("parallel", "ise", "ize"),
    ("random", "is", "iz"),
    ("analy", "se", "ze"),
    ("artef", "act", "artifact"),
    ("cent", "re", "er"),
    ("gr", "ey", "ay"),
    ("label", "led", "ed"),
    ("label", "ling", "ing"),
    ("model", "led", "ed"),
    ("travel", "led", "ed"),
    ("signal", "led", "ed"),
    ("judg", "ement", "ment"),
    ("whil", "st", "e"),
    ("among", "st", ""),
];

#[test]
fn no_pronoun_hides_which_part_acts() {
    let pronouns = PRONOUNS.map(|(start, end)| format!("{start}{end}"));
    let mut findings = Vec::new();
    for line in lines(all()) {
        let text = if line
            .path
            .extension()
            .is_some_and(|extension| extension == "md")
        {
            without_quotations(&line.text)
        } else {
            line.text.clone()
        };
        let found = words(&text).find(|word| pronouns.contains(word));
        findings.extend(found.map(|word| finding(&line, word)));
    }
    check(Rule::Pronouns, &findings);
}

#[test]
fn rustdoc_opens_without_a_question_word() {
    let mut findings = Vec::new();
    let mut is_in_block = false;
    for line in lines(rust()) {
        let text = line.text.trim_start();
        let doc = text
            .strip_prefix("///")
            .or_else(|| text.strip_prefix("//!"));
        let opening = doc.filter(|_| !is_in_block || line.number == 1);
        is_in_block = doc.is_some();
        let first = opening.and_then(|doc| doc.split_whitespace().next());
        let first = first.filter(|first| QUESTIONS.contains(first));
        findings.extend(first.map(|first| finding(&line, first.to_owned())));
    }
    check(Rule::Openings, &findings);
}

#[test]
fn spelling_is_american() {
    let mut findings = Vec::new();
    for line in lines(all()) {
        let wrong = |word: &String| {
            let mut spellings = SPELLINGS.iter();
            spellings.any(|(start, british, _)| {
                word.strip_prefix(start)
                    .is_some_and(|rest| rest.starts_with(british))
            })
        };
        let found = words(&line.text).find(wrong);
        findings.extend(found.map(|word| finding(&line, word)));
    }
    check(Rule::Spelling, &findings);
}

fn finding(line: &Line, text: String) -> Finding {
    Finding {
        path: line.path.clone(),
        number: line.number,
        text,
    }
}

/// The words of a text in lower case; `some_name` and `SomeName` are two words each.
fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    let parts = text.split(|c: char| !c.is_alphabetic());
    parts.flat_map(|part| {
        let mut words = vec![String::new()];
        let mut after_lower = false;
        for c in part.chars() {
            if c.is_uppercase() && after_lower {
                words.push(String::new());
            }
            after_lower = c.is_lowercase();
            if let Some(word) = words.last_mut() {
                word.extend(c.to_lowercase());
            }
        }
        words
    })
}

/// A line of Markdown without its quotations: `code`, "words" and lines that begin with `>`.
fn without_quotations(line: &str) -> String {
    if line.starts_with('>') {
        return String::new();
    }
    let mut text = line.replace(['“', '”'], "\"");
    for quote in ['`', '"'] {
        let parts = text.split(quote).step_by(2);
        text = parts.collect::<Vec<_>>().join(" ");
    }
    text
}

#[test]
fn words_are_split_at_underscores_and_capitals() {
    let found: Vec<_> = words("the_Name ofEach HTTPName, x-y")
        .filter(|word| !word.is_empty())
        .collect();
    assert_eq!(found, ["the", "name", "of", "each", "httpname", "x", "y"]);
    assert_eq!(
        without_quotations("a `b` \"c\" “d” e")
            .split_whitespace()
            .collect::<String>(),
        "ae"
    );
}
