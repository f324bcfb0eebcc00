//! Operations on a list of 100,000 rows: `cargo bench -p images-list`.
#![expect(clippy::unwrap_used, reason = "a benchmark fails like a test")]

use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use images_list::{Checker, Diff, Expansions, List, ListIndex, Targets};

const ROWS: usize = 100_000;

/// Returns sorted rows: 1,000 repositories with 100 tags each.
fn sorted() -> String {
    let mut list = List::parse(&shuffled());
    list.sort();
    list.to_string()
}

/// Returns the same rows out of order, in the same order on every run.
fn shuffled() -> String {
    let line = |number: usize| {
        // 7919 is a prime that does not divide the number of rows, so each row appears once.
        let row = number * 7919 % ROWS;
        let (repository, tag) = (row / 100, row % 100);
        format!(
            "quay.io/team-{}/component-{repository} registry.example.com/mirror/component-{repository} v1.{}.{}\n",
            repository % 40,
            tag / 10,
            tag % 10,
        )
    };
    (0..ROWS).map(line).collect()
}

/// The targets of the largest public list.
const TARGETS: &str = r#"{
  "targets": {
    "hub": {"prefix": "docker.io/rancher"},
    "prime": {"prefix": "registry.example.com/rancher"},
    "ecr": {"prefix": "123456789012.dkr.ecr.eu-central-1.amazonaws.com/rancher"}
  },
  "groups": {"all": ["hub", "prime", "ecr"]}
}"#;

/// Expands the destinations of a list to the images that its rows write, and returns their number.
fn expand(list: &List, targets: &Targets) -> usize {
    let mut expansions = Expansions::new(targets);
    let rows = list.rows().map(|at| {
        let written = expansions.expand(&at.row.destination).unwrap();
        written.len() * at.row.tag.destinations().len()
    });
    rows.sum()
}

/// Rows that go to three targets: of repositories with 100 tags each, and of as many repositories as
/// rows.
fn targets(criterion: &mut Criterion) {
    let targets = Targets::parse(TARGETS).unwrap();
    let repositories = sorted().replace(" registry.example.com/mirror/", " @all/mirrored-");
    let line = |row: usize| format!("quay.io/team/c{row:06} @all/mirrored-team-c{row:06} v1\n");
    let distinct: String = (0..ROWS).map(line).collect();
    let mut group = criterion.benchmark_group("100,000 rows with three targets");
    group.sample_size(10);
    for (name, text) in [
        ("1,000 repositories", repositories),
        ("100,000 repositories", distinct),
    ] {
        let list = List::parse(&text);
        assert_eq!(expand(&list, &targets), 3 * ROWS);
        assert_eq!(Checker::new(&targets).check("images-list", &list), []);
        group.bench_function(format!("expand, {name}"), |bencher| {
            bencher.iter(|| expand(black_box(&list), &targets));
        });
        group.bench_function(format!("expand and check, {name}"), |bencher| {
            bencher.iter(|| {
                let expanded = expand(black_box(&list), &targets);
                let problems = Checker::new(&targets).check("images-list", &list);
                (expanded, problems.len())
            });
        });
    }
    group.finish();
}

fn list(criterion: &mut Criterion) {
    let (ordered, disordered) = (sorted(), shuffled());
    let list = List::parse(&ordered);
    assert_eq!(list.rows().count(), ROWS);
    let mut group = criterion.benchmark_group("100,000 rows");
    group.sample_size(10);
    group.bench_function("parse", |bencher| {
        bencher.iter(|| List::parse(black_box(&ordered)));
    });
    group.bench_function("write", |bencher| {
        bencher.iter(|| black_box(&list).to_string());
    });
    group.bench_function("sort", |bencher| {
        let parsed = List::parse(&disordered);
        let sort = |mut list: List| {
            list.sort();
            list
        };
        bencher.iter_batched(|| parsed.clone(), sort, BatchSize::LargeInput);
    });
    group.bench_function("check", |bencher| {
        bencher.iter(|| Checker::default().check("images-list", black_box(&list)));
    });
    group.bench_function("index", |bencher| {
        bencher.iter(|| ListIndex::new(black_box(&list)).sources().len());
    });
    group.bench_function("diff", |bencher| {
        let mut changed = list.clone();
        let row = "a b v1\n";
        let added = List::parse(row)
            .rows()
            .next()
            .map(|numbered| numbered.row.clone());
        changed.insert(added.unwrap());
        bencher.iter(|| Diff::between(black_box(&list), &changed).added.len());
    });
    group.finish();
}

criterion_group!(benches, list, targets);
criterion_main!(benches);
