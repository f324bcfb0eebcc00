//! Tests of the lock file.

use super::lock_file::{HEADER, Lock};
use super::{ApprovedDigest, AttachedDigests, EntryName};
use crate::list::List;
use crate::row::{NameCache, Row};
use image_name::{AttachedDigest, DigestTagKind};
use proptest::prelude::*;

const A: &str = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
const B: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const TYPE: &str = "application/vnd.oci.image.index.v1+json";

fn approved(digest: &str) -> ApprovedDigest {
    ApprovedDigest::parse(digest, TYPE).unwrap()
}

#[test]
fn text_has_the_order_and_spelling_of_the_list() {
    let list = List::parse("# head\nbusybox r/b 2\n\na/a r/a 1\nbusybox r/b 2\nc r/c 1\n");
    let old = format!(
        "# anything\r\na/a\tr/a 1 {A} {TYPE}\r\ngone r/g 1 {A} {TYPE}\r\n\r\n\
         docker.io/library/busybox docker.io/r/b 2 {B} -"
    );
    let lock = Lock::parse(&old).unwrap();
    let expected = format!("{HEADER}busybox r/b 2 {B} -\na/a r/a 1 {A} {TYPE}\n");
    assert_eq!(lock.text(&list), expected);
    let rows: Vec<Row> = list.rows().map(|numbered| numbered.row.clone()).collect();
    assert_eq!(lock.line(&rows[0]), Some(5));
    assert_eq!(lock.get(&rows[0]).unwrap().media_type(), None);
    assert_eq!(lock.get(&rows[1]), Some(&approved(A)));
    assert_eq!(lock.get(&rows[3]), None);
    let stale = lock.stale(&list);
    assert_eq!(stale.len(), 1);
    assert_eq!(
        (stale[0].0, stale[0].1.to_string()),
        (3, "gone r/g 1".to_owned())
    );
}

#[test]
fn set_replaces_the_approved_digest() {
    let list = List::parse("a r/a 1\nb r/b 1\n");
    let mut lock = Lock::parse(&format!("a r/a 1 {A} {TYPE}\n")).unwrap();
    for numbered in list.rows() {
        let digest = B.parse().unwrap();
        let media_type = Some("application/json; charset=utf-8");
        lock.set(
            numbered.row.clone(),
            ApprovedDigest::new(digest, media_type),
        );
    }
    let expected = format!("{HEADER}a r/a 1 {B} application/json\nb r/b 1 {B} application/json\n");
    assert_eq!(lock.text(&list), expected);
}

fn referrers_tag(digest: &str) -> String {
    digest.replace(':', "-")
}

#[test]
fn attached_digests_follow_their_row() {
    let (tag, other) = (referrers_tag(A), referrers_tag(B));
    let lines = format!(
        "b r/b 2 {A} {TYPE}\n\
         + {A} {tag} {B}\n\
         + {A} {tag}.sig {A}\n\
         + {A} {tag}.sig {B}\n\
         + {B} {other}.att {B}\n\
         a r/a 1 {B} {TYPE}\n"
    );
    let lock = Lock::parse(&format!("# mirror-lock 2\n{lines}")).unwrap();
    let list = List::parse("b r/b 2\na r/a 1\nc r/c 1\n");
    assert_eq!(lock.text(&list), format!("{HEADER}{lines}"));
    // The lines of a row that is removed go with it.
    let list = List::parse("a r/a 1\n");
    assert_eq!(lock.text(&list), format!("{HEADER}a r/a 1 {B} {TYPE}\n"),);
}

