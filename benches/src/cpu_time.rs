//! The CPU time of the processes beside a tool, which limits its wall time.

use std::fs;
use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;
use nix::unistd::{SysconfVar, sysconf};

use crate::error::BenchError;

/// User and system time of the processes that run before and after a tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OtherCpuTime {
    /// The registries, and nginx in front of them.
    pub(crate) registries: Duration,
    /// This process: the relays, and the sampling of the tool.
    pub(crate) bench: Duration,
}

impl OtherCpuTime {
    /// Reads the time so far, with the process ids of the registries and of nginx in front of them.
    pub(crate) fn now(registries: &[u32]) -> Result<Self, BenchError> {
        let times = registries.iter().map(|id| of_process(*id));
        Ok(Self {
            registries: times.sum::<Result<_, _>>()?,
            bench: usage(UsageWho::RUSAGE_SELF)?,
        })
    }

    /// Returns the difference to an earlier time.
    pub(crate) fn since(self, before: Self) -> Self {
        Self {
            registries: self.registries.saturating_sub(before.registries),
            bench: self.bench.saturating_sub(before.bench),
        }
    }
}

/// Returns the time of all children that have ended, and of their children.
pub(crate) fn ended_children() -> Result<Duration, BenchError> {
    usage(UsageWho::RUSAGE_CHILDREN)
}

fn usage(who: UsageWho) -> Result<Duration, BenchError> {
    let usage = getrusage(who).map_err(|error| BenchError::io("getrusage")(error.into()))?;
    let duration = |time: TimeVal| {
        let microseconds = time.tv_sec() * 1_000_000 + time.tv_usec();
        Duration::from_micros(microseconds.unsigned_abs())
    };
    Ok(duration(usage.user_time()) + duration(usage.system_time()))
}

/// Returns the time of a running process, in steps of 10 ms (Linux only).
fn of_process(id: u32) -> Result<Duration, BenchError> {
    let path = format!("/proc/{id}/stat");
    let text = fs::read_to_string(&path).map_err(BenchError::io(format!("read {path}")))?;
    let ticks = ticks(&text).ok_or_else(|| BenchError::Wrong(format!("{path}: {text}")))?;
    let per_second = sysconf(SysconfVar::CLK_TCK).ok().flatten();
    let per_second = per_second.and_then(|ticks| u64::try_from(ticks).ok());
    Ok(Duration::from_millis(
        ticks * 1000 / per_second.unwrap_or(100).max(1),
    ))
}

/// Returns the sum of `utime` and `stime`, fields 14 and 15 in proc(5). Field 2, the name of the program, may
/// contain spaces and parentheses.
fn ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut times = fields.split(' ').skip(11).map(str::parse::<u64>);
    Some(times.next()?.ok()? + times.next()?.ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_reads_names_with_parentheses() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194304 100 0 0 0 25 17 3 4 20 0 1 0 5 6 7";
        assert_eq!(ticks(stat), Some(42));
        assert_eq!(ticks("7 (a) S 1"), None);
    }

    #[test]
    fn cpu_time_of_a_process_grows_with_its_work() {
        let own = std::process::id();
        let before = OtherCpuTime::now(&[own, own]).unwrap();
        let mut sum = 0_u64;
        while usage(UsageWho::RUSAGE_SELF).unwrap() < before.bench + Duration::from_millis(60) {
            sum = std::hint::black_box(sum + 1);
        }
        let work = OtherCpuTime::now(&[own, own]).unwrap().since(before);
        assert!(work.bench >= Duration::from_millis(60), "{work:?}");
        assert!(work.registries >= Duration::from_millis(60), "{work:?}");
    }
}
