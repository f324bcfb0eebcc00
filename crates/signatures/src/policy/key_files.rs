//! The key files of a policy.

use strict_json::{Located, Problems};

use crate::keys::PublicKey;

/// A function that returns the text of a key file, or the reason why it cannot be read. The path is that in
/// the policy.
pub type ReadKey<'a> = dyn FnMut(&str) -> Result<String, String> + 'a;

/// The key files of a policy.
pub(super) struct KeyFiles<'a> {
    read_key: &'a mut ReadKey<'a>,
}

impl<'a> KeyFiles<'a> {
    /// Creates the files. None is read.
    pub(super) fn new(read_key: &'a mut ReadKey<'a>) -> Self {
        Self { read_key }
    }

    /// Returns the text of a file that is not a key, such as certificates.
    pub(super) fn text(&mut self, path: &str) -> Result<String, String> {
        (self.read_key)(path).map_err(|reason| format!("`{path}`: {reason}"))
    }

    /// Reads key files. A key that two files have would count twice for a threshold.
    pub(super) fn read(
        &mut self,
        paths: &[Located<String>],
        problems: &mut Problems<'_>,
    ) -> Option<Vec<PublicKey>> {
        let mut keys: Vec<PublicKey> = Vec::new();
        let mut is_valid = true;
        for path in paths {
            let text = (self.read_key)(&path.value);
            let parse = |text: String| PublicKey::from_pem(&path.value, &text);
            let key = text.and_then(|text| parse(text).map_err(|error| error.to_string()));
            let same = |key: &PublicKey| {
                let same = |known: &&PublicKey| known.fingerprint() == key.fingerprint();
                keys.iter().find(same).map(|known| known.name().to_owned())
            };
            let problem = match key.map(|key| (same(&key), key)) {
                Ok((Some(known), _)) => {
                    format!("`{}` has the key of `{known}`: name it once", path.value)
                }
                Ok((None, key)) => {
                    keys.push(key);
                    continue;
                }
                Err(reason) => format!("`{}`: {reason}", path.value),
            };
            problems.add(path.offset, problem);
            is_valid = false;
        }
        is_valid.then_some(keys)
    }
}
