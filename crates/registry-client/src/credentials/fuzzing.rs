//! What an auth file may not do.

use std::path::Path;

use super::auth_file::{AuthFile, encode};
use super::secret::Secret;

/// A file is read or refused; whatever it holds, its logins are in no `Debug`.
pub fn auth_file(data: &[u8]) {
    let Ok(file) = AuthFile::parse(Path::new("auth.json"), data) else {
        return;
    };
    for (key, _) in &file.auths {
        assert!(key.covers(key.host(), key.path()), "{key:?}");
    }

    // The same bytes as a password: nothing of it is shown.
    let password = format!("{}-canary-a5c3", String::from_utf8_lossy(data));
    let auth = encode("me", &Secret::from(password));
    let text = format!(
        r#"{{"auths": {{"r.example": {{"auth": "{}"}}}}}}"#,
        auth.expose()
    );
    let file = AuthFile::parse(Path::new("auth.json"), text.as_bytes());
    let shown = format!("{file:?}");
    assert!(file.is_ok() && !shown.contains("canary"), "{shown}");
    assert!(!shown.contains(auth.expose()), "{shown}");
}
