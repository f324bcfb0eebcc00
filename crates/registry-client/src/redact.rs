//! Redaction of URLs and sanitizing of text from registries.

use url::Url;
use url::form_urlencoded;

use crate::sent_secrets::cut_sent_secrets;

/// Query parameters of registry requests, which contain no secrets.
const PLAIN_PARAMETERS: [&str; 8] = [
    "digest",
    "from",
    "mount",
    "n",
    "last",
    "scope",
    "service",
    "artifactType",
];

/// The bytes at the start of a text in which secrets are searched. The rest of a longer text is not
/// printed.
const MAX_SEARCHED: usize = 4096;

/// Path segments that are followed by a secret, as in `/priv/TOKEN/charts`.
const SECRET_FOLLOWS: [&str; 8] = [
    "key",
    "priv",
    "secret",
    "sig",
    "sign",
    "signature",
    "signed",
    "token",
];

/// The maximum length of a URL in a message, in characters. A registry chooses realms and upload
/// sessions.
const MAX_URL: usize = 2_000;

/// Formats a URL for messages: without user, password and fragment, and with `…` for query values and
/// for path segments that look like tokens or signatures.
///
/// Upload sessions (`_state`) and signed links (`X-Amz-Signature`, `sig`) have secrets in the query.
/// Hosts of packages have tokens in the path. The query parameters of registry requests, such as
/// `digest` and `scope`, and the paths of a registry's API stay readable. Secrets that were sent are cut
/// ([`record_sent_secret`](crate::record_sent_secret)).
#[must_use]
pub fn url(url: &Url) -> String {
    printable(&cut_sent_secrets(&without_secret_parts(url)), MAX_URL)
}

fn without_secret_parts(url: &Url) -> String {
    let mut bare = url.clone();
    // A URL that cannot carry user information has none to remove.
    let _ = bare.set_username("");
    let _ = bare.set_password(None);
    bare.set_fragment(None);
    bare.set_query(None);
    let bare = bare.as_str();
    let mut text = match bare.strip_suffix(url.path()) {
        Some(origin) => format!("{origin}{}", redacted_path(url.path())),
        None => bare.to_owned(),
    };
    for (index, pair) in url
        .query()
        .into_iter()
        .flat_map(|query| query.split('&'))
        .enumerate()
    {
        text.push(if index == 0 { '?' } else { '&' });
        text.push_str(&redacted_parameter(pair));
    }
    text
}

/// Formats a text with every URL as in [`redacted_url`](crate::redacted_url). A URL that cannot be
/// parsed loses its user,
/// password and query, and `USER:PASSWORD@HOST` without a scheme loses its user and password. Secrets
/// that were sent are cut ([`record_sent_secret`](crate::record_sent_secret)).
#[must_use]
pub fn redact_urls(text: &str) -> String {
    let text = &*cut_sent_secrets(text);
    let ends = |c: char| c.is_whitespace() || "\"'`<>".contains(c);
    let mut redacted = String::new();
    for word in text.split_inclusive(ends) {
        let inner = word.trim_end_matches(|c| ends(c) || ":,.;)]}".contains(c));
        let (inner, after) = word.split_at(inner.len());
        redacted.push_str(&redacted_word(inner));
        redacted.push_str(after);
    }
    redacted
}

fn redacted_path(path: &str) -> String {
    let mut previous = String::new();
    if let Some((api, session)) = registry_api(path) {
        let session = session.split('/').map(|segment| {
            let shown = if is_token(segment) { "…" } else { segment };
            shown.to_owned()
        });
        return api.to_owned() + &session.collect::<Vec<_>>().join("/");
    }
    let segments = path.split('/').map(|segment| {
        let follows_name = SECRET_FOLLOWS.contains(&&*previous);
        previous = segment.to_ascii_lowercase();
        match segment.split_once('=') {
            _ if segment.is_empty() => String::new(),
            _ if follows_name || is_token(segment) => "…".to_owned(),
            Some((name, _)) => format!("{name}=…"),
            None => segment.to_owned(),
        }
    });
    segments.collect::<Vec<_>>().join("/")
}

/// Splits the path of a registry's API before the session of an upload, which may be a capability.
fn registry_api(path: &str) -> Option<(&str, &str)> {
    let rest = path.strip_prefix("/v2/")?;
    for uploads in ["/blobs/uploads/", "/blobs/upload/"] {
        if let Some(at) = path.find(uploads) {
            return Some(path.split_at(at + uploads.len()));
        }
    }
    let kinds = ["/manifests/", "/blobs/", "/tags/", "/referrers/"];
    let is_api = rest.is_empty() || kinds.iter().any(|kind| rest.contains(kind));
    is_api.then_some((path, ""))
}

fn redacted_parameter(pair: &str) -> String {
    let decoded = form_urlencoded::parse(pair.as_bytes()).next();
    let (key, value) = decoded.unwrap_or_default();
    if PLAIN_PARAMETERS.contains(&&*key) {
        return format!("{key}={}", printable(&value, 256));
    }
    // Without a value the secret itself can stand in place of the name.
    if value.is_empty() || is_token(&key) {
        return "…".to_owned();
    }
    format!("{}=…", printable(&key, 64))
}

