//! Properties of every auth file.

use std::path::Path;

use super::auth_file::{AuthFile, encode};
use super::credential::Secret;

/// Checks that a file is read or refused, and that its secrets are in no `Debug`.
pub fn auth_file(data: &[u8]) {
    let Ok(file) = AuthFile::parse(Path::new("auth.json"), data) else {
        return;
    };
    for (key, _) in &file.auths {
        assert!(key.covers(key.host(), key.path()), "{key:?}");
    }

    // The same bytes in a password.
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
