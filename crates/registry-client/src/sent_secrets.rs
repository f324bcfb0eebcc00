//! The secrets that this process has sent. They are cut from the text of peers.
//!
//! A peer can quote a secret in an error, a header or a URL, as it was sent or in another encoding:
//! debugging middleware returns whole requests, and a hostile registry returns what it likes.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{PoisonError, RwLock};

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE};

use crate::unescape::{Escape, Unescaped};

static SENT: RwLock<SentSecrets> = RwLock::new(SentSecrets::new());

/// The number of bytes by which occurrences are found. Shorter secrets are cut as whole words only.
const KEY: usize = 6;
/// The shortest secret that is cut. Fewer characters are in every text by chance.
const MIN_SECRET: usize = 3;
/// The number of bytes of a secret that are kept. The rest of a longer one is cut with it.
const MAX_KEPT: usize = 48;
/// The number of bytes that a peer may quote of a long secret before that part is cut.
const MAX_QUOTED: usize = 12;
/// The number of forms that are kept. A run over ten thousand repositories has as many tokens; the
/// oldest have expired by then.
const MAX_FORMS: usize = 20_000;
/// The number of encodings on top of each other that are undone.
const MAX_ENCODINGS: usize = 3;

/// Records a secret that is sent to a peer: a password, token or key. Text of peers that contains it
/// is printed without it, also in Base64, hexadecimal, percent-encoding and the escapes of JSON and HTML.
///
/// Secrets of fewer than three characters are not cut, and those of fewer than six only as whole words.
pub fn record_sent_secret(secret: &str) {
    let is_known = SENT
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .is_known(secret);
    if !is_known {
        let mut sent = SENT.write().unwrap_or_else(PoisonError::into_inner);
        sent.record(secret);
    }
}

/// Returns text of a peer with `…` in place of each secret that was recorded by
/// [`record_sent_secret`].
#[must_use]
pub fn cut_sent_secrets(text: &str) -> Cow<'_, str> {
    let sent = SENT.read().unwrap_or_else(PoisonError::into_inner);
    sent.cut(text)
}

/// The forms of the secrets that were sent.
struct SentSecrets {
    /// The forms by their first bytes.
    forms: BTreeMap<[u8; KEY], BTreeSet<Vec<u8>>>,
    /// The forms with fewer bytes than a key.
    words: BTreeSet<Vec<u8>>,
    /// The forms in the order in which they were recorded.
    order: VecDeque<Vec<u8>>,
}

impl SentSecrets {
    const fn new() -> Self {
        Self {
            forms: BTreeMap::new(),
            words: BTreeSet::new(),
            order: VecDeque::new(),
        }
    }

    fn is_known(&self, secret: &str) -> bool {
        self.holds(&secret.as_bytes()[..secret.len().min(MAX_KEPT)])
    }

    fn holds(&self, form: &[u8]) -> bool {
        match form.first_chunk::<KEY>() {
            Some(key) => self.forms.get(key).is_some_and(|held| held.contains(form)),
            None => self.words.contains(form),
        }
    }

    fn record(&mut self, secret: &str) {
        if secret.len() < MIN_SECRET {
            return;
        }
        for mut form in encodings(secret) {
            form.truncate(MAX_KEPT);
            if form.len() < MIN_SECRET || self.holds(&form) {
                continue;
            }
            self.order.push_back(form.clone());
            match form.first_chunk::<KEY>().copied() {
                Some(key) => self.forms.entry(key).or_default().insert(form),
                None => self.words.insert(form),
            };
        }
        while self.order.len() > MAX_FORMS {
            if let Some(oldest) = self.order.pop_front() {
                self.remove(&oldest);
            }
        }
    }

    fn remove(&mut self, form: &[u8]) {
        let Some(key) = form.first_chunk::<KEY>() else {
            self.words.remove(form);
            return;
        };
        if let Some(held) = self.forms.get_mut(key) {
            held.remove(form);
            if held.is_empty() {
                self.forms.remove(key);
            }
        }
    }