/// Returns true if a text contains a random run of letters and digits. Digests and commits, which are
/// 64 or 40 hexadecimal digits, are public.
fn is_token(text: &str) -> bool {
    let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hex && matches!(text.len(), 40 | 64) {
        return false;
    }
    text.split(|c: char| !c.is_ascii_alphanumeric()).any(|run| {
        let has = |kind: fn(&u8) -> bool| run.as_bytes().iter().any(&kind);
        let mixed =
            has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase) && has(u8::is_ascii_digit);
        let next = run.bytes().skip(1);
        let changes = run.bytes().zip(next);
        let changes = changes.filter(|(one, next)| one.is_ascii_digit() != next.is_ascii_digit());
        run.len() >= 12 && changes.count() >= 4 || run.len() >= 16 && mixed
    })
}

fn redacted_word(word: &str) -> String {
    let Some(colon) = word.find("://") else {
        return match word.rsplit_once('@') {
            Some((user, host)) if user.contains(':') && !is_digest(host) => host.to_owned(),
            _ => word.to_owned(),
        };
    };
    let is_scheme = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    let (scheme, rest) = word.split_at(colon);
    let before = scheme.trim_end_matches(is_scheme);
    let address = word.strip_prefix(before).unwrap_or(word);
    let Ok(url) = Url::parse(address) else {
        let rest = rest.strip_prefix("://").unwrap_or(rest);
        let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
        let host = host.split(['?', '#']).next().unwrap_or_default();
        return format!("{scheme}://{host}");
    };
    let is_plain = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none()
        && redacted_path(url.path()) == url.path();
    if is_plain {
        // As it was written, for example without the `/` that the parser adds.
        return word.to_owned();
    }
    format!("{before}{}", self::url(&url))
}

fn is_digest(text: &str) -> bool {
    matches!(text.split_once(':'), Some((algorithm, _)) if algorithm.starts_with("sha"))
}

/// Returns text from a registry on one line, with at most `length` characters, without control
/// characters, so that it contains neither a terminal escape sequence nor a workflow command, and
/// without the secrets that were sent. All text of peers passes here.
pub(crate) fn printable(text: &str, length: usize) -> String {
    let start = text.floor_char_boundary(MAX_SEARCHED.max(8 * length));
    let text = cut_sent_secrets(&text[..start]);
    let mut shown = String::new();
    let mut has_space = false;
    for character in text.trim().chars() {
        if character.is_whitespace() || character.is_control() {
            has_space = true;
            continue;
        }
        if shown.chars().count() >= length {
            shown.push('…');
            break;
        }
        if std::mem::take(&mut has_space) && !shown.is_empty() {
            shown.push(' ');
        }
        shown.push(character);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn url_has_no_secrets() {
        let cases = [
            (
                "https://u:p@h/v2/a/blobs/uploads/1?_state=SECRET&digest=sha256:aa",
                "https://h/v2/a/blobs/uploads/1?_state=…&digest=sha256:aa",
            ),
            (
                "https://cdn/x?X-Amz-Signature=SECRET#SECRET",
                "https://cdn/x?X-Amz-Signature=…",
            ),
            ("https://h/a?SECRET&c2VjcmV0=", "https://h/a?…&…"),
            (
                "https://h/a?scope=repository:a/b:pull",
                "https://h/a?scope=repository:a/b:pull",
            ),
            ("https://h/priv/WORD/charts", "https://h/priv/…/charts"),
            ("https://h/K2sPq9dW3nZx81Lm/charts/", "https://h/…/charts/"),
            (
                "https://h/exp=1~hmac=SECRET/a;sig=SECRET",
                "https://h/exp=…/a;sig=…",
            ),
            (
                "https://u:p@h/docker/blobs/sha256/3f/3f0a1b2c3d4e5f60718293a4b5c6d7e8f9a0b1c2d3e4f5061728394a5b6c7d8e/data",
                "https://h/docker/blobs/sha256/3f/3f0a1b2c3d4e5f60718293a4b5c6d7e8f9a0b1c2d3e4f5061728394a5b6c7d8e/data",
            ),
            (
                "https://h/k8s-charts-v1.2.3/stable",
                "https://h/k8s-charts-v1.2.3/stable",
            ),
            ("http://127.0.0.1:5000/v2/", "http://127.0.0.1:5000/v2/"),
            (
                "https://h/v2/a/K2sPq9dW3nZx81Lm/manifests/v1",
                "https://h/v2/a/K2sPq9dW3nZx81Lm/manifests/v1",
            ),
            (
                "https://h/v2/a/blobs/uploads/K2sPq9dW3nZx81Lm/1",
                "https://h/v2/a/blobs/uploads/…/1",
            ),
            ("https://cdn/v2/token/WORD/x", "https://cdn/v2/token/…/x"),
        ];
        for (raw, shown) in cases {
            assert_eq!(url(&raw.parse().unwrap()), shown);
        }
    }

    #[test]
    fn urls_in_text_lose_their_secrets() {
        let cases = [
            (
                "get \"https://me:p%40ss@host:1/a@b\": no",
                "get \"https://host:1/a@b\": no",
            ),
            ("http://a and (oci://t@b)", "http://a and (oci://b)"),
            (
                "helm-latest:https://h/c?sig=SECRET: 404",
                "helm-latest:https://h/c?sig=…: 404",
            ),
            ("`https://me:p/w@h:x/a?sig=SECRET`", "`https://h:x/a`"),
            ("`me:word@host/chart` is wrong", "`host/chart` is wrong"),
            (
                "a.io/b:v1@sha256:00 and me@host",
                "a.io/b:v1@sha256:00 and me@host",
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(redact_urls(text), expected);
        }
    }

    #[test]
    fn printable_returns_one_short_line() {
        assert_eq!(printable("a\n::error::b\u{1b}[2J", 80), "a ::error::b [2J");
        assert_eq!(printable("abcdef", 3), "abc…");
    }
}
