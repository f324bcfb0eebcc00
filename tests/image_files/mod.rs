//! Images in files: `oci:`, `oci-archive:` and `docker-archive:`.

mod archives;
mod docker_save;
mod hostile;
mod killed;
mod layouts;
mod readers;

use embedded_registry::images::{Artifact, Bundle, Platform, digest_tag, sample_image};
use embedded_registry::{Registry, RunningRegistry};

use crate::environment::TestEnvironment;

/// Starts a registry with an image for two platforms, `app:v1`, that has a signature by cosign and an SBOM.
async fn registry_with_signed_image() -> (RunningRegistry, Bundle) {
    let registry = Registry::new().access_log(1000).start().await.unwrap();
    let platforms = [Platform::linux("amd64"), Platform::linux("arm64")];
    let image = sample_image("app", 1, &platforms, 2).unwrap();
    let digest = image.push(&registry, "app", Some("v1"));
    let signature = Artifact::cosign_signature(&digest).build();
    signature.push(&registry, "app", Some(&digest_tag(&digest, Some("sig"))));
    let sbom = Artifact::new("application/x-sbom").subject(&image).build();
    sbom.push(&registry, "app", None);
    (registry, image)
}

/// Checks that a registry has the image with its signature and its SBOM.
async fn assert_signed_image(
    registry: &RunningRegistry,
    repository: &str,
    tag: &str,
    image: &Bundle,
) {
    let tags = crate::environment::complete_tags(&registry.host(), &[repository]).await;
    let digest = image.digest().to_string();
    assert_eq!(
        tags.get(&format!("{repository}:{tag}")),
        Some(&digest),
        "{tags:?}"
    );
    let signature = digest_tag(image.digest(), Some("sig"));
    assert!(
        tags.contains_key(&format!("{repository}:{signature}")),
        "{tags:?}"
    );
    let name = format!("{}/{repository}:{tag}", registry.host());
    let inspected = TestEnvironment::new()
        .mirror(&format!("inspect {name} --output json"))
        .exits(0);
    assert_eq!(inspected.json()["referrers"], 1);
}