    fn cut<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if self.order.is_empty() {
            return Cow::Borrowed(text);
        }
        let mut found = Vec::new();
        self.find_in(&Unescaped::raw(text), MAX_ENCODINGS, &mut found);
        if found.is_empty() {
            return Cow::Borrowed(text);
        }
        Cow::Owned(without(text, found))
    }

    /// Adds the spans of secrets in a text and, below up to `depth` encodings, in its content.
    fn find_in(&self, view: &Unescaped, depth: usize, found: &mut Vec<(usize, usize)>) {
        found.extend(
            self.find(&view.bytes)
                .map(|(from, to)| view.range(from, to)),
        );
        if depth == 0 {
            return;
        }
        for escape in Escape::ALL {
            if let Some(inner) = view.unescape(escape) {
                self.find_in(&inner, depth - 1, found);
            }
        }
    }

    /// Returns the spans of secrets in a text.
    fn find<'a>(&'a self, text: &'a [u8]) -> impl Iterator<Item = (usize, usize)> + 'a {
        let starts = 0..text.len();
        starts.filter_map(|at| {
            let length = self.length_at(text, at)?;
            Some((at, at + length))
        })
    }

    /// Returns the length of the secret that begins at a position.
    fn length_at(&self, text: &[u8], at: usize) -> Option<usize> {
        let rest = text.get(at..)?;
        let quoted = rest.first_chunk::<KEY>().and_then(|key| {
            let held = self.forms.get(key)?;
            held.iter().filter_map(|form| quoted(form, rest)).max()
        });
        quoted.or_else(|| {
            let starts = at == 0 || !text[at - 1].is_ascii_alphanumeric();
            let is_word = |word: &&Vec<u8>| {
                let after = rest.get(word.len());
                rest.starts_with(word) && after.is_none_or(|next| !next.is_ascii_alphanumeric())
            };
            let mut words = self.words.iter().filter(|_| starts);
            words.find(is_word).map(Vec::len)
        })
    }
}

/// Returns how many bytes at the start of `rest` belong to a form: all of it, or a long part of it, or
/// the part up to the end of the text.
fn quoted(form: &[u8], rest: &[u8]) -> Option<usize> {
    let pairs = form.iter().zip(rest);
    let common = pairs.take_while(|(one, other)| one == other).count();
    if common < form.len() {
        let is_part = common >= MAX_QUOTED && form.len() >= 2 * MAX_QUOTED;
        return (is_part || common == rest.len()).then_some(common);
    }
    if form.len() < MAX_KEPT {
        return Some(common);
    }
    let in_token = |byte: &&u8| byte.is_ascii_alphanumeric() || b"+/-_.=~%".contains(byte);
    Some(common + rest[common..].iter().take_while(in_token).count())
}

/// Returns a secret and its encodings, without those that [`Unescaped`] undoes.
fn encodings(secret: &str) -> Vec<Vec<u8>> {
    let bytes = secret.as_bytes();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut forms = vec![secret.to_owned(), secret.replace(' ', "+")];
    // As the parser of URLs writes a path and a host.
    forms.extend([secret.replace('\\', "/"), secret.to_ascii_lowercase()]);
    forms.extend([hex.to_uppercase(), hex]);
    for engine in [BASE64_STANDARD, BASE64_URL_SAFE] {
        let whole = engine.encode(bytes);
        forms.push(whole.trim_end_matches('=').to_owned());
        // Behind other bytes, such as `USER:`, with the characters that depend on the secret alone.
        for shift in 0..3 {
            let text = engine.encode([&b"..."[..shift], bytes].concat());
            let (first, end) = ((shift * 8).div_ceil(6), (shift + bytes.len()) * 8 / 6);
            if end - first >= KEY {
                forms.push(text[first..end].to_owned());
            }
        }
    }
    forms.into_iter().map(String::into_bytes).collect()
}

