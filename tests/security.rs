//! SECURITY.md names bounds: those that the code has.

use std::fs;

use crate::wrappers::top;

/// The value of a constant that is a product of numbers.
fn constant(path: &str, name: &str) -> u64 {
    let text = fs::read_to_string(top().join(path)).unwrap();
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

/// `8 MiB`, `64 KiB` or `2,000`.
fn number(text: &str) -> u64 {
    let (digits, unit) = text.split_once(' ').unwrap_or((text, ""));
    let unit = match unit {
        "" => 1,
        "KiB" => 1024,
        "MiB" => 1024 * 1024,
        other => unreachable!("{other} is no unit"),
    };
    digits.replace(',', "").parse::<u64>().unwrap() * unit
}

#[test]
fn the_bounds_are_those_of_the_code() {
    let text = fs::read_to_string(top().join("SECURITY.md")).unwrap();
    let mut rows = 0;
    for line in text.lines().filter(|line| line.contains("`crates/")) {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        let quoted: Vec<_> = cells[2].split('`').collect();
        assert_eq!(constant(quoted[3], quoted[1]), number(cells[1]), "{line}");
        rows += 1;
    }
    assert!(rows > 20, "the table is not where it was");
}

#[test]
fn the_patience_is_that_of_the_code() {
    let text = fs::read_to_string(top().join("SECURITY.md")).unwrap();
    let text = text.replace('\n', " ");
    let path = "crates/registry-client/src/transport/patience.rs";
    let code = fs::read_to_string(top().join(path)).unwrap();
    for (field, said) in [
        (
            "connect: Duration::from_secs(30)",
            "30 seconds each to connect",
        ),
        ("first_byte: Duration::from_secs(30)", "30 seconds each"),
        ("stall: Duration::from_secs(30)", "30 seconds each"),
        ("tries: 5", "5 tries"),
        (
            "trying: Duration::from_secs(150)",
            "none begun after 150 seconds",
        ),
        ("max_wait: Duration::from_secs(300)", "at most 5 minutes"),
    ] {
        assert!(code.contains(field), "{path}: {field}");
        assert!(text.contains(said), "SECURITY.md: {said}");
    }
}
