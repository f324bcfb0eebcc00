use super::*;
use crate::candidate::Candidate;

fn origin(repository: &str) -> Origin {
    Origin::Repository {
        repository: repository.to_owned(),
    }
}

fn versions(tags: &str) -> Found {
    let tags = tags.split(' ').filter(|tag| !tag.is_empty());
    let candidate = |tag: &str| Candidate::announced(tag, None, origin("example.com/app"));
    Found::Versions(tags.map(candidate).collect())
}

/// `SOURCE` or `SOURCE>DESTINATION`.
fn images(written: &str) -> Vec<EntryImage> {
    let image = |text: &str| {
        let (source, destination) = text.split_once('>').unwrap_or((text, ""));
        EntryImage {
            source: source.to_owned(),
            destination: Some(destination.to_owned()).filter(|text| !text.is_empty()),
        }
    };
    written.split(' ').map(image).collect()
}

/// A list that has these images.
fn list(has: &str) -> impl Fn(&Pair) -> Option<String> {
    move |pair| {
        let mut has = has.split(' ');
        let known = has.any(|image| image == pair.full_image());
        known.then(|| "images-list:7".to_owned())
    }
}

fn json(news: &News) -> String {
    serde_json::to_string(&news.summary)
        .unwrap()
        .replace('"', "'")
}

fn written(news: &News) -> String {
    let pair = |pair: &Pair| {
        let destination = pair.destination.iter().map(|to| format!(">{to}"));
        pair.full_image() + &destination.collect::<String>()
    };
    news.pairs.iter().map(pair).collect::<Vec<_>>().join(" ")
}

fn assert_news(tags: &str, named: &str, has: &str, summary: &str, pairs: &str) {
    let news = News::of(&versions(tags), &images(named), "rancher", list(has));
    assert_eq!(json(&news), summary, "{tags} for {named}, {has} known");
    assert_eq!(written(&news), pairs, "{tags} for {named}, {has} known");
}

#[test]
fn what_is_new_of_versions() {
    for (tags, named, has, summary, pairs) in [
        (
            "v2 v10 v1",
            "b a",
            "",
            "{'images':['a','b'],'tags':['v1','v10','v2']}",
            "a:v1 a:v10 a:v2 b:v1 b:v10 b:v2",
        ),
        // The product holds a:1, which is known; the pairs do not.
        (
            "1 2",
            "a b",
            "a:1",
            "{'images':['a','b'],'tags':['1','2']}",
            "a:2 b:1 b:2",
        ),
        (
            "1 2",
            "a b",
            "a:1 a:2",
            "{'images':['b'],'tags':['1','2']}",
            "b:1 b:2",
        ),
        (
            "1 2",
            "a b",
            "a:1 b:1",
            "{'images':['a','b'],'tags':['2']}",
            "a:2 b:2",
        ),
        ("1", "a", "a:1", "{'images':[],'tags':[]}", ""),
        ("", "a", "", "{'images':[],'tags':[]}", ""),
    ] {
        assert_news(tags, named, has, summary, pairs);
    }
}

#[test]
fn what_is_compared_and_what_is_left_out() {
    for (tags, named, has, summary, pairs) in [
        // Neither a part of a tag nor of a name makes one known.
        (
            "1.2",
            "a/b",
            "a/b:1x2 a/b:1.2.3 c/a/b:1.2",
            "{'images':['a/b'],'tags':['1.2']}",
            "a/b:1.2",
        ),
        ("1 1", "a a", "", "{'images':['a'],'tags':['1']}", "a:1"),
        (
            "1",
            "a>y a>x",
            "",
            "{'images':['a'],'tags':['1']}",
            "a:1>x a:1>y",
        ),
        (
            "1",
            "rancher/a docker.io/rancher/b rancher quay.io/rancher/c ranchers/d",
            "",
            "{'images':['quay.io/rancher/c','rancher','ranchers/d'],'tags':['1']}",
            "quay.io/rancher/c:1 rancher:1 ranchers/d:1",
        ),
        (
            "v1+k3s1 v2",
            "a",
            "",
            "{'images':['a'],'tags':['v2']}",
            "a:v2",
        ),
    ] {
        assert_news(tags, named, has, summary, pairs);
    }
}

#[test]
fn what_is_new_of_images() {
    let found = |image: &str, tag: &str, place: &str| FoundImage {
        image: image.to_owned(),
        tag: tag.to_owned(),
        origin: origin(place),
    };
    let found = Found::Images(vec![
        found("quay.io/b", "1", "first"),
        found("a/c", "2", "first"),
        found("quay.io/b", "1", "second"),
        found("a/c", "1", "first"),
        found("mine/x", "1", "first"),
    ]);
    let news = News::of(&found, &[], "mine", list("a/c:2"));
    assert_eq!(json(&news), "{'full_images':['a/c:1','quay.io/b:1']}");
    assert_eq!(news.pairs[1].origin, origin("first"));
    let nobody = News::of(&found, &[], "", list("a/c:2"));
    assert!(
        json(&nobody).contains("mine/x:1"),
        "without an own organisation nothing is its"
    );
}

#[test]
fn what_is_passed_over_has_its_reason() {
    let news = News::of(&versions("1 a+b"), &images("x mine/y"), "mine", list("x:1"));
    let passed = news.passed.iter();
    let passed: Vec<_> = passed
        .map(|passed| format!("{}: {}", passed.pair.full_image(), passed.reason))
        .collect();
    assert_eq!(
        passed,
        [
            "mine/y:1: it is the own organisation's",
            "mine/y:a+b: it is the own organisation's",
            "x:1: images-list:7 has it",
            "x:a+b: it can be no tag of an image; `versionExtract` can make one of it",
        ]
    );
    assert!(news.pairs.is_empty());
}

#[test]
fn tags_follow_the_specification() {
    let longest = "a".repeat(128);
    for tag in ["v1", "1.2.3-rc.1_x", "_", "A", &longest] {
        assert!(is_tag(tag), "{tag}");
    }
    let too_long = "a".repeat(129);
    for text in ["", ".1", "-1", "v1+a", "release/v1", "ä", "a b", &too_long] {
        assert!(!is_tag(text), "{text}");
    }
}

#[test]
fn a_repository_that_is_spelled_twice_is_new_once() {
    let found = ["busybox:1", "library/busybox:1", "library/busybox:2"].map(|name| {
        let (image, tag) = name.split_once(':').unwrap();
        FoundImage {
            image: image.to_owned(),
            tag: tag.to_owned(),
            origin: origin(image),
        }
    });
    let news = News::of(&Found::Images(found.to_vec()), &[], "rancher", |_| None);
    let want = "{'full_images':['busybox:1','library/busybox:2']}";
    assert_eq!(json(&news), want);
}