#[test]
fn same_digest_keeps_what_is_known_about_it() {
    let (tag, list) = (referrers_tag(A), List::parse("a r/a 1\n"));
    let row = || list.rows().next().unwrap().row.clone();
    let text = format!("# mirror-lock 2\na r/a 1 {A} {TYPE}\n+ {A} {tag}.sig {A}\n");
    let lock = Lock::parse(&text).unwrap();
    let signature = |digest: &str| AttachedDigest {
        subject: A.parse().unwrap(),
        kind: DigestTagKind::Signature,
        digest: digest.parse().unwrap(),
    };
    let attached = |found: &[&str]| found.iter().map(|digest| signature(digest)).collect();
    let lines = |lock: &Lock| {
        let text = lock.text(&list);
        let lines = text.lines().filter_map(|line| line.strip_prefix("+ "));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let (old, new) = (signature(A).to_string(), signature(B).to_string());
    let table = [
        (approved(A), vec![old.clone()]),
        (approved(A).with_attached(attached(&[])), vec![]),
        (
            approved(A).with_attached(attached(&[B])),
            vec![old.clone(), new.clone()],
        ),
        (approved(B), vec![]),
        (approved(B).with_attached(attached(&[B])), vec![new.clone()]),
    ];
    for (approved, want) in table {
        let mut lock = lock.clone();
        lock.set(row(), approved.clone());
        assert_eq!(lines(&lock), want, "{approved:?}");
    }
    let mut lock = lock;
    lock.attach_to(&row(), [signature(B)]);
    assert_eq!(lines(&lock), [old, new]);
}

#[test]
fn version_1_is_read_and_written_as_version_2() {
    let text = format!("# Approved digests\na r/a 1 {A} {TYPE}\n");
    let lock = Lock::parse(&text).unwrap();
    let list = List::parse("a r/a 1\n");
    let row = list.rows().next().unwrap().row;
    assert_eq!(
        lock.get(row).unwrap().attached(),
        None,
        "it was not looked up"
    );
    let new = lock.text(&list);
    assert_eq!(new, format!("{HEADER}a r/a 1 {A} {TYPE}\n"));
    assert!(
        Lock::parse(&new)
            .unwrap()
            .get(row)
            .unwrap()
            .attached()
            .is_some()
    );
}

#[test]
fn parse_returns_all_problems_of_version_2() {
    let tag = referrers_tag(A);
    let text = format!(
        "# mirror-lock 2\n+ {A} {tag} {B}\na r/a 1 {A} {TYPE}\n+ {A} {tag} {B}\n\
         + {A} {tag} {B}\n+ {A} {tag}.sbom\n+ {A} {tag}.other {B}\n+ latest {tag} sha256:1\n\
         a r/a 1 {A} {TYPE}\n+ {B} {tag} {B}\n+ {A} {tag}.sig {B}\n\
         b r/b 1 {A} {TYPE} builder=me\nb r/b 1 {A} {TYPE} me\n"
    );
    let problems = Lock::parse(&text).unwrap_err();
    let messages = problems
        .iter()
        .map(|problem| format!("{}: {problem}", problem.line));
    let expected = [
        "2: an attached digest without a row above it".to_owned(),
        format!("5: duplicate attached digest: {A} {tag} {B}; keep one of the lines"),
        "6: expected 4 fields (+ SUBJECT TAG DIGEST), found 3".to_owned(),
        format!("7: `{tag}.other` is not a digest tag of {A}"),
        "8: invalid digest `latest`: a tag is not a digest".to_owned(),
        "8: invalid digest `sha256:1`".to_owned(),
        "9: duplicate row".to_owned(),
        format!("10: `{tag}` is not a digest tag of {B}"),
        format!(
            "12: unknown key `builder`: mirror {} does not know it, a later version of mirror may",
            env!("CARGO_PKG_VERSION")
        ),
        "13: expected 5 fields".to_owned(),
    ];
    let messages: Vec<_> = messages.collect();
    assert_eq!(messages.len(), expected.len(), "{messages:#?}");
    for (message, start) in messages.iter().zip(expected) {
        assert!(message.starts_with(&start), "{message}");
    }
    for (text, start) in [
        (
            format!("a r/a 1 {A} {TYPE}\n+ {A} {tag} {B}\n"),
            "an attached digest in a lock of version 1",
        ),
        (
            "# mirror-lock 3\nwrong\n".to_owned(),
            "unknown lock version `3`: mirror ",
        ),
    ] {
        let problems = Lock::parse(&text).unwrap_err();
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(
            problems[0].to_string().starts_with(start),
            "{}",
            problems[0]
        );
    }
}

#[test]
fn parse_returns_all_problems() {
    let text = format!(
        "a r/a 1 {A} {TYPE}\n<<<<<<< HEAD\nA r/b a:b latest {TYPE}\nb r/b 1 sha256:12 {TYPE}\n\
         b r/b 1 {A}\nlibrary/a r/a 1 {B} {TYPE}\n"
    );
    let problems = Lock::parse(&text).unwrap_err();
    let messages: Vec<_> = problems
        .iter()
        .map(|problem| format!("{}: {problem}", problem.line))
        .collect();
    let expected = [
        "2: `<<<<<<< HEAD` is the mark of an unresolved merge conflict",
        "3: invalid source `A`",
        "3: invalid tag `a:b`",
        "3: invalid digest `latest`: a tag is not a digest",
        "4: invalid digest `sha256:12`: the sha256 digest has 2 characters",
        "5: expected 5 fields (SOURCE DESTINATION TAG DIGEST MEDIA_TYPE), found 4",
        "6: duplicate row: `a r/a 1` is already on line 1",
    ];
    assert_eq!(messages.len(), expected.len(), "{messages:#?}");
    for (message, start) in messages.iter().zip(expected) {
        assert!(message.starts_with(start), "{message}");
    }
}

proptest! {
    #[test]
    fn written_text_parses_to_the_same_lock(
        rows in proptest::collection::vec(("[a-c]{1,2}", "r/[a-c]", "[1-3]", "[0-9a-f]{64}", "[a-z]{1,4}/[a-z+.]{1,9}|", "[a-z:=]{1,5}|"), 0..12),
        attached in proptest::collection::vec((0..12_usize, "[ab]{64}", 0..4_usize, "[0-9a-f]{64}"), 0..12),
    ) {
        let mut lock = Lock::default();
        let mut list = List::default();
        for (source, destination, tag, hex, media_type, entry) in rows {
            let text = format!("{source} {destination} {tag}");
            let row = NameCache::default().parse_row(&text).unwrap();
            let digest = format!("sha256:{hex}").parse().unwrap();
            let approved = ApprovedDigest::new(digest, Some(&media_type));
            lock.set(row.clone(), approved.with_attached(AttachedDigests::default()));
            // Without an entry, the row is one of the list.
            match entry.parse() {
                Ok(entry) => lock.set_entry(&row, entry),
                Err(_) => drop(list.insert(row)),
            }
        }
        for (row, subject, kind, digest) in attached {
            let Some(at) = list.rows().nth(row) else { continue };
            let [subject, digest] = [subject, digest].map(|hex| format!("sha256:{hex}").parse().unwrap());
            let kind = DigestTagKind::ALL[kind];
            lock.attach_to(at.row, [AttachedDigest { subject, kind, digest }]);
        }
        let read = Lock::parse(&lock.text(&list)).unwrap();
        for numbered in list.rows() {
            prop_assert_eq!(read.get(numbered.row), lock.get(numbered.row));
            prop_assert!(read.get(numbered.row).is_some());
        }
        let followed = |lock: &Lock| {
            let rows = lock.followed().into_iter();
            let rows = rows.filter(|followed| list.rows().all(|at| at.row != followed.row));
            rows.map(|one| format!("{} {} {}", one.row, one.entry, one.approved)).collect::<Vec<_>>()
        };
        prop_assert_eq!(followed(&read), followed(&lock));
        prop_assert_eq!(read.text(&list), lock.text(&list));
        prop_assert!(read.stale(&list).is_empty());
    }
}

#[test]
fn rows_of_followed_entries_keep_their_lines_without_a_row_in_the_list() {
    let followed = |row: &str| format!("{row} {A} {TYPE} source=follow:etcd\n");
    let rows = ["a r/a 1.9", "a r/a 1.10"].map(followed);
    let tag = referrers_tag(A);
    let text = format!(
        "{HEADER}{}+ {A} {tag} {B}\n{}gone r/g 1 {A} -\n",
        rows[1], rows[0]
    );
    let mut lock = Lock::parse(&text).unwrap();
    let list = List::parse("b r/b 1\n");
    // In the order of rows, and with their attached digests.
    let want = format!("{HEADER}{}{}+ {A} {tag} {B}\n", rows[0], rows[1]);
    assert_eq!(lock.text(&list), want);
    let stale: Vec<_> = lock.stale(&list).iter().map(|(line, _)| *line).collect();
    assert_eq!(stale, [6]);
    // A new approval keeps the entry.
    let row = lock.followed()[0].row.clone();
    lock.set(row.clone(), ApprovedDigest::new(B.parse().unwrap(), None));
    assert_eq!(lock.entry(&row).map(EntryName::as_str), Some("etcd"));
    // A row that moves to the list is a row of the list.
    let list = List::parse("a r/a 1.10\n");
    let text = lock.text(&list);
    assert!(
        text.starts_with(&format!("{HEADER}a r/a 1.10 {A} {TYPE}\n+ ")),
        "{text}"
    );
    assert!(
        text.ends_with(&format!("\na r/a 1.9 {B} - source=follow:etcd\n")),
        "{text}"
    );
}

#[test]
fn columns_after_the_media_type_are_checked() {
    for (columns, want) in [
        ("source=follow:a source=follow:b", "duplicate key `source`"),
        (
            "source=list",
            "invalid source `list`: expected source=follow:ENTRY",
        ),
        ("source=follow:", "invalid source `follow:`"),
        ("builder=x", "unknown key `builder`"),
        ("x", "expected 5 fields"),
    ] {
        let text = format!("{HEADER}a r/a 1 {A} {TYPE} {columns}\n");
        let problems = Lock::parse(&text).unwrap_err();
        assert_eq!(problems.len(), 1, "{columns}");
        assert!(problems[0].to_string().contains(want), "{}", problems[0]);
    }
    let version_1 = format!("a r/a 1 {A} {TYPE} source=follow:a\n");
    let problems = Lock::parse(&version_1).unwrap_err();
    assert!(
        problems[0].to_string().contains("expected 5 fields"),
        "{}",
        problems[0]
    );
}

#[test]
fn signers_are_kept_with_their_rows() {
    let list = List::parse("a r/a 1\nb r/b 1\n");
    let old = format!(
        "{HEADER}a r/a 1 {A} {TYPE} signer=https://g/org/w@refs/tags/v1\n\
         b r/b 1 {A} {TYPE}\n\
         c r/c 1 {A} {TYPE} source=follow:c signer=key:sha256:12\n"
    );
    let mut lock = Lock::parse(&old).unwrap();
    assert_eq!(lock.text(&list), old);
    let row = list.rows().next().unwrap().row.clone();
    let signer = lock.get(&row).unwrap().signer().cloned();
    assert_eq!(
        signer.as_ref().unwrap().to_string(),
        "https://g/org/w@refs/tags/v1"
    );
    // The same image keeps its signer, another one does not.
    lock.set(row.clone(), approved(A));
    assert_eq!(lock.get(&row).unwrap().signer(), signer.as_ref());
    lock.set(row.clone(), approved(B));
    assert_eq!(lock.get(&row).unwrap().signer(), None);
    for (columns, want) in [
        ("signer=", "invalid signer ``"),
        ("signer=a signer=b", "duplicate key `signer`"),
        ("signr=a", "unknown key `signr`"),
    ] {
        let text = format!("{HEADER}a r/a 1 {A} {TYPE} {columns}\n");
        let problem = Lock::parse(&text).unwrap_err()[0].to_string();
        assert!(problem.starts_with(want), "{columns}: {problem}");
    }
}
