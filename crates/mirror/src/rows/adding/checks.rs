//! Checks of the images of a request at their registries.

use std::collections::HashMap;

use image_name::{RepositoryName, full_repository};
use images_list::{ApprovedDigest, Row};

use super::{AddProblem, Plan, Verdict};
use crate::registries::availability::{
    Availability, AvailabilityChecker, ImageTag, created_destination, missing_destination,
};
use crate::registries::signature_check::ReportVerification;

/// The results of the checks so far.
#[derive(Debug, Default)]
pub(crate) struct Checks {
    /// The rows are added to a list with a lock, so that the digests attached to their images are
    /// needed.
    approves: bool,
    images: HashMap<ImageTag, Availability<ApprovedDigest>>,
    /// The signatures of images, where a policy requires them.
    verified: HashMap<ImageTag, ReportVerification>,
    repositories: HashMap<RepositoryName, Availability>,
}

/// The checks of one image.
#[derive(Debug, Default)]
pub(crate) struct CheckResult {
    /// Reasons against adding it; `true` for refused credentials.
    pub(crate) problems: Vec<(AddProblem, bool)>,
    /// Checks without a result.
    pub(crate) warnings: Vec<String>,
}

impl Checks {
    /// Creates checks that have not run.
    pub(crate) fn new(approves: bool) -> Self {
        Self {
            approves,
            ..Self::default()
        }
    }

    /// Runs the checks that the plan needs and that have not run yet, concurrently.
    pub(crate) async fn complete(&mut self, checker: &AvailabilityChecker, plan: &Plan) {
        let unchecked: Vec<ImageTag> = self.unchecked(plan).cloned().collect();
        let unchecked_repositories: Vec<_> = self.unchecked_repositories(plan).cloned().collect();
        let images = async {
            match self.approves {
                true => checker.approvals(unchecked).await,
                false => checker.images(unchecked).await,
            }
        };
        let repositories = checker.repositories(unchecked_repositories);
        let (images, repositories) = futures::join!(images, repositories);
        let verified = images.keys().filter_map(|image| {
            let verification = checker.verification(image)?;
            Some((image.clone(), verification))
        });
        self.verified.extend(verified);
        self.images.extend(images);
        self.repositories.extend(repositories);
    }

    /// Reports whether every check that the plan needs has run.
    pub(crate) fn cover(&self, plan: &Plan) -> bool {
        self.unchecked(plan).next().is_none() && self.unchecked_repositories(plan).next().is_none()
    }

    /// Returns the digest of a row's source, where the source has the tag.
    pub(crate) fn approved(&self, row: &Row) -> Option<&ApprovedDigest> {
        match self.images.get(&ImageTag::from(row)) {
            Some(Availability::Found(approved)) => Some(approved),
            _ => None,
        }
    }

    /// Returns the signature of a row's image, where a policy requires one.
    pub(crate) fn verification(&self, row: &Row) -> Option<&ReportVerification> {
        self.verified.get(&ImageTag::from(row))
    }

    /// Returns the images of the plan that need a check and have none.
    fn unchecked<'a>(&'a self, plan: &'a Plan) -> impl Iterator<Item = &'a ImageTag> {
        let needed = plan
            .verdicts
            .iter()
            .filter(|(_, verdict)| needs_check(verdict));
        let images = needed.map(|(image, _)| image);
        images.filter(|image| !self.images.contains_key(*image))
    }

    /// Returns the new destination repositories of the plan that have no check.
    fn unchecked_repositories<'a>(
        &'a self,
        plan: &'a Plan,
    ) -> impl Iterator<Item = &'a RepositoryName> {
        let planned = plan
            .verdicts
            .iter()
            .filter_map(|(_, verdict)| verdict.planned());
        let repositories = planned.flat_map(|planned| {
            let created = &planned.created_repositories;
            planned.new_repositories.iter().chain(created)
        });
        repositories.filter(|name| !self.repositories.contains_key(*name))
    }

    /// Returns the checks of one image of the plan.
    pub(crate) fn result(&self, image: &ImageTag, verdict: &Verdict) -> CheckResult {
        let mut result = CheckResult::default();
        if !needs_check(verdict) {
            return result;
        }
        match self.images.get(image) {
            None | Some(Availability::Found(_)) => {}
            Some(Availability::Missing) => {
                let repository = full_repository(&image.source.reference(&image.tag));
                result
                    .problems
                    .push((AddProblem::NotAtSource { repository }, false));
            }
            Some(Availability::Rejected(error)) => {
                let message = error.message.clone();
                result.problems.push((AddProblem::Rejected(message), false));
            }
            Some(Availability::Unchecked(error) | Availability::Failed(error)) => {
                let message = error.message.clone();
                result
                    .problems
                    .push((AddProblem::Registry(message), error.refused));
            }
        }
        let planned = verdict.planned();
        for name in planned.iter().flat_map(|planned| &planned.new_repositories) {
            self.add_repository(name, &mut result);
        }
        for name in planned
            .iter()
            .flat_map(|planned| &planned.created_repositories)
        {
            if let Some(Availability::Missing) = self.repositories.get(name) {
                result.warnings.push(created_destination(name));
            }
        }
        result
    }

    /// Adds the check of a new destination repository.
    fn add_repository(&self, name: &RepositoryName, result: &mut CheckResult) {
        match self.repositories.get(name) {
            None | Some(Availability::Found(())) => {}
            Some(Availability::Missing) => {
                let problem = AddProblem::NoDestination(missing_destination(name));
                result.problems.push((problem, false));
            }
            Some(Availability::Failed(error) | Availability::Rejected(error)) => {
                let message = error.message.clone();
                let problem = AddProblem::Registry(message);
                result.problems.push((problem, error.refused));
            }
            Some(Availability::Unchecked(error)) => result.warnings.push(format!(
                "cannot check the destination repository {name}: {}",
                error.message
            )),
        }
    }
}

/// Existing rows, and sources without rows, need no request.
fn needs_check(verdict: &Verdict) -> bool {
    match verdict {
        Verdict::Add(_) => true,
        Verdict::Present(..) => false,
        Verdict::Refused(problem) => !matches!(problem, AddProblem::NotListed { .. }),
    }
}
