//! The function behind the fuzz target `references` of `fuzz/`. The test runs it on the corpus.

use oci_spec::distribution::Reference;

use crate::{ManifestReference, RepositoryName};

/// Checks a name on the first line and a tag on the second: what this crate accepts, `oci-spec`
/// reads as the same image.
pub fn references(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut lines = text.split('\n');
    let repository = lines.next().map(str::parse::<RepositoryName>);
    let second = lines.next();
    let manifest = second.map(str::parse::<ManifestReference>);
    if let Some(Ok(manifest)) = &manifest {
        assert_eq!(Some(manifest.as_str()), second);
    }
    let Some(Ok(repository)) = repository else {
        return;
    };
    assert_eq!(repository.full().parse(), Ok(repository.clone()));
    if let Some(Ok(manifest)) = manifest {
        let reference = repository.reference(&manifest);
        // `oci-spec` has no IPv6 addresses.
        if !reference.registry().starts_with('[') {
            assert_eq!(reference.whole().parse::<Reference>(), Ok(reference));
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn corpus_passes() {
        testkit::replay_corpus("references", super::references);
    }
}
