//! Whose work the processors did: the reason for a wall time that no client can better.

use std::fs;
use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;
use nix::unistd::{SysconfVar, sysconf};

use crate::failure::Failure;

/// User and system time of those who are there before a tool runs and after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Others {
    /// Of the registries.
    pub(crate) registries: Duration,
    /// Of this process: the relays, and watching the tool.
    pub(crate) bench: Duration,
}

impl Others {
    /// Up to now, the registries being these processes.
    pub(crate) fn now(registries: [u32; 2]) -> Result<Self, Failure> {
        let [source, destination] = registries.map(of_process);
        Ok(Self {
            registries: source? + destination?,
            bench: usage(UsageWho::RUSAGE_SELF)?,
        })
    }

    /// What was added since.
    pub(crate) fn since(self, before: Self) -> Self {
        Self {
            registries: self.registries.saturating_sub(before.registries),
            bench: self.bench.saturating_sub(before.bench),
        }
    }
}

/// Of all children that were waited for, and theirs.
pub(crate) fn ended_children() -> Result<Duration, Failure> {
    usage(UsageWho::RUSAGE_CHILDREN)
}

fn usage(who: UsageWho) -> Result<Duration, Failure> {
    let usage = getrusage(who).map_err(|error| Failure::io("getrusage")(error.into()))?;
    let duration = |time: TimeVal| {
        let micros = time.tv_sec() * 1_000_000 + time.tv_usec();
        Duration::from_micros(micros.unsigned_abs())
    };
    Ok(duration(usage.user_time()) + duration(usage.system_time()))
}

/// Of a running process, in steps of a hundredth of a second; Linux only.
fn of_process(id: u32) -> Result<Duration, Failure> {
    let path = format!("/proc/{id}/stat");
    let text = fs::read_to_string(&path).map_err(Failure::io(format!("read {path}")))?;
    let ticks = ticks(&text).ok_or_else(|| Failure::Wrong(format!("{path}: {text}")))?;
    let a_second = sysconf(SysconfVar::CLK_TCK).ok().flatten();
    let a_second = a_second.and_then(|ticks| u64::try_from(ticks).ok());
    Ok(Duration::from_millis(
        ticks * 1000 / a_second.unwrap_or(100).max(1),
    ))
}

/// `utime` and `stime`, the 14th and 15th field of proc(5). The second, the program's name, may have
/// blanks and brackets.
fn ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut times = fields.split(' ').skip(11).map(str::parse::<u64>);
    Some(times.next()?.ok()? + times.next()?.ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_hides_no_field() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194304 100 0 0 0 25 17 3 4 20 0 1 0 5 6 7";
        assert_eq!(ticks(stat), Some(42));
        assert_eq!(ticks("7 (a) S 1"), None);
    }

    #[test]
    fn work_of_a_process_is_seen() {
        let own = std::process::id();
        let before = Others::now([own, own]).unwrap();
        let mut sum = 0_u64;
        while usage(UsageWho::RUSAGE_SELF).unwrap() < before.bench + Duration::from_millis(60) {
            sum = std::hint::black_box(sum + 1);
        }
        let work = Others::now([own, own]).unwrap().since(before);
        assert!(work.bench >= Duration::from_millis(60), "{work:?}");
        assert!(work.registries >= Duration::from_millis(60), "{work:?}");
    }
}
