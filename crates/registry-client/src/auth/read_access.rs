//! The repositories of a host that were read, and whether that took credentials.

use std::collections::HashMap;
use std::sync::Mutex;

use image_name::RepositoryPath;

use crate::lock::lock;

/// The repositories that were read in a run. The value is true if no read took credentials.
#[derive(Debug, Default)]
pub(crate) struct ReadAccess {
    is_anonymous: Mutex<HashMap<RepositoryPath, bool>>,
}

impl ReadAccess {
    /// Records a successful read.
    pub(crate) fn record(&self, repository: &RepositoryPath, with_credentials: bool) {
        let mut repositories = lock(&self.is_anonymous);
        match repositories.get_mut(repository) {
            Some(is_anonymous) => *is_anonymous &= !with_credentials,
            None => {
                repositories.insert(repository.clone(), !with_credentials);
            }
        }
    }

    /// Returns true if the repository was read, and never with credentials.
    pub(crate) fn is_anonymous(&self, repository: &RepositoryPath) -> bool {
        lock(&self.is_anonymous).get(repository) == Some(&true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_read_with_credentials_outweighs_the_others() {
        for (reads, expected) in [
            (&[][..], false),
            (&[false], true),
            (&[false, false], true),
            (&[true], false),
            (&[false, true], false),
            (&[true, false], false),
        ] {
            let access = ReadAccess::default();
            let [own, other] = ["a/own", "a/other"].map(|path| path.parse().unwrap());
            access.record(&other, reads.is_empty());
            for with_credentials in reads {
                access.record(&own, *with_credentials);
            }
            assert_eq!(access.is_anonymous(&own), expected, "{reads:?}");
        }
    }
}
