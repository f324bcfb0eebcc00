//! The decision of the policy about images at their sources.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use chrono::{DateTime, SecondsFormat, Utc};
use copier::{ArrivingImage, AttachedContent, Gate, GateError, Rejection, Row};
use futures::future::{FutureExt, LocalBoxFuture};
use image_name::{Digest, RepositoryName, Tag, full_repository};
use oci_spec::distribution::Reference;
use once_map::OnceMap;
use registry_client::{Error, Manifest, Repository};
use serde::{Deserialize, Serialize};
use signatures::{
    Decision, Evidence, ExaminedSignature, Requirement, Rule, SignedImage, TrustRoot, Verification,
    describe, verify,
};

use super::evidence::{EvidenceReader, EvidenceSource};
use super::signed_children::{SignedChildren, runnable_attestation};
use crate::cli::failure::Failure;
use crate::files::policy_file::{self, PolicyFile};
use crate::session::Session;

/// An image as its source names it, with the tag that patterns and classic signatures may name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct SourceImage {
    /// The repository at the source.
    pub(crate) repository: RepositoryName,
    /// The tag, if the image is not named by its digest alone.
    pub(crate) tag: Option<Tag>,
}

/// The decisions of a policy, each made once.
#[derive(Debug)]
pub(crate) struct SignatureCheck {
    file: PolicyFile,
    root: Arc<TrustRoot>,
    decided: OnceMap<(SourceImage, Digest), Decided>,
}

/// The decision about one image.
#[derive(Debug, Clone)]
pub(crate) enum Decided {
    /// The policy accepts it without a signature.
    Unsigned,
    /// The image has the required signatures.
    Signed(Arc<Verification>),
    /// The image does not satisfy the policy.
    Rejected(Arc<RejectedImage>),
}

/// An image that does not satisfy the policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RejectedImage {
    /// The rule, with its place in the policy file.
    pub(crate) rule: String,
    /// The requirement of the rule.
    pub(crate) requirement: String,
    /// The result of the verification.
    pub(crate) found: String,
    /// Each examined signature with the cause for which it does not count.
    pub(crate) examined: Vec<ExaminedSignature>,
}

/// The signature of an image, in reports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ReportVerification {
    /// The identity in the certificate, or the fingerprints of the keys.
    pub(crate) signed_by: String,
    /// The OpenID Connect issuer of the certificate; `null` for keys.
    pub(crate) issuer: Option<String>,
    /// The time at which the signature was logged, RFC 3339 in UTC; `null` for one that is not logged.
    pub(crate) logged_at: Option<String>,
    /// The form of the signature.
    pub(crate) format: String,
    /// The manifests of an index that are signed in its place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, schemars(with = "Vec<String>"))]
    pub(crate) children: Vec<Digest>,
}

impl SourceImage {
    /// Returns the name of the image behind a reference; `None` for one without a valid name.
    pub(crate) fn of(reference: &Reference) -> Option<Self> {
        Some(Self {
            repository: full_repository(reference).parse().ok()?,
            tag: reference.tag().and_then(|tag| tag.parse().ok()),
        })
    }
}

impl std::fmt::Display for SourceImage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.tag {
            Some(tag) => write!(f, "{}:{tag}", self.repository.full()),
            None => f.write_str(&self.repository.full()),
        }
    }
}

impl std::fmt::Display for RejectedImage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            rule,
            requirement,
            found,
            ..
        } = self;
        write!(f, "does not satisfy {rule}, which {requirement}: {found}")
    }
}

impl From<&Verification> for ReportVerification {
    fn from(verification: &Verification) -> Self {
        let logged_at = verification.logged_at.map(|logged_at| {
            DateTime::<Utc>::from(logged_at).to_rfc3339_opts(SecondsFormat::Secs, true)
        });
        Self {
            signed_by: verification.signed_by.clone(),
            issuer: verification.issuer.clone(),
            logged_at,
            format: verification.format.to_string(),
            children: verification.children.clone(),
        }
    }
}

/// `signed by IDENTITY (issuer ISSUER, logged TIME, FORM)`.
impl std::fmt::Display for ReportVerification {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "signed by {} (", self.signed_by)?;
        if let Some(issuer) = &self.issuer {
            write!(f, "issuer {issuer}, ")?;
        }
        if let Some(logged_at) = &self.logged_at {
            write!(f, "logged {logged_at}, ")?;
        }
        f.write_str(&self.format)?;
        if !self.children.is_empty() {
            write!(f, ", by its {} manifests", self.children.len())?;
        }
        f.write_str(")")
    }
}

impl SignatureCheck {
    /// Returns the check of the policy of lists; `None` if there is no policy.
    ///
    /// # Errors
    ///
    /// [`Failure`] for a policy or a trusted root that cannot be used.
    pub(crate) fn read(session: &Session, lists: &[PathBuf]) -> Result<Option<Arc<Self>>, Failure> {
        let file = policy_file::require_valid(&session.common, &session.environment, lists)?;
        let Some(file) = file else {
            return Ok(None);
        };
        let root = Arc::new(policy_file::trust_root(&session.common)?);
        Ok(Some(Arc::new(Self::new(file, root))))
    }

