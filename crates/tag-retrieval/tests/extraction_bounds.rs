//! No text makes the finding of images panic, and none makes it take long.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use tag_retrieval::extraction::{
    Rules, choose, in_annotations, in_images_file, in_manifests, in_values,
};

/// The chart of a text that is all of its parts at once.
fn find_all(text: &str) {
    let mut mentions = in_manifests(text);
    mentions.extend(in_values(text));
    mentions.extend(in_annotations(text));
    mentions.extend(in_images_file(text).mentions);
    let _ = choose(mentions, &Rules::default());
}

/// Pieces that mean something to YAML or to us.
#[rustfmt::skip]
const PIECES: [&str; 59] = [
    "image: ", "images:", "tag: ", "repository: ", "registry: ", "name: ", "value: ", "args:",
    "annotations:\n", "  images: |\n", "kind: List\nitems:\n", "a/b:1", "q.io/a:v1@", "--image=",
    "---", "\n---\n", "\n...\n", "%YAML 1.2\n", "%TAG ! a\n", "\n", "\n  ", "\n    ", "\r\n",
    "\t", "- ", "? ", ": ", ":", "{", "}", "[", "]", ",", "\"", "'", "\\", "\\x", "|", ">",
    "|2-\n", ">+\n", "&a ", "*a", "<<: ", "<<: *a", "!", "!!str ", "!<", "#", " # ", "~", "=",
    "@", "`", "\u{feff}", "é", "\u{0}", "\u{85}", "\u{2028}",
];

/// Pieces and other characters, in any order.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        9 => prop::sample::select(&PIECES[..]).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    // The cases are too random for their seeds to be worth a file.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_panics(text in pieces()) {
        find_all(&text);
    }

    #[test]
    fn what_stands_in_another_document_spoils_nothing(text in pieces()) {
        let good = "kind: Pod\nspec: {image: \"q.io/good/image:v1\"}\n";
        let both = format!("{text}\n---\n{good}---\n{text}");
        let found = in_manifests(&both);
        let is_good = |mention: &&tag_retrieval::extraction::Mention| mention.image == "q.io/good/image";
        prop_assert_eq!(found.iter().filter(is_good).count(), 1);
    }
}

#[test]
fn no_text_takes_long() {
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
        ("a bomb", bomb.clone()),
        ("many bombs", format!("---\n{bomb}").repeat(500)),
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
            "strings in strings",
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
        let start = Instant::now();
        find_all(&text);
        let took = start.elapsed();
        println!("{name}: {} bytes, {took:?}", text.len());
        assert!(took < Duration::from_secs(20), "{name} took {took:?}");
    }
}

#[test]
fn places_stay_short() {
    let long = "x".repeat(200_000);
    let images: String = (0..5_000)
        .map(|n| format!("  - image: a/b:{n}\n"))
        .collect();
    let text = format!("kind: Pod\nmetadata:\n  name: {long}\n? {long}\n:\n{images}");
    let found = in_manifests(&text);
    assert_eq!(found.len(), 5_000);
    let longest = found.iter().map(|mention| mention.place.len()).max();
    assert!(longest < Some(500), "{longest:?}");
}
