//! How many files and connections the process may have open.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Enough for every connection to a dozen registries.
const ENOUGH: u64 = 8192;

/// Raises the soft limit, which many systems set to 1,024 for the sake of programs older than
/// poll(2), towards the hard one. Where that is not allowed, what is there has to do.
pub(crate) fn raise_limit() {
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE)
        && soft < ENOUGH.min(hard)
    {
        setrlimit(Resource::RLIMIT_NOFILE, ENOUGH.min(hard), hard).ok();
    }
}