    /// Creates the check of a policy.
    pub(crate) fn new(file: PolicyFile, root: Arc<TrustRoot>) -> Self {
        Self {
            file,
            root,
            decided: OnceMap::default(),
        }
    }

    /// Returns the decision about an image that needs no request.
    pub(crate) fn without_signature(&self, image: &SourceImage) -> Option<Decided> {
        let rule = self.rule(image);
        match rule.decision() {
            Decision::Unsigned => Some(Decided::Unsigned),
            Decision::Reject => {
                let rejected = self.rejected(rule, "the policy rejects the image".to_owned());
                Some(Decided::Rejected(Arc::new(rejected)))
            }
            Decision::Signed(_) => None,
        }
    }

    /// Returns the decision about an image, `manifest` of which is at `source`.
    ///
    /// # Errors
    ///
    /// [`Error`] if a request fails, so that there is no decision.
    pub(crate) async fn decide(
        &self,
        image: &SourceImage,
        source: &impl EvidenceSource,
        manifest: &Manifest,
    ) -> Result<Decided, Error> {
        if let Some(decided) = self.without_signature(image) {
            return Ok(decided);
        }
        let key = (image.clone(), manifest.digest.clone());
        let decide = || Box::pin(self.verify(image, source, manifest));
        self.decided.get_or_try_init(key, decide).await
    }

    /// Returns the decision about an image with a digest at a location, whose manifest is read only if the policy
    /// needs it.
    ///
    /// # Errors
    ///
    /// As [`SignatureCheck::decide`].
    pub(crate) async fn decide_at(
        &self,
        image: &SourceImage,
        location: &Repository,
        digest: &Digest,
    ) -> Result<Decided, Error> {
        if let Some(decided) = self.without_signature(image) {
            return Ok(decided);
        }
        let decide = async || match location.manifest(digest).await? {
            Some(manifest) => self.decide(image, location, &manifest).await,
            None => {
                let found = format!("{location} has no manifest {digest}");
                let rejected = self.rejected(self.rule(image), found);
                Ok(Decided::Rejected(Arc::new(rejected)))
            }
        };
        location.with_document_memory(decide).await
    }

    /// Returns the decision about the copy of an image at another location, from what is attached to it there.
    ///
    /// # Errors
    ///
    /// As [`SignatureCheck::decide`].
    pub(crate) async fn decide_copy(
        &self,
        image: &SourceImage,
        copy: &Repository,
        digest: &Digest,
    ) -> Result<Decided, Error> {
        if let Some(decided) = self.without_signature(image) {
            return Ok(decided);
        }
        let decide = async || match copy.manifest(digest).await? {
            Some(manifest) => self.verify(image, copy, &manifest).await,
            None => {
                let found = format!("{copy} has no manifest {digest}");
                let rejected = self.rejected(self.rule(image), found);
                Ok(Decided::Rejected(Arc::new(rejected)))
            }
        };
        copy.with_document_memory(decide).await
    }

    /// Returns the signature of an image that was verified before.
    pub(crate) fn verification(
        &self,
        reference: &Reference,
        digest: &Digest,
    ) -> Option<ReportVerification> {
        let image = SourceImage::of(reference)?;
        match self.decided.get(&(image, digest.clone()))? {
            Decided::Signed(verification) => Some(ReportVerification::from(&*verification)),
            Decided::Unsigned | Decided::Rejected(_) => None,
        }
    }

    async fn verify(
        &self,
        image: &SourceImage,
        source: &impl EvidenceSource,
        manifest: &Manifest,
    ) -> Result<Decided, Error> {
        let rule = self.rule(image);
        let Decision::Signed(requirements) = rule.decision() else {
            return Ok(Decided::Unsigned);
        };
        let attestations = requirements.iter().flat_map(|it| &it.attestations);
        let types = attestations.map(|attestation| attestation.predicate_type.as_str());
        let reader = EvidenceReader::new(source, types.collect());
        let mut signed = SignedImage {
            repository: image.repository.clone(),
            tag: image.tag.clone(),
            digest: manifest.digest.clone(),
            children: Vec::new(),
        };
        let mut evidence = reader.of_manifest(&manifest.digest).await?;
        add_manifest(&mut evidence, manifest);
        let is_attached = !evidence.signatures.is_empty() || !evidence.bundles.is_empty();
        if !is_attached && evidence.gap.is_none() {
            let children = SignedChildren::from_index(manifest);
            for attestation in &children.attestations {
                if let Some(found) = runnable_attestation(source, attestation).await? {
                    return Ok(Decided::Rejected(Arc::new(self.rejected(rule, found))));
                }
            }
            signed.children = children.runnable;
            let mut of_children = reader.of_manifests(&signed.children).await?;
            for bundle in std::mem::take(&mut of_children.bundles) {
                let child = source.manifest_of(&bundle.subject).await?;
                if let Some(child) = &child {
                    add_manifest(&mut evidence, child);
                }
                evidence.bundles.push(bundle);
            }
            evidence.signatures = of_children.signatures;
            evidence.attestations.extend(of_children.attestations);
            evidence.gap = of_children.gap;
        }
        Ok(self.verdict(rule, requirements, &signed, &evidence))
    }

