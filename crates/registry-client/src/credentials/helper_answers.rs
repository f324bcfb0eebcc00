//! What helpers have answered: one run for each (helper, server), however many ask.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::credential::Credential;
use super::helper::Helpers;
use super::helper_error::HelperError;
use super::helper_name::HelperName;

/// A failure is told to everybody for so long before the helper is tried again:
/// one that hangs must not cost each row of a list its deadline, and one that
/// failed once must not fail the rest of a long run.
const FAILURE_HOLDS: Duration = Duration::from_secs(60);

type Asked = (HelperName, String);
type Told = Result<Option<Credential>, Arc<HelperError>>;

/// One run, under way or ended.
#[derive(Debug, Default)]
struct Run {
    ended: OnceCell<(Instant, Told)>,
}

/// The answers so far.
#[derive(Debug)]
pub(super) struct HelperAnswers {
    helpers: Helpers,
    failure_holds: Duration,
    runs: Mutex<HashMap<Asked, Arc<Run>>>,
}

impl HelperAnswers {
    pub(super) fn new(helpers: Helpers) -> Self {
        Self {
            helpers,
            failure_holds: FAILURE_HOLDS,
            runs: Mutex::default(),
        }
    }

    /// The answer of `name` for `server`, from a run now or before.
    pub(super) async fn get(&self, name: &HelperName, server: &str) -> Told {
        let run = self.run_for(name, server);
        let ended = run.ended.get_or_init(|| async {
            let told = self.helpers.get(name, server).await.map_err(Arc::new);
            (Instant::now(), told)
        });
        ended.await.1.clone()
    }

    fn run_for(&self, name: &HelperName, server: &str) -> Arc<Run> {
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        let run = runs.entry((name.clone(), server.into())).or_default();
        let stale = run
            .ended
            .get()
            .is_some_and(|(at, told)| told.is_err() && at.elapsed() > self.failure_holds);
        if stale {
            *run = Arc::default();
        }
        Arc::clone(run)
    }

    /// Lets the answers go that are `refused`, so that the next to ask gets a new
    /// run; an answer that is newer stays.
    pub(super) fn forget(&self, refused: &Credential) {
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        runs.retain(|_, run| match run.ended.get() {
            Some((_, Ok(Some(held)))) => held != refused,
            _ => true,
        });
    }
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;

    use super::super::test_helper::TestHelper;
    use super::*;

    const ANSWER: &str =
        r#"n=$(wc -l < "$DIR/runs"); echo "{\"Username\":\"u\",\"Secret\":\"s$n\"}""#;

    fn secret(told: Told) -> String {
        match told.unwrap().unwrap() {
            Credential::Basic { password, .. } => password.expose().trim().to_owned(),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn sixteen_at_once_are_one_run_and_another_server_is_another() {
        let helper = TestHelper::new("one", &format!("sleep 0.2; {ANSWER}"));
        let answers = HelperAnswers::new(helper.helpers());
        let told = join_all((0..16).map(|_| answers.get(helper.name(), "a.io"))).await;
        assert_eq!(told.len(), 16);
        for one in told {
            assert_eq!(secret(one), "s1");
        }
        assert_eq!(helper.runs(), ["get a.io"]);
        answers.get(helper.name(), "b.io").await.unwrap();
        assert_eq!(helper.runs(), ["get a.io", "get b.io"]);
    }

    #[tokio::test]
    async fn what_was_refused_is_asked_again_and_what_is_newer_stays() {
        let helper = TestHelper::new("renewed", ANSWER);
        let answers = HelperAnswers::new(helper.helpers());
        let first = answers.get(helper.name(), "a.io").await.unwrap().unwrap();
        answers.forget(&first);
        let second = answers.get(helper.name(), "a.io").await;
        assert_eq!(secret(second), "s2");
        // A second row that was refused with the first answer comes late.
        answers.forget(&first);
        assert_eq!(secret(answers.get(helper.name(), "a.io").await), "s2");
        assert_eq!(helper.runs().len(), 2);
    }

    #[tokio::test]
    async fn a_failure_holds_for_a_while_and_not_for_good() {
        let helper = TestHelper::new("failing", "echo no network; exit 1");
        let mut answers = HelperAnswers::new(helper.helpers());
        for _ in 0..3 {
            let error = answers.get(helper.name(), "a.io").await.unwrap_err();
            assert!(error.to_string().contains("no network"), "{error}");
        }
        assert_eq!(helper.runs().len(), 1);
        answers.failure_holds = Duration::ZERO;
        answers.get(helper.name(), "a.io").await.unwrap_err();
        assert_eq!(helper.runs().len(), 2);
    }
}
