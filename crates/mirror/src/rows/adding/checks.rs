//! What registries say to rows that are wanted.

use std::collections::HashMap;

use futures::StreamExt;
use images_list::{Approved, Row};

use super::{AddProblem, Destination, Pair, Plan, Verdict, Wanted};
use crate::cli::image_name::full_repository;
use crate::registries::availability::{Looked, Lookout, missing_destination};

/// Rows looked for at once; the client sees to what each registry bears.
const AT_ONCE: usize = 512;

/// The answers so far.
#[derive(Debug, Default)]
pub(crate) struct Checks {
    images: HashMap<Pair, Looked<Approved>>,
    destination: Option<Looked>,
}

/// What the answers mean for one image.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    /// What stands against adding it, and whether it is refused credentials.
    pub(crate) problems: Vec<(AddProblem, bool)>,
    /// What could not be checked.
    pub(crate) warnings: Vec<String>,
}

impl Checks {
    /// Asks for everything that the plan needs and nobody has answered yet,
    /// all at once.
    pub(crate) async fn complete(&mut self, lookout: &Lookout, plan: &Plan, wanted: &Wanted) {
        let open: Vec<&Pair> = self.open(plan).collect();
        let images = futures::stream::iter(open)
            .map(|pair| async move {
                let looked = lookout.image(&pair.source, &pair.tag).await;
                (pair.clone(), looked)
            })
            .buffer_unordered(AT_ONCE)
            .collect::<Vec<_>>();
        let destination = async {
            match &wanted.destination {
                Destination::New(name) if self.lacks_destination(plan) => {
                    Some(lookout.repository(name).await)
                }
                _ => None,
            }
        };
        let (images, destination) = futures::join!(images, destination);
        self.images.extend(images);
        self.destination = destination.or(self.destination.take());
    }

    /// Whether all that the plan needs is answered.
    pub(crate) fn cover(&self, plan: &Plan) -> bool {
        self.open(plan).next().is_none() && !self.lacks_destination(plan)
    }

    /// What an image is, where its source has it.
    pub(crate) fn approved(&self, row: &Row) -> Option<&Approved> {
        let pair = Pair {
            source: row.source.clone(),
            tag: row.tag.clone(),
        };
        match self.images.get(&pair) {
            Some(Looked::Found(approved)) => Some(approved),
            _ => None,
        }
    }

    fn open<'a>(&'a self, plan: &'a Plan) -> impl Iterator<Item = &'a Pair> {
        let needed = plan
            .verdicts
            .iter()
            .filter(|(_, verdict)| is_asked_for(verdict));
        let pairs = needed.map(|(pair, _)| pair);
        pairs.filter(|pair| !self.images.contains_key(*pair))
    }

    fn lacks_destination(&self, plan: &Plan) -> bool {
        !plan.knows_destination && self.destination.is_none()
    }

    /// What the answers say of one image of the plan.
    pub(crate) fn answer(
        &self,
        pair: &Pair,
        verdict: &Verdict,
        plan: &Plan,
        wanted: &Wanted,
    ) -> Answer {
        let mut answer = Answer::default();
        if !is_asked_for(verdict) {
            return answer;
        }
        match self.images.get(pair) {
            None | Some(Looked::Found(_)) => {}
            Some(Looked::Missing) => {
                let repository = full_repository(&pair.source.reference(&pair.tag));
                answer
                    .problems
                    .push((AddProblem::NotAtSource { repository }, false));
            }
            Some(Looked::Unchecked(trouble) | Looked::Failed(trouble)) => {
                let message = trouble.message.clone();
                answer
                    .problems
                    .push((AddProblem::Registry(message), trouble.refused));
            }
        }
        let Destination::New(name) = &wanted.destination else {
            return answer;
        };
        match self
            .destination
            .as_ref()
            .filter(|_| !plan.knows_destination)
        {
            None | Some(Looked::Found(_)) => {}
            Some(Looked::Missing) => {
                let problem = AddProblem::NoDestination(missing_destination(name));
                answer.problems.push((problem, false));
            }
            Some(Looked::Failed(trouble)) => {
                let message = trouble.message.clone();
                answer
                    .problems
                    .push((AddProblem::Registry(message), trouble.refused));
            }
            Some(Looked::Unchecked(trouble)) => answer.warnings.push(format!(
                "whether the destination repository {name} exists could not be checked: {}",
                trouble.message
            )),
        }
        answer
    }
}

/// Nobody is asked for what the list has, or for a name that is likely wrong.
fn is_asked_for(verdict: &Verdict) -> bool {
    match verdict {
        Verdict::Add(_) => true,
        Verdict::Present(..) => false,
        Verdict::Refused(problem) => !matches!(problem, AddProblem::NotListed { .. }),
    }
}
