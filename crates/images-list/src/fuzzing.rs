//! The functions behind the fuzz targets of `fuzz/`. The tests run them on the corpus.

use crate::{Checker, Destination, InsertOutcome, List, ListIndex, Lock, Row, Targets};

/// Checks that a list is written back unchanged, and that edits keep their promises.
pub fn list(data: &[u8]) {
    let Ok(read) = List::from_bytes(data) else {
        return;
    };
    let written = read.to_string();
    assert_eq!(written.as_bytes(), data);
    Checker::default().check("images-list", &read);
    assert!(ListIndex::new(&read).sources().len() <= read.rows().count());

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
        assert!(matches!(
            edited.insert(row.clone()),
            InsertOutcome::Inserted { .. }
        ));
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

/// Checks that the text of a lock parses to the same lock.
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

/// Checks that each target of a file gets one repository, and each list of problems has a position.
pub fn targets(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    let targets = match Targets::parse(text) {
        Ok(targets) => targets,
        Err(problems) => {
            let lines = text.lines().count().max(1);
            let is_in_text = |line| (1..=lines + 1).contains(&line);
            assert!(!problems.is_empty());
            assert!(problems.iter().all(|problem| is_in_text(problem.line)));
            return;
        }
    };
    for target in targets.all() {
        let destination: Result<Destination, _> = format!("@{}/a", target.name).parse();
        let written = destination.map(|destination| targets.expand(&destination));
        // A prefix can be as long as a path may be.
        if let Ok(Ok(written)) = written {
            assert_eq!(written.len(), 1);
            assert_eq!(written[0].target.as_ref(), Some(target));
            let name = written[0].repository.as_written();
            assert_eq!(name.parse().as_ref(), Ok(&written[0].repository), "{name}");
        }
    }
    if let Ok(source) = "quay.io/a/b".parse()
        && let Ok(Some(new)) = targets.new_destination(&source)
    {
        assert_eq!(new.to_string().parse().as_ref(), Ok(&new));
    }
}

#[cfg(test)]
mod tests {
    use testkit::replay_corpus;

    use super::*;

    #[test]
    fn corpus_passes() {
        replay_corpus("list", list);
        replay_corpus("lock", lock);
        replay_corpus("targets", targets);
    }
}
