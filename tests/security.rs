//! SECURITY.md names the limits that the code has.

use std::fs;

use crate::environment::repository_root;

/// Evaluates a constant that is a product of numbers.
fn constant(path: &str, name: &str) -> u64 {
    let text = fs::read_to_string(repository_root().join(path)).unwrap();
    let line = text.lines().find_map(|line| {
        let (_, rest) = line.split_once(&format!("const {name}: "))?;
        let (_, value) = rest.split_once(" = ")?;
        value.strip_suffix(';')
    });
    let line = line.unwrap_or_else(|| unreachable!("{path} has no {name}"));
    let factors = line.split(" * ");
    factors
        .map(|factor| factor.replace('_', "").parse::<u64>().unwrap())
        .product()
}

/// Parses `8 MiB`, `64 KiB`, `2,000` or `2,000 characters`.
fn number(text: &str) -> u64 {
    let (digits, unit) = text.split_once(' ').unwrap_or((text, ""));
    let unit = match unit {
        "" | "characters" => 1,
        "KiB" => 1024,
        "MiB" => 1024 * 1024,
        other => unreachable!("unknown unit {other}"),
    };
    digits.replace(',', "").parse::<u64>().unwrap() * unit
}

#[test]
fn limits_in_security_md_match_the_constants() {
    let text = fs::read_to_string(repository_root().join("SECURITY.md")).unwrap();
    let mut rows = 0;
    for line in text.lines().filter(|line| line.contains("`crates/")) {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        let quoted: Vec<_> = cells[2].split('`').collect();
        assert_eq!(constant(quoted[3], quoted[1]), number(cells[1]), "{line}");
        rows += 1;
    }
    assert!(rows > 20, "SECURITY.md has no table of limits");
}

#[test]
fn timeouts_in_security_md_match_the_constants() {
    let text = fs::read_to_string(repository_root().join("SECURITY.md")).unwrap();
    let text = text.replace('\n', " ");
    let directory = repository_root().join("crates/registry-client/src/transport");
    let read = |name| fs::read_to_string(directory.join(name)).unwrap();
    let code = read("timeouts.rs") + &read("retry_policy.rs");
    for (field, sentence) in [
        (
            "connect: Duration::from_secs(30)",
            "30 seconds each to connect",
        ),
        ("first_byte: Duration::from_secs(30)", "30 seconds each"),
        ("stall: Duration::from_secs(30)", "30 seconds each"),
        ("max_attempts: 5", "5 tries"),
        (
            "max_elapsed: Duration::from_secs(150)",
            "none begun after 150 seconds",
        ),
        ("max_wait: Duration::from_secs(300)", "at most 5 minutes"),
    ] {
        assert!(code.contains(field), "no constant {field}");
        assert!(text.contains(sentence), "SECURITY.md: {sentence}");
    }
}