/// Returns a text with `…` in place of the spans, which may overlap.
fn without(text: &str, mut spans: Vec<(usize, usize)>) -> String {
    spans.sort_unstable();
    let mut shown = String::with_capacity(text.len());
    let mut next = 0;
    for (from, to) in spans {
        let from = (0..=from).rev().find(|at| text.is_char_boundary(*at));
        let to = (to..=text.len()).find(|at| text.is_char_boundary(*at));
        let (from, to) = (from.unwrap_or(0), to.unwrap_or(text.len()));
        if from > next || (next == 0 && from == 0) {
            shown.push_str(&text[next..from]);
            shown.push('…');
        }
        next = next.max(to);
    }
    shown.push_str(&text[next..]);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(secrets: &[&str]) -> SentSecrets {
        let mut sent = SentSecrets::new();
        for secret in secrets {
            sent.record(secret);
        }
        sent
    }

    #[test]
    fn secret_is_cut_in_every_encoding() {
        // All reserved characters of the encodings.
        let secret = r#"p4ss "word"&<\/>+%é=:,;'"#;
        let pair = format!("me:{secret}");
        let sent = sent(&[secret, &BASE64_STANDARD.encode(&pair)]);
        let percent: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let twice: String = url::form_urlencoded::byte_serialize(percent.as_bytes()).collect();
        let html = secret.replace('&', "&amp;").replace('<', "&lt;");
        let html = html.replace('>', "&#62;").replace('"', "&quot;");
        let json = serde_json::to_string(secret).unwrap();
        let ascii: String = secret
            .encode_utf16()
            .map(|unit| format!("\\u{unit:04x}"))
            .collect();
        let forms = [
            secret.to_owned(),
            percent.to_lowercase(),
            percent,
            twice,
            html,
            json.trim_matches('"').to_owned(),
            ascii,
            BASE64_STANDARD.encode(secret),
            BASE64_URL_SAFE.encode(secret),
            BASE64_STANDARD.encode(&pair),
            BASE64_URL_SAFE.encode(&pair),
            BASE64_STANDARD.encode(BASE64_STANDARD.encode(&pair)),
            secret.bytes().map(|byte| format!("{byte:02X}")).collect(),
        ];
        for form in forms {
            let shown = sent.cut(&format!("Basic {form}, x")).into_owned();
            let rest = shown.replace(['…', '='], "");
            assert_eq!(rest, "Basic , x", "{form}");
        }
    }

    #[test]
    fn password_is_cut_behind_any_user() {
        let sent = sent(&["c0rrect-horse"]);
        for user in ["", "a", "ab", "abc"] {
            let pair = BASE64_STANDARD.encode(format!("{user}:c0rrect-horse"));
            let shown = sent.cut(&pair);
            let core = &pair[pair.len() - 14..pair.len() - 4];
            assert!(
                shown.contains('…') && !shown.contains(core),
                "{pair}: {shown}"
            );
        }
    }

    #[test]
    fn long_token_is_cut_also_where_it_is_quoted_in_part() {
        let token = format!("eyJhbGciOiJSUzI1NiJ9.{}", "x7Fq-_K2".repeat(40));
        let sent = sent(&[&token]);
        let cases = [
            (format!("token {token} is old"), "token … is old"),
            (
                format!("token {}... is old", &token[..18]),
                "token …... is old",
            ),
            (format!("token {}", &token[..8]), "token …"),
            (format!("{token}{token}"), "…"),
        ];
        for (text, expected) in cases {
            assert_eq!(sent.cut(&text), expected);
        }
    }

    #[test]
    fn secret_is_cut_as_a_parser_of_urls_writes_it() {
        let sent = sent(&["Pass\\word"]);
        for text in [r"h/Pass\word", "h/Pass/word", r"pass\word.h"] {
            assert!(sent.cut(text).contains('…'), "{text}");
        }
    }

    #[test]
    fn short_secret_is_cut_as_a_word() {
        let sent = sent(&["ab", "pass"]);
        assert_eq!(
            sent.cut("pass, (pass) passed ab bypass"),
            "…, (…) passed ab bypass"
        );
    }

    #[test]
    fn text_without_a_secret_stays() {
        let sent = sent(&["c0rrect-horse"]);
        for text in ["c0rrect-hors3", "", "é%zz\\u12", "&amp; &#x; %25", "100%"] {
            assert!(matches!(sent.cut(text), Cow::Borrowed(_)), "{text}");
        }
    }

    #[test]
    fn oldest_forms_are_removed() {
        let mut sent = sent(&["the-first-secret"]);
        for number in 0..MAX_FORMS {
            sent.record(&format!("{number:06}-secret"));
        }
        assert_eq!(sent.order.len(), MAX_FORMS);
        assert_eq!(sent.cut("the-first-secret"), "the-first-secret");
        let kept: usize = sent.forms.values().map(BTreeSet::len).sum();
        assert_eq!(kept + sent.words.len(), MAX_FORMS);
    }
}
