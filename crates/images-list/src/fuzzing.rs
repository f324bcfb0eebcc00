//! What no text may do to this crate: one function for each target of `fuzz/`.
//!
//! Here for `cargo fuzz` (`cfg(fuzzing)`) and for the tests, which run what fuzzing has found before.

use oci_spec::distribution::Reference;

use crate::{Checker, Index, Inserted, List, Lock, Repository, Row, Tag};

/// A list is written as it was read, and each edit keeps what it promises.
pub fn list(data: &[u8]) {
    let Ok(read) = List::from_bytes(data) else {
        return;
    };
    let written = read.to_string();
    assert_eq!(written.as_bytes(), data);
    Checker::default().check("images-list", &read);
    assert!(Index::of(&read).sources().len() <= read.rows().count());

    let mut sorted = read.clone();
    sorted.sort();
    let once = sorted.to_string();
    sorted.sort();
    assert_eq!(sorted.to_string(), once, "sorted again");

    let mut formatted = read.clone();
    if formatted.format().is_ok() {
        let once = formatted.to_string();
        let mut again = List::parse(&once);
        assert!(again.format().is_ok());
        assert_eq!(again.to_string(), once, "formatted again");
    }

    if let Some(row) = new_row()
        && !read.contains(&row)
    {
        let mut edited = read;
        assert!(matches!(edited.insert(row.clone()), Inserted::New { .. }));
        assert!(List::parse(&edited.to_string()).contains(&row));
        assert_eq!(edited.remove(&row).len(), 1);
        assert_eq!(edited.to_string(), written, "inserted and removed");
    }
}

fn new_row() -> Option<Row> {
    Some(Row {
        source: "m/m".parse().ok()?,
        destination: "r.io/m/m".parse().ok()?,
        tag: "1".parse().ok()?,
    })
}

/// A lock that is read is written so that it is read as the same.
pub fn lock(data: &[u8]) {
    let Some(lock) = str::from_utf8(data).ok().map(Lock::parse) else {
        return;
    };
    let Ok(lock) = lock else {
        return;
    };
    let mut list = List::default();
    for (_, row) in lock.stale(&List::default()) {
        list.insert(row.clone());
    }
    assert!(lock.stale(&list).is_empty());
    let written = lock.text(&list);
    let again = Lock::parse(&written).map(|again| again.text(&list));
    assert_eq!(again, Ok(written));
}

/// A name and a tag, one on a line: what is accepted means one image, here and for `oci-spec`.
pub fn references(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut lines = text.split('\n');
    let repository = lines.next().map(str::parse::<Repository>);
    let tag = lines.next().map(str::parse::<Tag>);
    if let Some(Ok(tag)) = &tag {
        assert_eq!(Some(tag.as_str()), text.split('\n').nth(1));
    }
    let Some(Ok(repository)) = repository else {
        return;
    };
    let whole = format!("{}/{}", repository.host(), repository.path());
    assert_eq!(whole.parse(), Ok(repository.clone()));
    if let Some(Ok(tag)) = tag {
        let reference = repository.reference(&tag);
        assert_eq!(reference.whole().parse::<Reference>(), Ok(reference));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs what is in the corpus of a target.
    fn replay(target: &str, run: fn(&[u8])) {
        let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus");
        let entries = std::fs::read_dir(format!("{corpus}/{target}")).unwrap();
        let ran = entries.map(|entry| run(&std::fs::read(entry.unwrap().path()).unwrap()));
        assert!(ran.count() > 0, "{target} has no corpus");
    }

    #[test]
    fn what_fuzzing_knows_breaks_nothing() {
        replay("list", list);
        replay("lock", lock);
        replay("references", references);
    }
}
