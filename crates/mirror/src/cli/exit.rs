//! The exit codes.

use std::process::ExitCode;

/// The exit status of a command. The order is the precedence: if several apply, the process exits
/// with the greatest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    /// Success; a check found nothing.
    Done,
    /// Some rows or entries failed, or a check found something.
    Failed,
    /// All rows failed (`sync`, `copy` and `export` only).
    AllFailed,
    /// Every failure is refused credentials.
    Refused,
    /// A usage error, or a list or configuration that cannot be read. No request was sent.
    Unusable,
    /// A signal ended the command. Rows in progress were finished or abandoned cleanly.
    Interrupted,
}

/// The table of exit codes in `--help`.
pub(crate) const HELP: &str = "\
Exit codes:
    0  success; a check found nothing
    1  some rows or entries failed, or a check found something
    2  usage error, or a list, lock or configuration that cannot be read
    3  all rows failed (sync, copy and export)
    4  every failure is refused credentials
  130  interrupted
If several apply, the first in this order wins: 130, 2, 4, 3, 1.";

impl Exit {
    /// Returns the number.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Unusable => 2,
            Self::AllFailed => 3,
            Self::Refused => 4,
            Self::Interrupted => 130,
        }
    }

    /// Returns the status of a run over `rows` rows. Of the `failed` rows, `refused` failed because a
    /// registry refused the credentials.
    pub(crate) fn from_rows(rows: usize, failed: usize, refused: usize) -> Self {
        match failed {
            0 => Self::Done,
            _ if refused == failed => Self::Refused,
            _ if failed == rows => Self::AllFailed,
            _ => Self::Failed,
        }
    }

    /// Returns the status of two parts of a run. Refused credentials are the status only if every failure is one.
    pub(crate) fn with(self, other: Self) -> Self {
        match (self, other) {
            (Self::Refused, Self::Failed) | (Self::Failed, Self::Refused) => Self::Failed,
            _ => self.max(other),
        }
    }

    /// Returns [`Exit::Failed`] if a check found something.
    pub(crate) fn from_findings(has_findings: bool) -> Self {
        if has_findings {
            Self::Failed
        } else {
            Self::Done
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exits_are_ordered_by_precedence() {
        let by_precedence = [
            Exit::Interrupted,
            Exit::Unusable,
            Exit::Refused,
            Exit::AllFailed,
            Exit::Failed,
            Exit::Done,
        ];
        assert_eq!(by_precedence.map(Exit::code), [130, 2, 4, 3, 1, 0]);
        assert!(by_precedence.is_sorted_by(|a, b| a > b));
    }

    #[test]
    fn from_rows_tells_partial_total_and_refused_failures_apart() {
        // rows, failed, refused
        let table = [
            ((0, 0, 0), 0),
            ((3, 0, 0), 0),
            ((3, 1, 0), 1),
            ((3, 2, 1), 1),
            ((3, 3, 1), 3),
            ((3, 1, 1), 4),
            ((3, 3, 3), 4),
        ];
        for ((rows, failed, refused), code) in table {
            let exit = Exit::from_rows(rows, failed, refused);
            assert_eq!(
                exit.code(),
                code,
                "{failed} of {rows} failed, {refused} refused"
            );
        }
    }

    #[test]
    fn parts_of_a_run_are_refused_only_together() {
        use Exit::{Done, Failed, Interrupted, Refused};
        for (one, other, both) in [
            (Done, Refused, Refused),
            (Refused, Refused, Refused),
            (Failed, Refused, Failed),
            (Refused, Failed, Failed),
            (Interrupted, Refused, Interrupted),
        ] {
            assert_eq!(one.with(other), both, "{one:?} {other:?}");
        }
    }

    #[test]
    fn help_lists_every_exit_code() {
        for exit in [
            Exit::Done,
            Exit::Failed,
            Exit::Unusable,
            Exit::AllFailed,
            Exit::Refused,
            Exit::Interrupted,
        ] {
            let code = format!("{:>5}  ", exit.code());
            assert!(HELP.lines().any(|line| line.starts_with(&code)), "{code}");
        }
    }
}
