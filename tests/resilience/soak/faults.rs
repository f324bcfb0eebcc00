//! Faults, drawn from a seed in the order in which requests arrive.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use fastrand::Rng;
use testkit::proxy::{Action, FaultProxy, RequestKind, Rule};

use super::plan::Plan;

/// The requests that a fault applies to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AppliesTo {
    Any,
    /// Requests whose response has a body.
    WithResponseBody,
    /// Requests with a body.
    WithRequestBody,
}

impl AppliesTo {
    fn includes(self, kind: RequestKind) -> bool {
        use RequestKind as Kind;
        match self {
            Self::Any => true,
            Self::WithRequestBody => matches!(
                kind,
                Kind::ManifestPut | Kind::UploadPut | Kind::UploadPatch
            ),
            Self::WithResponseBody => matches!(
                kind,
                Kind::Token | Kind::ManifestGet | Kind::BlobGet | Kind::Tags | Kind::Referrers
            ),
        }
    }
}

/// Larger than any response may be.
const FLOOD: u64 = 10 << 30;

/// The name of a fault, the requests that it applies to, and its action.
type Fault = (&'static str, AppliesTo, Action);

/// Returns every fault, with redirects to `host`. The last ones are peers that stall.
fn all_faults(host: &str) -> Vec<Fault> {
    let mut faults = any_request_faults(host);
    faults.extend(status_faults());
    faults.extend(response_faults());
    faults.extend(upload_faults());
    faults.extend(stall_faults());
    faults
}

fn any_request_faults(host: &str) -> Vec<Fault> {
    let page = Action::answer(200).body("<html><h1>Sign in to this network</h1></html>");
    let page = page.header("content-type", "text/html");
    let soon = Action::answer(429).header("retry-after", "1");
    let down = Action::GoDown(Duration::from_millis(200));
    let slow = Action::Delay(Duration::from_secs(3));
    vec![
        ("host down for 0.2 s", AppliesTo::Any, down),
        ("slow by 3 s", AppliesTo::Any, slow),
        ("reset", AppliesTo::Any, Action::Reset),
        ("response lost", AppliesTo::Any, Action::DropResponse),
        ("429, Retry-After", AppliesTo::Any, soon.into()),
        ("HTML instead of JSON", AppliesTo::Any, page.into()),
        (
            "redirect",
            AppliesTo::Any,
            Action::RedirectTo(host.to_owned()),
        ),
    ]
}

fn status_faults() -> impl Iterator<Item = Fault> {
    let statuses = [
        (400, "400"),
        (401, "401"),
        (403, "403"),
        (404, "404"),
        (429, "429"),
        (500, "500"),
        (502, "502"),
        (503, "503"),
        (504, "504"),
    ];
    let statuses = statuses.into_iter();
    statuses.map(|(status, name)| (name, AppliesTo::Any, Action::answer(status).into()))
}

fn response_faults() -> [Fault; 6] {
    let flood = |announced| Action::Flood {
        bytes: FLOOD,
        announced,
    };
    let faults = [
        (
            "reset within the response",
            Action::ResetInBody { after: 10 },
        ),
        ("truncated response", Action::Truncate { after: 10 }),
        ("bit flipped in the response", Action::FlipByte { at: 100 }),
        ("Content-Length too large", Action::WrongLength(7)),
        ("10 GiB, announced", flood(true)),
        ("10 GiB, not announced", flood(false)),
    ];
    faults.map(|(name, action)| (name, AppliesTo::WithResponseBody, action))
}

fn upload_faults() -> [Fault; 2] {
    let faults = [
        ("reset within the upload", Action::ResetUpload { after: 10 }),
        ("bit flipped in the upload", Action::FlipUpload { at: 100 }),
    ];
    faults.map(|(name, action)| (name, AppliesTo::WithRequestBody, action))
}

fn stall_faults() -> [Fault; 3] {
    let (response, upload) = (
        Action::StallInBody { after: 10 },
        Action::StallUpload { after: 10 },
    );
    [
        ("stall", AppliesTo::Any, Action::Stall),
        (
            "stall within the response",
            AppliesTo::WithResponseBody,
            response,
        ),
        (
            "stall within the upload",
            AppliesTo::WithRequestBody,
            upload,
        ),
    ]
}

/// The requests through all proxies.
#[derive(Clone, Debug, Default)]
pub(super) struct Traffic(Arc<Mutex<TrafficCounts>>);

/// The counts of [`Traffic`].
#[derive(Clone, Debug, Default)]
pub(super) struct TrafficCounts {
    pub(super) requests: u64,
    pub(super) tokens: u64,
    /// Faults by name.
    pub(super) faults: BTreeMap<&'static str, u64>,
    /// Arrival of the last request.
    pub(super) last: Option<Instant>,
}

impl Traffic {
    fn lock(&self) -> MutexGuard<'_, TrafficCounts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn counts(&self) -> TrafficCounts {
        self.lock().clone()
    }

    fn record(&self, kind: Option<RequestKind>, fault: Option<&'static str>) {
        let mut counts = self.lock();
        counts.requests += 1;
        counts.tokens += u64::from(kind == Some(RequestKind::Token));
        counts.last = Some(Instant::now());
        if let Some(fault) = fault {
            *counts.faults.entry(fault).or_default() += 1;
        }
    }
}

/// Counts all later requests of a proxy.
pub(super) fn count_requests(proxy: &FaultProxy, traffic: &Traffic) {
    let traffic = traffic.clone();
    let counts = move |parts: &_| {
        traffic.record(RequestKind::classify_parts(parts), None);
        false
    };
    proxy.add(Rule::new("", "").when(counts));
}

/// Counts all later requests of a proxy and fails some of them.
pub(super) fn inject_faults(proxy: &FaultProxy, traffic: &Traffic, plan: &Plan, seed: u64) {
    let mut faults = all_faults(&proxy.host());
    if !plan.stalls {
        faults.retain(|(name, ..)| !name.starts_with("stall"));
    }
    let candidates: Vec<_> = faults.iter().map(|(name, on, _)| (*name, *on)).collect();
    let drawn: Arc<Mutex<Option<usize>>> = Arc::default();
    let (random, share) = (Mutex::new(Rng::with_seed(seed)), plan.faults);
    let (traffic, draw) = (traffic.clone(), Arc::clone(&drawn));
    // The proxy evaluates the rules of one request in order, before those of the next: the first
    // rule draws for all.
    let first = move |parts: &http::request::Parts| {
        let kind = RequestKind::classify_parts(parts);
        let mut random = random.lock().unwrap();
        let fits = |applies_to: AppliesTo| kind.is_some_and(|kind| applies_to.includes(kind));
        let fitting: Vec<_> = (0..candidates.len())
            .filter(|index| fits(candidates[*index].1))
            .collect();
        let broken = random.f64() < share;
        let fault = random.choice(fitting).filter(|_| broken);
        traffic.record(kind, fault.map(|index| candidates[index].0));
        *draw.lock().unwrap() = fault;
        false
    };
    proxy.add(Rule::new("", "").when(first));
    for (index, (_, _, action)) in faults.into_iter().enumerate() {
        let drawn = Arc::clone(&drawn);
        let is_drawn = move |_: &_| *drawn.lock().unwrap() == Some(index);
        proxy.add(Rule::new("", "").when(is_drawn).does(action));
    }
}
