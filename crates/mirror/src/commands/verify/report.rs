//! The output of `verify`.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use crate::cli::exit::Exit;
use crate::cli::failure::Finding;
use crate::registries::signature_check::{
    Decided, RejectedImage, ReportVerification, SourceImage, hint,
};
use crate::terminal::markdown::cell;
use crate::terminal::units::counted;

/// The images with the decisions about them.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct VerifiedImages {
    /// The sums.
    summary: VerifySums,
    /// The images, in the order of the arguments or of the list.
    images: Vec<VerifiedImage>,
}

/// The sums.
#[derive(Debug, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct VerifySums {
    /// The images.
    images: usize,
    /// Those with the required signatures.
    verified: usize,
    /// Those that the policy accepts without a signature.
    unsigned: usize,
    /// Those with a signature, where there is no requirement.
    signed: usize,
    /// Those that do not satisfy the policy.
    rejected: usize,
    /// Those without a decision.
    error: usize,
}

/// The decision about one image.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct VerifiedImage {
    /// The full name, with a tag or digest.
    pub(super) image: String,
    /// The digest whose signatures were checked; `null` if it is unknown.
    pub(super) digest: Option<String>,
    /// The decision.
    pub(super) status: VerifyStatus,
    /// The signature; `null` if none counts.
    pub(super) verification: Option<ReportVerification>,
    /// The requirement that is not satisfied, with what was found, or the cause of an error; `null` otherwise.
    pub(super) message: Option<String>,
    /// A next step; `null` if there is none.
    pub(super) hint: Option<String>,
    /// Each examined signature that does not count, with the cause.
    pub(super) examined: Vec<String>,
    /// The decision against the image.
    #[serde(skip)]
    pub(super) rejected: Option<Arc<RejectedImage>>,
    /// A registry refused the credentials.
    #[serde(skip)]
    pub(super) is_refused: bool,
    /// The place of the row in its list.
    #[serde(skip)]
    pub(super) finding: Option<Finding>,
}

/// The decision about an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(super) enum VerifyStatus {
    /// The image has the required signatures.
    Verified,
    /// The policy accepts the image without a signature.
    Unsigned,
    /// The image has a signature, and there is no requirement.
    Signed,
    /// The image does not satisfy the policy, or has no signature at all.
    Rejected,
    /// There is no decision.
    Error,
}

impl VerifyStatus {
    fn word(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Unsigned => "unsigned",
            Self::Signed => "signed",
            Self::Rejected => "rejected",
            Self::Error => "error",
        }
    }
}

impl VerifiedImages {
    /// Creates the result.
    pub(super) fn new(images: Vec<VerifiedImage>) -> Self {
        let count = |status| images.iter().filter(|image| image.status == status).count();
        let summary = VerifySums {
            images: images.len(),
            verified: count(VerifyStatus::Verified),
            unsigned: count(VerifyStatus::Unsigned),
            signed: count(VerifyStatus::Signed),
            rejected: count(VerifyStatus::Rejected),
            error: count(VerifyStatus::Error),
        };
        Self { summary, images }
    }

    /// Returns the exit code: refused if every failure is refused credentials.
    pub(super) fn exit(&self) -> Exit {
        let failed = self.summary.rejected + self.summary.error;
        let refused = self.images.iter().filter(|image| image.is_refused).count();
        match failed {
            0 => Exit::Done,
            _ if failed == refused => Exit::Refused,
            _ => Exit::Failed,
        }
    }

    /// Returns a finding for each row that does not satisfy the policy or has no decision.
    pub(super) fn findings(&self) -> Vec<Finding> {
        let findings = self.images.iter();
        findings.filter_map(|image| image.finding.clone()).collect()
    }

