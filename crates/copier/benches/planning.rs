//! The computations of a run between its requests, on a list of 100,000 rows:
//! `cargo bench -p copier --features benchmarks`.
#![expect(clippy::unwrap_used, reason = "a benchmark fails like a test")]

use std::hint::black_box;

use copier::Row;
use copier::benchmarks::{Search, first_rows};
use criterion::{Criterion, criterion_group, criterion_main};
use registry_client::Client;

const ROWS: usize = 100_000;

/// The budget of a run with a list of this length.
const BUDGET: usize = ROWS / 10;

fn client() -> Client {
    Client::builder().requests_per_host(128).build()
}

/// 10,000 repositories with 10 tags each.
fn rows() -> Vec<Row> {
    let row = |number: usize| {
        let (repository, tag) = (number / 10, number % 10);
        Row::new(
            format!("quay.io/team/app-{repository}:v{tag}")
                .parse()
                .unwrap(),
            format!("registry.example.com/mirror/app-{repository}:v{tag}")
                .parse()
                .unwrap(),
        )
    };
    (0..ROWS).map(row).collect()
}

fn planning(criterion: &mut Criterion) {
    let rows = rows();
    let search = Search::through(&client(), &rows).unwrap();
    let new = &rows[ROWS / 2];
    assert_eq!(search.length(new, BUDGET), 4 + BUDGET);
    assert_eq!(search.length(new, 0), 4, "the newest of the repository");
    let mut group = criterion.benchmark_group("100,000 rows");
    group.sample_size(20);
    group.bench_function("find rows with one destination", |bencher| {
        bencher.iter(|| first_rows(black_box(&rows)));
    });
    group.bench_function("order the candidates of a blob", |bencher| {
        bencher.iter(|| search.length(black_box(new), BUDGET));
    });
    group.bench_function("the same with a used-up budget", |bencher| {
        bencher.iter(|| search.length(black_box(new), 0));
    });
    group.finish();
}

criterion_group!(benches, planning);
criterion_main!(benches);
