//! Keys and signatures of minisign.

use std::io::Cursor;

use minisign::{PublicKey, PublicKeyBox, SecretKey, SecretKeyBox, SignatureBox};

use super::error::SignatureError;

/// The first word of every file of minisign.
const COMMENT: &str = "untrusted comment:";
/// The comments of signatures. They have no date, so that the same bytes have the same signature.
const TRUSTED_COMMENT: &str = "mirror.json";
/// The lengths of the second and fourth line of a signature in base64.
const LINES: [(usize, usize); 2] = [(1, 100), (3, 88)];

/// Returns true if a text is a file of minisign.
pub(super) fn is_minisign(text: &str) -> bool {
    text.trim_start().starts_with(COMMENT)
}

/// Returns true if a text is a public key of minisign, with or without its comment.
pub(super) fn is_public_key(text: &str) -> bool {
    let is_bare = text.trim().len() == 56 && text.trim().starts_with("RW");
    is_minisign(text) || is_bare
}

/// Parses a secret key. An encrypted key needs its password.
///
/// # Errors
///
/// [`SignatureError::Key`], [`SignatureError::NoPassword`].
pub(super) fn secret_key(
    text: &str,
    password: Option<String>,
) -> Result<SecretKey, SignatureError> {
    let invalid = |error: minisign::PError| SignatureError::Key(format!("minisign: {error}"));
    let stored = || SecretKeyBox::from_string(text).map_err(invalid);
    // The library would ask for a password on the terminal if none was given.
    match (stored()?.into_unencrypted_secret_key(), password) {
        (Ok(key), _) => Ok(key),
        (Err(_), Some(password)) => stored()?.into_secret_key(Some(password)).map_err(invalid),
        (Err(error), None) => match error.to_string().contains("encrypted") {
            true => Err(SignatureError::NoPassword),
            false => Err(invalid(error)),
        },
    }
}

/// Parses a public key: its file, or the line of base64.
///
/// # Errors
///
/// [`SignatureError::Key`].
pub(super) fn public_key(text: &str) -> Result<PublicKey, SignatureError> {
    let key = match is_minisign(text) {
        true => PublicKeyBox::from_string(text).and_then(PublicKeyBox::into_public_key),
        false => PublicKey::from_base64(text.trim()),
    };
    key.map_err(|error| SignatureError::Key(format!("minisign: {error}")))
}

/// Returns the public key of a secret key.
///
/// # Errors
///
/// [`SignatureError::Key`].
pub(super) fn public_key_of(key: &SecretKey) -> Result<PublicKey, SignatureError> {
    let public = PublicKey::from_secret_key(key);
    public.map_err(|error| SignatureError::Key(format!("minisign: {error}")))
}

/// Signs bytes.
///
/// # Errors
///
/// [`SignatureError::Sign`].
pub(super) fn sign(key: &SecretKey, bytes: &[u8]) -> Result<Vec<u8>, SignatureError> {
    let comment = Some(TRUSTED_COMMENT);
    let signed = minisign::sign(None, key, Cursor::new(bytes), comment, comment);
    let signed = signed.map_err(|error| SignatureError::Sign(error.to_string()))?;
    Ok(signed.into_string().into_bytes())
}

/// Verifies a signature.
///
/// # Errors
///
/// [`SignatureError::Form`], [`SignatureError::Mismatch`].
pub(super) fn verify(
    key: &PublicKey,
    bytes: &[u8],
    signature: &[u8],
) -> Result<(), SignatureError> {
    let form = |detail: String| SignatureError::Form {
        format: "minisign",
        detail,
    };
    let text = std::str::from_utf8(signature).map_err(|_| form("it is no text".to_owned()))?;
    let lines: Vec<&str> = text.lines().collect();
    for (index, length) in LINES {
        // The library assumes the length of the second signature.
        if lines
            .get(index)
            .is_none_or(|line| line.trim().len() != length)
        {
            return Err(form(format!(
                "line {} is not {length} characters long",
                index + 1
            )));
        }
    }
    let parsed = SignatureBox::from_string(text).map_err(|error| form(error.to_string()))?;
    let detail = match parsed.keynum() == key.keynum() {
        true => String::new(),
        false => format!(
            ": the signature names the key {}, the given key is {}",
            key_number(parsed.keynum()),
            key_number(key.keynum())
        ),
    };
    minisign::verify(key, &parsed, Cursor::new(bytes), true, false, false)
        .map_err(|_| SignatureError::Mismatch { detail })
}

/// Returns the identifier of a key as minisign prints it.
fn key_number(number: &[u8]) -> String {
    let bytes = number.iter().rev();
    bytes.map(|byte| format!("{byte:02X}")).collect()
}