    /// Returns the Markdown for the step summary of GitHub Actions.
    pub(super) fn summary_table(&self) -> String {
        /// Maximum lines in a step summary, which GitHub limits to 1 MiB.
        const LINES: usize = 500;
        let mut text = format!(
            "### mirror verify\n\n{}\n\n| | image | |\n| --- | --- | --- |\n",
            self.totals()
        );
        for image in self.images.iter().take(LINES) {
            let detail = image.detail().unwrap_or_default();
            let word = image.status.word();
            text += &format!("| {word} | {} | {} |\n", cell(&image.image), cell(&detail));
        }
        text + "\n"
    }

    fn totals(&self) -> String {
        let sums = &self.summary;
        let mut parts = Vec::new();
        for (count, label) in [
            (sums.verified, "verified"),
            (sums.unsigned, "accepted without a signature"),
            (sums.signed, "signed"),
            (sums.rejected, "rejected"),
            (sums.error, "without a decision"),
        ] {
            if count > 0 {
                parts.push(format!("{count} {label}"));
            }
        }
        let images = counted(sums.images, "image");
        match parts.is_empty() {
            true => images,
            false => format!("{images}: {}", parts.join(", ")),
        }
    }
}

impl VerifiedImage {
    /// Creates the result for an image about which nothing is known.
    pub(super) fn new(image: String) -> Self {
        Self {
            image,
            digest: None,
            status: VerifyStatus::Error,
            verification: None,
            message: None,
            hint: None,
            examined: Vec::new(),
            rejected: None,
            is_refused: false,
            finding: None,
        }
    }

    /// Sets the decision.
    pub(super) fn decide(&mut self, name: &SourceImage, decided: Decided) {
        match decided {
            Decided::Unsigned => self.status = VerifyStatus::Unsigned,
            Decided::Signed(verification) => {
                self.status = VerifyStatus::Verified;
                self.verification = Some(ReportVerification::from(&*verification));
            }
            Decided::Rejected(rejected) => {
                self.status = VerifyStatus::Rejected;
                self.message = Some(rejected.to_string());
                self.hint = rejected.examined.is_empty().then(|| hint(name, &rejected));
                let examined = rejected.examined.iter();
                self.examined = examined.map(ToString::to_string).collect();
                self.rejected = Some(rejected);
            }
        }
    }

    /// Returns the signer, or the reason why there is none.
    fn detail(&self) -> Option<String> {
        let signer = self.verification.as_ref().map(ToString::to_string);
        signer.or_else(|| self.message.clone())
    }
}

impl fmt::Display for VerifiedImages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for image in &self.images {
            writeln!(f, "{:<9}  {}", image.status.word(), image.image)?;
            if let Some(detail) = image.detail() {
                writeln!(f, "           {detail}")?;
            }
            for examined in &image.examined {
                writeln!(f, "             {examined}")?;
            }
            if let Some(hint) = &image.hint {
                writeln!(f, "           hint: {hint}")?;
            }
        }
        writeln!(f, "{}", self.totals())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminal::document_schema;

    #[test]
    fn document_has_the_schema_of_the_documentation() {
        document_schema::assert_documented::<VerifiedImages>("verify");
    }

    #[test]
    fn exit_is_refused_only_if_all_failures_are() {
        let image = |status, is_refused| VerifiedImage {
            status,
            is_refused,
            ..VerifiedImage::new("r.io/a:1".to_owned())
        };
        use VerifyStatus::{Error, Rejected, Unsigned, Verified};
        for (images, want) in [
            (vec![], Exit::Done),
            (vec![(Verified, false), (Unsigned, false)], Exit::Done),
            (vec![(Verified, false), (Rejected, false)], Exit::Failed),
            (vec![(Error, true), (Verified, false)], Exit::Refused),
            (vec![(Error, true), (Rejected, false)], Exit::Failed),
        ] {
            let images = images.into_iter();
            let images = images.map(|(status, is_refused)| image(status, is_refused));
            assert_eq!(VerifiedImages::new(images.collect()).exit(), want);
        }
    }
}
