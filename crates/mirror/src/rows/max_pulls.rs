//! The maximum number of pulls from a registry, `HOST=N`.

use std::collections::BTreeSet;
use std::str::FromStr;

use registry_client::Client;

use super::run_row::RunRow;

/// Maximum hosts that a warning names.
const SHOWN_HOSTS: usize = 5;

/// The maximum number of manifests that a run reads from a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MaxPulls {
    /// The host as in image names.
    pub(crate) host: String,
    pub(crate) pulls: u64,
}

/// An invalid maximum.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected HOST=N with a whole number, such as docker.io=50")]
pub(crate) struct MaxPullsError;

impl FromStr for MaxPulls {
    type Err = MaxPullsError;

    fn from_str(text: &str) -> Result<Self, MaxPullsError> {
        let (host, pulls) = text.split_once('=').ok_or(MaxPullsError)?;
        let allowed = |c: char| c.is_ascii_alphanumeric() || ".-:[]".contains(c);
        if host.is_empty() || !host.chars().all(allowed) {
            return Err(MaxPullsError);
        }
        let host = if image_name::is_docker_hub(host) {
            "docker.io"
        } else {
            host
        };
        Ok(Self {
            host: host.to_owned(),
            pulls: pulls.parse().map_err(|_| MaxPullsError)?,
        })
    }
}

/// Warns of each maximum whose host is that of no row, after registries.conf: the quota of the intended
/// host would be spent.
pub(crate) fn warn_of_unused(maximums: &[MaxPulls], client: &Client, rows: &[RunRow]) {
    if maximums.is_empty() {
        return;
    }
    let hosts: BTreeSet<String> = rows
        .iter()
        .flat_map(|row| client.sources(&row.row.source).unwrap_or_default())
        .map(|source| source.host_name().to_owned())
        .collect();
    for MaxPulls { host, pulls } in maximums {
        if !hosts.contains(host) && !hosts.is_empty() {
            let read = hosts.iter().take(SHOWN_HOSTS).cloned().collect::<Vec<_>>();
            let more = match hosts.len().checked_sub(SHOWN_HOSTS) {
                None | Some(0) => String::new(),
                Some(more) => format!(" and {more} more"),
            };
            tracing::warn!(
                "--max-pulls {host}={pulls} has no effect: no row reads from {host}; rows read from {}{more}",
                read.join(", ")
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maximum_has_a_host_and_a_whole_number() {
        let table = [
            ("docker.io=50", Some(("docker.io", 50))),
            ("registry-1.docker.io=0", Some(("docker.io", 0))),
            ("localhost:5000=1", Some(("localhost:5000", 1))),
            ("docker.io", None),
            ("=5", None),
            ("docker.io=", None),
            ("docker.io=-1", None),
            ("docker.io=1.5", None),
            ("docker.io/library=5", None),
        ];
        for (text, want) in table {
            let parsed = text.parse::<MaxPulls>().ok();
            let parsed = parsed.as_ref().map(|max| (max.host.as_str(), max.pulls));
            assert_eq!(parsed, want, "{text}");
        }
    }
}
