//! The sequence of runs in a soak: some seconds in the tests, an hour with `SOAK_MINUTES`.

use super::monitored_run::{FinishedRun, Upstream, monitor};
use super::plan::Plan;
use super::statistics::{Statistics, failure_causes};
use super::testbed::Testbed;
use super::verify::assert_every_row_is_right;

const SYNC: &str = "sync --quiet --authfile auth.json --output json";
const COMPARE: &str = "compare --quiet --authfile auth.json --output json";

/// One new row per this many rows before each run.
const ROWS_PER_NEW: usize = 200;

/// One changed row per this many rows before each run.
const ROWS_PER_CHANGE: usize = 25;

impl Testbed {
    async fn run(
        &mut self,
        statistics: &mut Statistics,
        command: &str,
        upstream: Upstream,
    ) -> FinishedRun {
        let line = format!("{command} --jobs {}", self.plan.jobs);
        monitor(self, statistics, &line, upstream).await
    }

    /// Runs with faults and changes: rows may fail, and every row has a result.
    async fn run_with_faults(&mut self, statistics: &mut Statistics) {
        self.write_list();
        let rows = self.upstream.rows();
        let run = self.run(statistics, SYNC, Upstream::Changing).await;
        assert!(
            matches!(run.code, Some(0 | 1 | 4)),
            "soak: exit code {:?}",
            run.code
        );
        let report = &run.report;
        assert_eq!(report["rows"].as_array().map(Vec::len), Some(rows));
        assert_eq!(report["summary"]["skipped"], 0, "soak: rows were skipped");
        for (rows, cause) in failure_causes(report).into_iter().take(5) {
            println!("soak:   {rows} failed: {cause}");
        }
    }

    async fn change_between_runs(&mut self) {
        for _ in 0..self.upstream.rows().div_ceil(ROWS_PER_NEW) {
            self.upstream.add().await;
        }
        for _ in 0..self.upstream.rows().div_ceil(ROWS_PER_CHANGE) {
            self.upstream.change_one().await;
        }
    }

    /// Runs without faults and changes: no row fails.
    async fn run_without_faults(&mut self, statistics: &mut Statistics) {
        self.stop_faults();
        self.upstream.restore_deleted().await;
        self.write_list();
        for command in [SYNC, COMPARE] {
            let run = self.run(statistics, command, Upstream::Still).await;
            let causes = failure_causes(&run.report);
            assert_eq!(run.code, Some(0), "soak: {command}: {causes:#?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn soak_ends_with_every_row_right_and_no_growth() {
    let plan = Plan::from_environment();
    println!("soak: {plan:?}");
    let mut testbed = Testbed::new(plan).await;
    let mut statistics = Statistics::new();
    testbed.inject_faults();
    testbed.set_latency(testbed.plan.first_latency());
    testbed.run_with_faults(&mut statistics).await;
    testbed.set_latency(testbed.plan.later_latency());
    while statistics.elapsed() < testbed.plan.time {
        testbed.change_between_runs().await;
        testbed.run_with_faults(&mut statistics).await;
    }
    testbed.run_without_faults(&mut statistics).await;
    assert_every_row_is_right(&testbed).await;
    let counts = testbed.traffic.counts();
    statistics.print_summary(&counts, testbed.upstream.changes());
    assert!(!counts.faults.is_empty(), "soak: no fault was injected");
}
