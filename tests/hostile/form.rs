//! Hostile forms of a text.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use testkit::CANARY;

/// A column of the matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Path,
    Query,
    EncodedPath,
    Escape,
    Newline,
    WorkflowCommand,
    SecretEcho,
    Oversize,
    Cycle,
    LookAlike,
}

pub(super) const FORMS: [Form; 10] = [
    Form::Path,
    Form::Query,
    Form::EncodedPath,
    Form::Escape,
    Form::Newline,
    Form::WorkflowCommand,
    Form::SecretEcho,
    Form::Oversize,
    Form::Cycle,
    Form::LookAlike,
];

/// The user whose password the registries of a cell get.
pub(super) const USER: &str = "robot";

/// More than any name or message, less than the limit of a document.
pub(super) const OVERSIZE: usize = 300_000;

impl Form {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::EncodedPath => "encoded path",
            Self::Escape => "escape",
            Self::Newline => "newline",
            Self::WorkflowCommand => "workflow command",
            Self::SecretEcho => "secret echo",
            Self::Oversize => "oversize",
            Self::Cycle => "cycle",
            Self::LookAlike => "look-alike",
        }
    }

    /// Returns the text, `None` for a cycle, which depends on the string.
    pub(super) fn text(self) -> Option<String> {
        Some(match self {
            Self::Path => "../../../../victim/app/manifests/prod".to_owned(),
            Self::Query => "v1?mount=sha256:0&from=victim/app#prod".to_owned(),
            Self::EncodedPath => "%2e%2e%2f%2e%2e%2fvictim%2fapp%2fmanifests%2fprod".to_owned(),
            Self::Escape => "a\u{1b}[2J\u{1b}]0;x\u{7}\u{9b}31m\u{202e}b".to_owned(),
            Self::Newline => "a\r\n::error::x\n##[group]x\n".to_owned(),
            Self::WorkflowCommand => {
                "::error::x ##[group]x ##vso[task.setvariable variable=x]y".to_owned()
            }
            Self::SecretEcho => {
                let pair = BASE64_STANDARD.encode(format!("{USER}:{CANARY}"));
                format!("{CANARY} Basic {pair}")
            }
            Self::Oversize => "a".repeat(OVERSIZE),
            Self::Cycle => return None,
            Self::LookAlike => {
                "v\u{456}ctim/\u{430}pp\u{ff0f}\u{2024}\u{2024}\u{ff0f}prod".to_owned()
            }
        })
    }

    /// Returns true for a form that only a registry with credentials can send.
    pub(super) fn is_echo(self) -> bool {
        self == Self::SecretEcho
    }
}
