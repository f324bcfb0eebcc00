//! Extraction never panics, and its output is bounded.

use extraction::{
    ExtractedImage, ImagesFile, ProposalRules, from_annotations, from_manifests, from_values,
    propose,
};
use proptest::prelude::*;

/// Extracts from a text in every way and returns the number of images found.
fn extract_all(text: &str) -> usize {
    let mut extracted = from_manifests(text);
    extracted.extend(from_values(text));
    extracted.extend(from_annotations(text));
    extracted.extend(ImagesFile::parse(text).images);
    let count = extracted.len();
    let _ = propose(extracted, &ProposalRules::default());
    count
}

/// Fragments with a meaning in YAML or to this crate.
#[rustfmt::skip]
const FRAGMENTS: [&str; 59] = [
    "image: ", "images:", "tag: ", "repository: ", "registry: ", "name: ", "value: ", "args:",
    "annotations:\n", "  images: |\n", "kind: List\nitems:\n", "a/b:1", "q.io/a:v1@", "--image=",
    "---", "\n---\n", "\n...\n", "%YAML 1.2\n", "%TAG ! a\n", "\n", "\n  ", "\n    ", "\r\n",
    "\t", "- ", "? ", ": ", ":", "{", "}", "[", "]", ",", "\"", "'", "\\", "\\x", "|", ">",
    "|2-\n", ">+\n", "&a ", "*a", "<<: ", "<<: *a", "!", "!!str ", "!<", "#", " # ", "~", "=",
    "@", "`", "\u{feff}", "é", "\u{0}", "\u{85}", "\u{2028}",
];

/// Fragments and other characters, in any order.
fn fragments() -> impl Strategy<Value = String> {
    let fragment = prop_oneof![
        9 => prop::sample::select(&FRAGMENTS[..]).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(fragment, 0..40).prop_map(|fragments| fragments.concat())
}

proptest! {
    // Failing seeds are not stored: the cases are short and random.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn extraction_never_panics(text in fragments()) {
        extract_all(&text);
    }

    #[test]
    fn invalid_document_leaves_the_others_intact(text in fragments()) {
        let good = "kind: Pod\nspec: {image: \"q.io/good/image:v1\"}\n";
        let both = format!("{text}\n---\n{good}---\n{text}");
        let found = from_manifests(&both);
        let is_good = |image: &&ExtractedImage| image.repository == "q.io/good/image";
        prop_assert_eq!(found.iter().filter(is_good).count(), 1);
    }
}

#[test]
fn extraction_of_expanding_text_stays_bounded() {
    let nested = (1..12).map(|n| {
        let alias = format!("*a{},", n - 1);
        format!("k{n}: &a{n} [{}]\n", alias.repeat(9))
    });
    let bomb = format!("k0: &a0 [image]\n{}", nested.collect::<String>());
    let embedded = format!(
        "k: &a |\n{}l: [{}]\n",
        "  image: a/b:1\n".repeat(20_000),
        "*a,".repeat(5_000)
    );
    let table = [
        ("an alias bomb", bomb.clone()),
        ("many alias bombs", format!("---\n{bomb}").repeat(500)),
        ("a long text, aliased", embedded),
        ("brackets", "[".repeat(300_000)),
        ("braces", "{a: ".repeat(30_000)),
        ("sequences", "- ".repeat(200_000)),
        (
            "steps",
            (0..2_000)
                .map(|n| format!("{}a:\n", " ".repeat(n)))
                .collect(),
        ),
        (
            "keys",
            (0..10_000)
                .map(|n| format!("k{n}: {{image: 'a/b:{n}'}}\n"))
                .collect(),
        ),
        ("one key", "image: a/b:1\n".repeat(30_000)),
        ("documents", "---\n".repeat(50_000)),
        ("quotes", "\"\\\"".repeat(200_000)),
        (
            "nested strings",
            "image: |\n  image: |\n    image: |\n      image: |\n".to_owned()
                + &"        image: a/b:1\n".repeat(50_000),
        ),
        (
            "words",
            format!("args: ['{}']", "--image a/b:1 ".repeat(30_000)),
        ),
        ("a long name", format!("image: {}:1", "a/".repeat(300_000))),
        (
            "merges",
            (1..2_000)
                .map(|n| format!("k{n}: &a{n} {{<<: *a{}, i{n}: x}}\n", n - 1))
                .fold("k0: &a0 {a: b}\n".to_owned(), |text, line| text + &line),
        ),
    ];
    for (name, text) in table {
        // Unbounded expansion would give 100 million images, or not end.
        let count = extract_all(&text);
        assert!(count <= 500_000, "{name}: {count} images");
    }
}

#[test]
fn location_stays_short_when_names_are_long() {
    let long = "x".repeat(200_000);
    let images: String = (0..5_000)
        .map(|n| format!("  - image: a/b:{n}\n"))
        .collect();
    let text = format!("kind: Pod\nmetadata:\n  name: {long}\n? {long}\n:\n{images}");
    let found = from_manifests(&text);
    assert_eq!(found.len(), 5_000);
    let longest = found.iter().map(|image| image.location.len()).max();
    assert!(longest < Some(500), "{longest:?}");
}
