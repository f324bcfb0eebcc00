//! The results of credential helpers: one run for each helper and server.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::credential::Credential;
use super::helper::{HelperError, HelperName, Helpers};

/// The time for which a failure is kept before the helper runs again. A helper that hangs does not
/// cost each row its deadline, and one failure does not fail the rest of a long run.
const FAILURE_LIFETIME: Duration = Duration::from_secs(60);

/// A helper and the server in its request.
type Key = (HelperName, String);
type Outcome = Result<Option<Credential>, Arc<HelperError>>;

/// One run of a helper, in flight or ended.
#[derive(Debug, Default)]
struct Run {
    ended: OnceCell<(Instant, Outcome)>,
}

/// A cache of credentials from helpers.
#[derive(Debug)]
pub(super) struct HelperCache {
    helpers: Helpers,
    failure_lifetime: Duration,
    runs: Mutex<HashMap<Key, Arc<Run>>>,
}

impl HelperCache {
    pub(super) fn new(helpers: Helpers) -> Self {
        Self {
            helpers,
            failure_lifetime: FAILURE_LIFETIME,
            runs: Mutex::default(),
        }
    }

    /// Returns the credential of the helper for `server`. Concurrent callers share one run.
    pub(super) async fn get(&self, name: &HelperName, server: &str) -> Outcome {
        let run = self.run_for(name, server);
        let ended = run.ended.get_or_init(|| async {
            let outcome = self.helpers.get(name, server).await.map_err(Arc::new);
            (Instant::now(), outcome)
        });
        ended.await.1.clone()
    }

    fn run_for(&self, name: &HelperName, server: &str) -> Arc<Run> {
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        let run = runs.entry((name.clone(), server.into())).or_default();
        let is_stale = run
            .ended
            .get()
            .is_some_and(|(at, outcome)| outcome.is_err() && at.elapsed() > self.failure_lifetime);
        if is_stale {
            *run = Arc::default();
        }
        Arc::clone(run)
    }

    /// Removes a credential that was refused, so that the next caller gets a new run. A newer
    /// credential stays.
    pub(super) fn remove(&self, refused: &Credential) {
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

    const RESPONSE: &str =
        r#"n=$(wc -l < "$DIR/runs"); echo "{\"Username\":\"u\",\"Secret\":\"s$n\"}""#;

    fn secret(outcome: Outcome) -> String {
        match outcome.unwrap().unwrap() {
            Credential::Basic { password, .. } => password.expose().trim().to_owned(),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn concurrent_callers_share_one_run_per_server() {
        let helper = TestHelper::new("one", &format!("sleep 0.2; {RESPONSE}"));
        let cache = HelperCache::new(helper.helpers());
        let outcomes = join_all((0..16).map(|_| cache.get(helper.name(), "a.io"))).await;
        assert_eq!(outcomes.len(), 16);
        for outcome in outcomes {
            assert_eq!(secret(outcome), "s1");
        }
        assert_eq!(helper.runs(), ["get a.io"]);
        cache.get(helper.name(), "b.io").await.unwrap();
        assert_eq!(helper.runs(), ["get a.io", "get b.io"]);
    }

    #[tokio::test]
    async fn refused_credential_is_fetched_again_and_a_newer_one_stays() {
        let helper = TestHelper::new("renewed", RESPONSE);
        let cache = HelperCache::new(helper.helpers());
        let first = cache.get(helper.name(), "a.io").await.unwrap().unwrap();
        cache.remove(&first);
        let second = cache.get(helper.name(), "a.io").await;
        assert_eq!(secret(second), "s2");
        // A late refusal of the first credential.
        cache.remove(&first);
        assert_eq!(secret(cache.get(helper.name(), "a.io").await), "s2");
        assert_eq!(helper.runs().len(), 2);
    }

    #[tokio::test]
    async fn failure_is_cached_for_its_lifetime() {
        let helper = TestHelper::new("failing", "echo no network; exit 1");
        let mut cache = HelperCache::new(helper.helpers());
        for _ in 0..3 {
            let error = cache.get(helper.name(), "a.io").await.unwrap_err();
            assert!(error.to_string().contains("no network"), "{error}");
        }
        assert_eq!(helper.runs().len(), 1);
        cache.failure_lifetime = Duration::ZERO;
        cache.get(helper.name(), "a.io").await.unwrap_err();
        assert_eq!(helper.runs().len(), 2);
    }
}
