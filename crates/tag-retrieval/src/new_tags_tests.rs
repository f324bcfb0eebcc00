use super::*;
use crate::candidate::Candidate;

fn origin(repository: &str) -> Origin {
    Origin::Repository {
        repository: repository.to_owned(),
    }
}

fn versions(tags: &str) -> Found {
    let tags = tags.split(' ').filter(|tag| !tag.is_empty());
    let candidate = |tag: &str| Candidate::new(tag, None, origin("example.com/app"));
    Found::Versions(tags.map(candidate).collect())
}

/// Parses images written as `SOURCE` or `SOURCE>DESTINATION`.
fn images(text: &str) -> Vec<EntryImage> {
    let image = |text: &str| {
        let (source, destination) = text.split_once('>').unwrap_or((text, ""));
        EntryImage {
            source: source.to_owned(),
            destination: Some(destination.to_owned()).filter(|text| !text.is_empty()),
        }
    };
    text.split(' ').map(image).collect()
}

/// Returns a list with these images.
fn list(rows: &str) -> impl Fn(&FoundTag) -> Option<String> {
    move |found| {
        let mut rows = rows.split(' ');
        let in_list = rows.any(|image| image == found.full_image());
        in_list.then(|| "images-list:7".to_owned())
    }
}

fn json(tags: &NewTags) -> String {
    serde_json::to_string(&tags.summary)
        .unwrap()
        .replace('"', "'")
}

fn formatted(tags: &NewTags) -> String {
    let format = |found: &FoundTag| {
        let destination = found.destination.iter().map(|to| format!(">{to}"));
        found.full_image() + &destination.collect::<String>()
    };
    tags.new.iter().map(format).collect::<Vec<_>>().join(" ")
}

fn assert_new(tags: &str, named: &str, rows: &str, summary: &str, new: &str) {
    let own_org = Organization::new("rancher");
    let found = NewTags::compare(
        &versions(tags),
        &images(named),
        own_org.as_ref(),
        list(rows),
    );
    assert_eq!(json(&found), summary, "{tags} for {named}, list: {rows}");
    assert_eq!(formatted(&found), new, "{tags} for {named}, list: {rows}");
}

#[test]
fn version_is_new_for_the_images_that_lack_it() {
    for (tags, named, rows, summary, new) in [
        (
            "v2 v10 v1",
            "b a",
            "",
            "{'images':['a','b'],'tags':['v1','v10','v2']}",
            "a:v1 a:v10 a:v2 b:v1 b:v10 b:v2",
        ),
        // The summary spans a:1, which the list has; the new tags do not contain it.
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
        assert_new(tags, named, rows, summary, new);
    }
}

#[test]
fn tags_compare_whole_and_own_organization_is_never_new() {
    for (tags, named, rows, summary, new) in [
        // A partial match of tag or name is not a match.
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
        assert_new(tags, named, rows, summary, new);
    }
}

#[test]
fn found_image_is_new_when_the_list_lacks_it() {
    let found = |image: &str, tag: &str, repository: &str| FoundImage {
        image: image.to_owned(),
        tag: tag.to_owned(),
        origin: origin(repository),
    };
    let found = Found::Images(vec![
        found("quay.io/b", "1", "first"),
        found("a/c", "2", "first"),
        found("quay.io/b", "1", "second"),
        found("a/c", "1", "first"),
        found("mine/x", "1", "first"),
    ]);
    let own_org = Organization::new("mine");
    let tags = NewTags::compare(&found, &[], own_org.as_ref(), list("a/c:2"));
    assert_eq!(json(&tags), "{'full_images':['a/c:1','quay.io/b:1']}");
    assert_eq!(tags.new[1].origin, origin("first"));
    let tags = NewTags::compare(&found, &[], None, list("a/c:2"));
    assert!(
        json(&tags).contains("mine/x:1"),
        "every organization counts unless one is yours"
    );
}

#[test]
fn tag_that_is_not_new_has_a_reason() {
    let own_org = Organization::new("mine");
    let tags = NewTags::compare(
        &versions("1 a+b"),
        &images("x mine/y"),
        own_org.as_ref(),
        list("x:1"),
    );
    let not_new = tags.not_new.iter();
    let not_new: Vec<_> = not_new
        .map(|tag| format!("{}: {}", tag.found.full_image(), tag.reason))
        .collect();
    assert_eq!(
        not_new,
        [
            "mine/y:1: the image is in your organization",
            "mine/y:a+b: the image is in your organization",
            "x:1: images-list:7 has it",
            "x:a+b: not a valid image tag; `versionExtract` and `tagTemplate` can derive one",
        ]
    );
    assert!(tags.new.is_empty());
}

#[test]
fn repository_in_two_spellings_is_new_once() {
    let found = ["busybox:1", "library/busybox:1", "library/busybox:2"].map(|name| {
        let (image, tag) = name.split_once(':').unwrap();
        FoundImage {
            image: image.to_owned(),
            tag: tag.to_owned(),
            origin: origin(image),
        }
    });
    let tags = NewTags::compare(&Found::Images(found.to_vec()), &[], None, |_| None);
    let expected = "{'full_images':['busybox:1','library/busybox:2']}";
    assert_eq!(json(&tags), expected);
}
