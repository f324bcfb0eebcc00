//! The lines of a log that only somebody who asks for them gets.

use serde_json::Value;

/// Levels as a log for people begins its lines with, and one for machines has them.
const DETAILS: [&str; 2] = ["TRACE", "DEBUG"];

/// `text` without them, in either form of the log.
pub(super) fn left_out_of(text: &str) -> String {
    let told = text.split_inclusive('\n').filter(|line| !is_detail(line));
    told.collect()
}

fn is_detail(line: &str) -> bool {
    if line.starts_with('{') {
        let event: Option<Value> = serde_json::from_str(line).ok();
        let level = event.as_ref().and_then(|event| event["level"].as_str());
        return level.is_some_and(|level| DETAILS.contains(&level));
    }
    let first = line.split(' ').next();
    first.is_some_and(|first| DETAILS.contains(&first))
}

#[test]
fn details_are_left_out_and_nothing_else() {
    let text =
        "TRACE a\nDEBUG b\n WARN c\nTRACES\n{\"level\":\"TRACE\"}\n{\"level\":\"WARN\"}\n{\n";
    let told = " WARN c\nTRACES\n{\"level\":\"WARN\"}\n{\n";
    assert_eq!(left_out_of(text), told);
}