    /// Returns the decision about an image whose evidence was read.
    fn verdict(
        &self,
        rule: &Rule,
        requirements: &[Requirement],
        signed: &SignedImage,
        evidence: &Evidence,
    ) -> Decided {
        let now = SystemTime::now();
        let mut first = None;
        for requirement in requirements {
            match verify(signed, evidence, requirement, &self.root, now) {
                Ok(verification) => {
                    first.get_or_insert(verification);
                }
                Err(refusal) => {
                    return Decided::Rejected(Arc::new(RejectedImage {
                        found: refusal.to_string(),
                        examined: refusal.examined,
                        ..self.rejected(rule, String::new())
                    }));
                }
            }
        }
        match first {
            Some(first) => Decided::Signed(Arc::new(first)),
            None => {
                let found = "the rule requires nothing of its signatures".to_owned();
                Decided::Rejected(Arc::new(self.rejected(rule, found)))
            }
        }
    }

    fn rejected(&self, rule: &Rule, found: String) -> RejectedImage {
        RejectedImage {
            rule: format!("{rule} in {}:{}", self.file.name, rule.line()),
            requirement: describe(rule),
            found,
            examined: Vec::new(),
        }
    }

    fn rule(&self, image: &SourceImage) -> &Rule {
        let policy = &self.file.policy;
        policy.rule(&image.repository, image.tag.as_ref())
    }
}

impl Gate for SignatureCheck {
    fn admit<'a>(
        &'a self,
        image: &'a ArrivingImage<'a>,
    ) -> LocalBoxFuture<'a, Result<(), GateError>> {
        async move {
            let reference = &image.row().source;
            let Some(name) = SourceImage::of(reference) else {
                let message = format!(
                    "{reference} is an image file, and a policy applies to registries only"
                );
                let hint = "copy it with --no-policy, if you trust the file".to_owned();
                return Err(rejection(message, Some(hint)));
            };
            let decided = self.decide(&name, image, image.manifest()).await;
            match decided.map_err(GateError::Read)? {
                Decided::Unsigned | Decided::Signed(_) => Ok(()),
                Decided::Rejected(rejected) => {
                    let hint = hint(&name, &rejected);
                    Err(rejection(rejected.to_string(), Some(hint)))
                }
            }
        }
        .boxed_local()
    }

    fn attached(&self, row: &Row) -> AttachedContent {
        let Some(name) = SourceImage::of(&row.source) else {
            return AttachedContent::Nothing;
        };
        match self.rule(&name).decision() {
            Decision::Unsigned => AttachedContent::All,
            Decision::Signed(_) => AttachedContent::Documents,
            Decision::Reject => AttachedContent::Nothing,
        }
    }
}

fn rejection(message: String, hint: Option<String>) -> GateError {
    GateError::Rejected(Rejection { message, hint })
}

/// Returns the next step for an image that does not satisfy the policy.
pub(crate) fn hint(image: &SourceImage, rejected: &RejectedImage) -> String {
    match rejected.examined.is_empty() {
        true => {
            "ask the publisher for a signature, or change the policy in a reviewed pull request"
                .to_owned()
        }
        false => format!("list the examined signatures with `mirror verify {image}`"),
    }
}

/// Adds the bytes of a manifest, which a bundle may have signed.
fn add_manifest(evidence: &mut Evidence, manifest: &Manifest) {
    let bytes = manifest.bytes.to_vec();
    evidence.manifests.insert(manifest.digest.clone(), bytes);
}

#[cfg(test)]
mod tests {
    use signatures::Policy;

    use super::*;

    #[test]
    fn rule_without_requirements_rejects() {
        let no_key = &mut |_: &str| Err(String::new());
        let policy = Policy::parse("{\"images\": []}", no_key).unwrap();
        let name = "policy.json".to_owned();
        let root = Arc::new(TrustRoot::embedded().unwrap());
        let check = SignatureCheck::new(PolicyFile { name, policy }, root);
        let signed = SignedImage {
            repository: "quay.io/a".parse().unwrap(),
            tag: None,
            digest: format!("sha256:{}", "0".repeat(64)).parse().unwrap(),
            children: Vec::new(),
        };
        let rule = check.file.policy.rule(&signed.repository, None);
        let decided = check.verdict(rule, &[], &signed, &Evidence::default());
        assert!(matches!(decided, Decided::Rejected(_)), "{decided:?}");
    }
}
