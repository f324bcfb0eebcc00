//! `--shard I/N`, and the shard of a pod of a Kubernetes Indexed Job.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::cli::environment::Environment;
use crate::cli::failure::Failure;

/// Maximum number of shards.
const MAX: usize = 1000;

/// A shard of a run, and the number of shards.
///
/// It is written `2/4` and counted from 1, as `CI_NODE_INDEX` of GitLab and `--partition` of nextest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Shard {
    of: usize,
    /// From 0, below `of`.
    index: usize,
}

/// The reason why a text is not a shard.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ShardError {
    /// It is not of the form I/N.
    #[error("write I/N, such as 1/4 for the first of four")]
    Form,
    /// The index is out of range.
    #[error("shards are counted from 1: 1/{of} to {of}/{of}")]
    Index {
        /// The number of shards.
        of: usize,
    },
    /// The number of shards is out of range.
    #[error("the number of shards must be between 1 and {MAX}")]
    Number,
}

impl Shard {
    /// Returns all shards of a run with this number of shards.
    pub(crate) fn all(of: usize) -> impl Iterator<Item = Self> {
        (0..of.min(MAX)).map(move |index| Self { of, index })
    }

    /// Returns the index, counted from 0.
    pub(crate) fn index(self) -> usize {
        self.index
    }

    /// Returns the number of shards.
    pub(crate) fn count(self) -> usize {
        self.of
    }

    /// Returns the shard of the flag, or else of the pod of an Indexed Job.
    ///
    /// Kubernetes sets `JOB_COMPLETION_INDEX`, counted from 0; the manifest of the Job sets
    /// `JOB_COMPLETIONS`. If one of them is missing, a warning is logged and there is no shard.
    ///
    /// # Errors
    ///
    /// [`Failure`] for variables without a valid shard.
    pub(crate) fn from_flag_or_job(
        flag: Option<Self>,
        environment: &Environment,
    ) -> Result<Option<Self>, Failure> {
        if flag.is_some() {
            return Ok(flag);
        }
        let (index, of) = (&environment.job_index, &environment.job_completions);
        let (index, of) = match (index, of) {
            (Some(index), Some(of)) => (index, of),
            (None, None) => return Ok(None),
            (set, _) => {
                let (set, missing) = match set {
                    Some(_) => ("JOB_COMPLETION_INDEX", "JOB_COMPLETIONS"),
                    None => ("JOB_COMPLETIONS", "JOB_COMPLETION_INDEX"),
                };
                tracing::warn!("{set} is set and {missing} is not: all rows are selected");
                return Ok(None);
            }
        };
        Self::of_job(index, of).map(Some).ok_or_else(|| {
            Failure::unusable(format!(
                "JOB_COMPLETION_INDEX={index} is not a shard of JOB_COMPLETIONS={of}"
            ))
            .hint(
                "set JOB_COMPLETIONS to the `completions` of the Indexed Job, and \
                 JOB_COMPLETION_INDEX to a number from 0 below it, or unset both"
                    .to_owned(),
            )
        })
    }

    fn of_job(index: &str, of: &str) -> Option<Self> {
        let (index, of) = (index.parse().ok()?, of.parse().ok()?);
        (index < of && of <= MAX).then_some(Self { of, index })
    }
}

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (number, of) = text.split_once('/').ok_or(ShardError::Form)?;
        let parse = |text: &str| text.parse::<usize>().map_err(|_| ShardError::Form);
        let (number, of) = (parse(number)?, parse(of)?);
        if !(1..=MAX).contains(&of) {
            return Err(ShardError::Number);
        }
        match number.checked_sub(1).filter(|index| *index < of) {
            Some(index) => Ok(Self { of, index }),
            None => Err(ShardError::Index { of }),
        }
    }
}

impl Display for Shard {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index + 1, self.of)
    }
}

impl Serialize for Shard {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Shard {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    #[test]
    fn flag_counts_from_one() {
        for text in ["1/1", "1/4", "4/4", "1000/1000"] {
            assert_eq!(text.parse::<Shard>().unwrap().to_string(), text);
        }
        let table = [
            ("0/4", ShardError::Index { of: 4 }),
            ("5/4", ShardError::Index { of: 4 }),
            ("1/0", ShardError::Number),
            ("1/1001", ShardError::Number),
            ("1", ShardError::Form),
            ("1/4/4", ShardError::Form),
            ("-1/4", ShardError::Form),
            ("/", ShardError::Form),
        ];
        for (text, want) in table {
            assert_eq!(text.parse::<Shard>(), Err(want), "{text}");
        }
    }

    fn of_job(index: &str, of: &str, flag: Option<&str>) -> Result<Option<String>, Failure> {
        let get = |name: &str| match name {
            "JOB_COMPLETION_INDEX" => Some(OsString::from(index)),
            "JOB_COMPLETIONS" => Some(OsString::from(of)),
            _ => None,
        };
        let environment = Environment::read(get, &[]);
        let flag = flag.map(|flag| flag.parse().unwrap());
        let shard = Shard::from_flag_or_job(flag, &environment)?;
        Ok(shard.map(|shard| shard.to_string()))
    }

    #[test]
    fn pod_of_an_indexed_job_counts_from_zero() {
        assert_eq!(of_job("0", "4", None), Ok(Some("1/4".to_owned())));
        assert_eq!(of_job("3", "4", None), Ok(Some("4/4".to_owned())));
        assert_eq!(of_job("3", "4", Some("1/2")), Ok(Some("1/2".to_owned())));
        assert_eq!(
            of_job("3", "", None),
            Ok(None),
            "one variable is not enough"
        );
        assert_eq!(of_job("", "4", None), Ok(None));
        for (index, of) in [
            ("4", "4"),
            ("0", "0"),
            ("x", "4"),
            ("0", "4.0"),
            ("-1", "4"),
        ] {
            assert!(of_job(index, of, None).is_err(), "{index} of {of}");
        }
    }
}
