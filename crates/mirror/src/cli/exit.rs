//! The exit codes: the one table.

use std::process::ExitCode;

/// How a run ended. The order is the precedence: where several fit, the
/// greatest is what the process exits with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    /// Everything is done, nothing was found.
    Done,
    /// Some rows or entries failed, or a check found something.
    Failed,
    /// All rows failed (`sync` and `copy` only).
    AllFailed,
    /// Every failure is refused credentials.
    Refused,
    /// Usage, or a list or config that cannot be read: nothing was sent.
    Unusable,
    /// Interrupted, after finishing or abandoning cleanly.
    Interrupted,
}

/// The table, as `--help` shows it.
pub(crate) const HELP: &str = "\
Exit codes:
    0  done
    1  some rows or entries failed, or a check found something
    2  wrong usage, or a list or config that cannot be read
    3  all rows failed (sync and copy)
    4  every failure is refused credentials
  130  interrupted
Where several fit: 130, then 2, 4, 3, 1.";

impl Exit {
    /// The number.
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

    /// The code of a run over rows, `refused` of its `failed` rows being
    /// refused credentials.
    pub(crate) fn from_rows(rows: usize, failed: usize, refused: usize) -> Self {
        match failed {
            0 => Self::Done,
            _ if refused == failed => Self::Refused,
            _ if failed == rows => Self::AllFailed,
            _ => Self::Failed,
        }
    }

    /// `Failed` where a check found something.
    pub(crate) fn from_findings(found: bool) -> Self {
        if found { Self::Failed } else { Self::Done }
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
    fn where_several_fit_the_contract_decides() {
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
    fn rows_decide_the_code() {
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
    fn help_names_every_code() {
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
