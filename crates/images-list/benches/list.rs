//! Operations on a list of 100,000 rows: `cargo bench -p images-list`.
#![expect(clippy::unwrap_used, reason = "a benchmark fails like a test")]

use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use images_list::{Checker, Diff, List, ListIndex};

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

criterion_group!(benches, list);
criterion_main!(benches);
