//! The soak. In the tests it takes some seconds, to show that it works; with
//! `SOAK_MINUTES` it is what its name says (`scripts/soak`).

use super::figures::{Figures, reasons};
use super::plan::Plan;
use super::stage::Stage;
use super::verify::every_row;
use super::watch::{Ended, Meanwhile, watch};

const SYNC: &str = "sync --quiet --authfile auth.json --output json";
const COMPARE: &str = "compare --quiet --authfile auth.json --output json";

/// One row in so many is new before each run.
const NEW: usize = 200;

/// Changes before each run, one for so many rows.
const CHANGED: usize = 25;

impl Stage {
    async fn run(&mut self, figures: &mut Figures, command: &str, meanwhile: Meanwhile) -> Ended {
        let line = format!("{command} --jobs {}", self.plan.jobs);
        watch(self, figures, &line, meanwhile).await
    }

    /// A run with faults and changes: rows may fail, all of them have a result.
    async fn run_in_trouble(&mut self, figures: &mut Figures) {
        self.write_list();
        let rows = self.upstream.rows();
        let ended = self.run(figures, SYNC, Meanwhile::Changes).await;
        assert!(
            matches!(ended.code, Some(0 | 1 | 4)),
            "soak: exit code {:?}",
            ended.code
        );
        let report = &ended.report;
        assert_eq!(report["rows"].as_array().map(Vec::len), Some(rows));
        assert_eq!(report["summary"]["skipped"], 0, "soak: rows are left out");
        for (rows, why) in reasons(report).into_iter().take(5) {
            println!("soak:   {rows} failed: {why}");
        }
    }

    async fn change_between_runs(&mut self) {
        for _ in 0..self.upstream.rows().div_ceil(NEW) {
            self.upstream.add().await;
        }
        for _ in 0..self.upstream.rows().div_ceil(CHANGED) {
            self.upstream.change().await;
        }
    }

    /// The same without faults and changes: nothing fails.
    async fn run_in_peace(&mut self, figures: &mut Figures) {
        self.heal();
        self.upstream.bring_back().await;
        self.write_list();
        for command in [SYNC, COMPARE] {
            let ended = self.run(figures, command, Meanwhile::Stillness).await;
            let why = reasons(&ended.report);
            assert_eq!(ended.code, Some(0), "soak: {command}: {why:#?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_come_right_and_nothing_grows() {
    let plan = Plan::of_environment();
    println!("soak: {plan:?}");
    let mut stage = Stage::new(plan).await;
    let mut figures = Figures::new();
    stage.break_requests();
    stage.set_latency(stage.plan.first_latency());
    stage.run_in_trouble(&mut figures).await;
    stage.set_latency(stage.plan.later_latency());
    while figures.elapsed() < stage.plan.time {
        stage.change_between_runs().await;
        stage.run_in_trouble(&mut figures).await;
    }
    stage.run_in_peace(&mut figures).await;
    every_row(&stage).await;
    let counted = stage.traffic.counted();
    figures.print(&counted, stage.upstream.changes());
    assert!(!counted.faults.is_empty(), "soak: nothing was broken");
}
