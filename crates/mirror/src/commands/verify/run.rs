//! Running `mirror verify`.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use futures::StreamExt;
use image_name::Digest;
use oci_spec::distribution::Reference;
use registry_client::{Client, Error, Repository, manifest_reference};

use super::args::VerifyArgs;
use super::report::{VerifiedImage, VerifiedImages, VerifyStatus};
use super::signers;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::files::policy_file::{self, ReadPolicy};
use crate::registries::client;
use crate::registries::signature_check::{SignatureCheck, SourceImage};
use crate::rows::approvals::Approvals;
use crate::rows::selection;
use crate::session::Session;
use crate::terminal::github_actions::{self, Level};
use crate::terminal::hints::{self, Operation};

/// Maximum number of images that are checked at the same time. The client limits the requests to each registry.
const MAX_CONCURRENT: usize = 64;

/// The requirement of the images.
struct Check {
    signatures: Arc<SignatureCheck>,
    /// There is no requirement: the signers that were found are listed.
    lists_signers: bool,
}

/// An image to check.
struct Wanted {
    reference: Reference,
    /// The approved digest, which a run would copy.
    approved: Option<Digest>,
    /// The place of its row.
    row: Option<selection::RunRow>,
}

/// Runs the command. Exits with 1 if an image does not satisfy the policy.
///
/// # Errors
///
/// [`Failure`] for a list or a policy that cannot be used.
pub(crate) async fn run(session: &Session, args: &VerifyArgs) -> Result<Exit, Failure> {
    let check = check(session, args)?;
    let client = client::build(&session.common, &session.environment)?;
    let stop = session.signals.listen()?;
    let _waiting = session.progress_display.show_requests(&client);
    let wanted = wanted(session, args, &client).await?;
    let decided = futures::stream::iter(wanted)
        .map(|wanted| decide(&client, &check, wanted))
        .buffered(MAX_CONCURRENT)
        .collect();
    let images: Vec<VerifiedImage> = tokio::select! {
        images = decided => images,
        () = stop.cancelled() => return Err(Failure::interrupted("interrupted; some images were not checked")),
    };
    let result = VerifiedImages::new(images);
    let github = session.environment.github.as_ref();
    github_actions::annotate(github, Level::Error, &result.findings());
    github_actions::add_to_step_summary(github, &result.summary_table());
    let exit = result.exit();
    session.output.write_outcome(&result, &result, exit)?;
    Ok(exit)
}

/// Returns the check of the options for signers, or else that of the policy. Without either, the signers of images
/// are listed.
fn check(session: &Session, args: &VerifyArgs) -> Result<Check, Failure> {
    let of_options = args.policy();
    let of_file = match &of_options {
        Some(_) => None,
        None => args.select.0.signatures(session)?,
    };
    if let Some(signatures) = of_file {
        return Ok(Check {
            signatures,
            lists_signers: false,
        });
    }
    if of_options.is_none() && args.images.is_empty() {
        return Err(
            Failure::unusable("there is no policy that the rows could be checked against").hint(
                "write policy.json as docs/signatures.md describes, or name images: `mirror verify IMAGE`"
                    .to_owned(),
            ),
        );
    }
    let lists_signers = of_options.is_none();
    let policy = of_options.unwrap_or_else(signers::policy).to_string();
    let mut read_key = |path: &str| policy_file::read_key(Path::new(path));
    match policy_file::parse("the options", &policy, &mut read_key) {
        ReadPolicy::Valid(file) => {
            let root = Arc::new(policy_file::trust_root(&session.common)?);
            Ok(Check {
                signatures: Arc::new(SignatureCheck::new(*file, root)),
                lists_signers,
            })
        }
        ReadPolicy::Invalid(problems) => {
            let problems = problems.iter().map(|problem| problem.message.clone());
            let problems: Vec<_> = problems.collect();
            Err(Failure::unusable(problems.join("; ")))
        }
        ReadPolicy::None => Err(Failure::unusable("there is no policy")),
    }
}

/// Returns the images of the arguments, or else those of the selected rows, each once.
async fn wanted(
    session: &Session,
    args: &VerifyArgs,
    client: &Client,
) -> Result<Vec<Wanted>, Failure> {
    if !args.images.is_empty() {
        let images = args.images.iter().map(|image| Wanted {
            reference: image.reference(None),
            approved: None,
            row: None,
        });
        return Ok(images.collect());
    }
    let select = &args.select.0;
    let mut selection = selection::select_with_followed(session, select, client).await?;
    let mutable = selection.mutable(&args.locked, select.empty)?;
    Approvals::read(&selection.lists, mutable)?.apply(&mut selection.rows)?;
    let mut seen = HashSet::new();
    let rows = selection.rows.into_iter().filter_map(|row| {
        let approved = row.row.approved_digest().cloned();
        let is_new = seen.insert((row.row.source.clone(), approved.clone()));
        is_new.then(|| Wanted {
            reference: row.row.source.clone(),
            approved,
            row: Some(row),
        })
    });
    Ok(rows.collect())
}

/// Returns the decision about an image.
async fn decide(client: &Client, check: &Check, wanted: Wanted) -> VerifiedImage {
    let mut image = VerifiedImage::new(wanted.reference.whole());
    match check_image(client, &check.signatures, &wanted, &mut image).await {
        Ok(()) if check.lists_signers => signers::list(&mut image),
        Ok(()) => {}
        Err(error) => {
            image.message = Some(error.to_string());
            image.hint = hints::for_request(Operation::Read, &wanted.reference, &error);
            image.is_refused = error.is_refused();
        }
    }
    if let (VerifyStatus::Rejected | VerifyStatus::Error, Some(row)) = (image.status, &wanted.row) {
        let message = image.message.clone().unwrap_or_default();
        image.finding = row.finding(format!("{}: {message}", image.image));
    }
    image
}

/// Finds an image at its locations and checks it at the first one that has it.
async fn check_image(
    client: &Client,
    check: &SignatureCheck,
    wanted: &Wanted,
    image: &mut VerifiedImage,
) -> Result<(), Error> {
    let reference = &wanted.reference;
    let Some((location, digest)) = find(client, wanted).await? else {
        let (host, path) = (reference.registry(), reference.repository());
        image.message = Some("the image does not exist".to_owned());
        image.hint = Some(format!("list the tags with `mirror tags {host}/{path}`"));
        return Ok(());
    };
    image.digest = Some(digest.to_string());
    let Some(name) = SourceImage::of(reference) else {
        image.message = Some("the name is not valid".to_owned());
        return Ok(());
    };
    let decided = check.decide_at(&name, &location, &digest).await?;
    image.decide(&name, decided);
    Ok(())
}

/// Returns the first location that has the image, mirrors first, with its digest.
async fn find(client: &Client, wanted: &Wanted) -> Result<Option<(Repository, Digest)>, Error> {
    let reference = match &wanted.approved {
        Some(digest) => digest.into(),
        None => manifest_reference(&wanted.reference)?,
    };
    let mut decisive = Ok(None);
    for location in client.sources(&wanted.reference)? {
        decisive = location.head_manifest(&reference).await;
        if let Ok(Some(head)) = &decisive {
            return Ok(Some((location, head.digest.clone())));
        }
    }
    decisive.map(|_| None)
}
