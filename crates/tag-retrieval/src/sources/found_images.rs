//! The result of sources that read the images of files and bundles.

use extraction::{ExtractedImage, PlacedImage, ProposalRules, propose};
use image_name::ManifestReference;

use super::chart_images::no_image_warning;
use crate::candidate::Origin;
use crate::entry::ImageRules;
use crate::image_sources::CollectedImages;
use crate::retrieved::{Dropped, Found, FoundImage, Retrieved};
use crate::source::Upstreams;

/// Returns the images that a source proposes. Images with a digest and no tag are proposed too: bundles name
/// nearly all images so.
pub(super) fn retrieved(
    collected: CollectedImages,
    place: &str,
    (rules, upstreams): (&ImageRules, &Upstreams),
) -> Retrieved {
    let rules = ProposalRules {
        denylist: rules.denylist.clone(),
        exclude: rules.exclude.clone(),
        own_org: upstreams.own_org.clone(),
        ..ProposalRules::default()
    };
    let images = collected.images.into_iter().map(with_place);
    let proposal = propose(images.collect(), &rules);
    let found = |image: String, tag: String, location: String| FoundImage {
        image,
        tag,
        origin: Origin::Document { location },
    };
    let mut images: Vec<_> = proposal
        .images
        .into_iter()
        .map(|image| found(image.repository, image.tag, image.location))
        .collect();
    let by_digest = proposal.untagged.into_iter();
    images.extend(by_digest.map(|image| found(image.repository, image.digest, image.location)));
    images.retain(|image| image.tag.parse::<ManifestReference>().is_ok());
    let dropped: Vec<_> = proposal.dropped.into_iter().map(Dropped::from).collect();
    let failures = collected.problems.into_iter();
    let failures: Vec<_> = failures.map(|problem| problem.message).collect();
    let mut warnings = collected.notes;
    if images.is_empty() && failures.is_empty() {
        warnings.push(no_image_warning(place, &dropped));
    }
    Retrieved {
        found: Found::Images(images),
        dropped,
        untagged: Vec::new(),
        warnings,
        failures,
    }
}

/// Returns an image whose location has its file and line.
fn with_place(placed: PlacedImage) -> ExtractedImage {
    let PlacedImage {
        file,
        has_lines,
        image,
    } = placed;
    let location = match has_lines {
        true => format!("{file}:{}: {}", image.line, image.location),
        false => format!("{file}: {}", image.location),
    };
    ExtractedImage { location, ..image }
}
