//! What goes wrong, how often, and with which request: drawn from a seed, in
//! the order in which requests arrive.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use fastrand::Rng;
use testkit::proxy::{Action, FaultProxy, RequestKind, Rule};

use super::plan::Plan;

/// Which requests a fault can be for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum On {
    Any,
    /// Those whose answer has a body.
    Answer,
    /// Those that have a body themselves.
    Sent,
}

impl On {
    fn includes(self, kind: RequestKind) -> bool {
        use RequestKind as Kind;
        match self {
            Self::Any => true,
            Self::Sent => matches!(
                kind,
                Kind::ManifestPut | Kind::UploadPut | Kind::UploadPatch
            ),
            Self::Answer => matches!(
                kind,
                Kind::Token | Kind::ManifestGet | Kind::BlobGet | Kind::Tags | Kind::Referrers
            ),
        }
    }
}

/// More than any answer may have.
const FLOOD: u64 = 10 << 30;

/// A name, what it is done to, and what is done.
type Fault = (&'static str, On, Action);

/// Every fault with its name, at the host of that name. The last ones are
/// peers that fall silent.
fn faults(host: &str) -> Vec<Fault> {
    let mut faults = anywhere(host);
    faults.extend(statuses());
    faults.extend(answers());
    faults.extend(uploads());
    faults.extend(silence());
    faults
}

fn anywhere(host: &str) -> Vec<Fault> {
    let page = Action::answer(200).body("<html><h1>Sign in to this network</h1></html>");
    let page = page.header("content-type", "text/html");
    let soon = Action::answer(429).header("retry-after", "1");
    let gone = Action::GoDown(Duration::from_millis(200));
    let slow = Action::Delay(Duration::from_secs(3));
    vec![
        ("host gone for 0.2 s", On::Any, gone),
        ("slow by 3 s", On::Any, slow),
        ("reset", On::Any, Action::Reset),
        ("done, then reset", On::Any, Action::LoseAnswer),
        ("429, Retry-After", On::Any, soon.into()),
        ("HTML instead of JSON", On::Any, page.into()),
        ("redirect", On::Any, Action::RedirectTo(host.to_owned())),
    ]
}

fn statuses() -> impl Iterator<Item = Fault> {
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
    statuses.map(|(status, name)| (name, On::Any, Action::answer(status).into()))
}

fn answers() -> [Fault; 6] {
    let flood = |announced| Action::Flood {
        bytes: FLOOD,
        announced,
    };
    let faults = [
        ("reset within the answer", Action::ResetInBody { after: 10 }),
        ("answer cut short", Action::Truncate { after: 10 }),
        ("bit flipped in the answer", Action::FlipByte { at: 100 }),
        ("Content-Length too large", Action::WrongLength(7)),
        ("10 GiB, announced", flood(true)),
        ("10 GiB, not announced", flood(false)),
    ];
    faults.map(|(name, action)| (name, On::Answer, action))
}

fn uploads() -> [Fault; 2] {
    let faults = [
        ("reset within the upload", Action::ResetUpload { after: 10 }),
        ("bit flipped in the upload", Action::FlipUpload { at: 100 }),
    ];
    faults.map(|(name, action)| (name, On::Sent, action))
}

fn silence() -> [Fault; 3] {
    let (answer, upload) = (
        Action::StallInBody { after: 10 },
        Action::StallUpload { after: 10 },
    );
    [
        ("silence", On::Any, Action::Stall),
        ("silence within the answer", On::Answer, answer),
        ("silence within the upload", On::Sent, upload),
    ]
}

/// What went through the proxies.
#[derive(Clone, Debug, Default)]
pub(super) struct Traffic(Arc<Mutex<Counted>>);

/// The counts of [`Traffic`].
#[derive(Clone, Debug, Default)]
pub(super) struct Counted {
    pub(super) requests: u64,
    pub(super) tokens: u64,
    /// By the fault's name.
    pub(super) faults: BTreeMap<&'static str, u64>,
    /// When the last one arrived.
    pub(super) last: Option<Instant>,
}

impl Traffic {
    fn lock(&self) -> MutexGuard<'_, Counted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn counted(&self) -> Counted {
        self.lock().clone()
    }

    fn arrived(&self, kind: Option<RequestKind>, fault: Option<&'static str>) {
        let mut counted = self.lock();
        counted.requests += 1;
        counted.tokens += u64::from(kind == Some(RequestKind::Token));
        counted.last = Some(Instant::now());
        if let Some(fault) = fault {
            *counted.faults.entry(fault).or_default() += 1;
        }
    }
}

/// Counts all requests of a proxy from now on.
pub(super) fn count(proxy: &FaultProxy, traffic: &Traffic) {
    let traffic = traffic.clone();
    let counts = move |parts: &_| {
        traffic.arrived(RequestKind::of_parts(parts), None);
        false
    };
    proxy.add(Rule::new("", "").when(counts));
}

/// Counts all requests of a proxy from now on, and breaks some.
pub(super) fn strike(proxy: &FaultProxy, traffic: &Traffic, plan: &Plan, seed: u64) {
    let mut faults = faults(&proxy.host());
    if !plan.silence {
        faults.retain(|(name, ..)| !name.starts_with("silence"));
    }
    let on: Vec<_> = faults.iter().map(|(name, on, _)| (*name, *on)).collect();
    let drawn: Arc<Mutex<Option<usize>>> = Arc::default();
    let (random, share) = (Mutex::new(Rng::with_seed(seed)), plan.faults);
    let (traffic, draw) = (traffic.clone(), Arc::clone(&drawn));
    // Rules are asked one after the other, and those of one request before
    // those of the next: the first one draws for all.
    let first = move |parts: &http::request::Parts| {
        let kind = RequestKind::of_parts(parts);
        let mut random = random.lock().unwrap();
        let fits = |on: On| kind.is_some_and(|kind| on.includes(kind));
        let fitting: Vec<_> = (0..on.len()).filter(|index| fits(on[*index].1)).collect();
        let broken = random.f64() < share;
        let fault = random.choice(fitting).filter(|_| broken);
        traffic.arrived(kind, fault.map(|index| on[index].0));
        *draw.lock().unwrap() = fault;
        false
    };
    proxy.add(Rule::new("", "").when(first));
    for (index, (_, _, action)) in faults.into_iter().enumerate() {
        let drawn = Arc::clone(&drawn);
        let mine = move |_: &_| *drawn.lock().unwrap() == Some(index);
        proxy.add(Rule::new("", "").when(mine).does(action));
    }
}
