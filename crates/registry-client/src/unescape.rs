//! Undoing the escapes of URLs, JSON and HTML, with the position of each byte in the original text.

/// A text without its escapes.
pub(crate) struct Unescaped {
    pub(crate) bytes: Vec<u8>,
    /// The span of each byte in the original text.
    spans: Vec<(usize, usize)>,
}

/// A kind of escapes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Escape {
    /// `%41` of URLs.
    Percent,
    /// `\u0041` and `\"` of JSON.
    Backslash,
    /// `&#65;` and `&amp;` of HTML.
    Entity,
    /// Line breaks and other control characters, as Base64 in lines has them. They are left out.
    Control,
}

impl Escape {
    pub(crate) const ALL: [Self; 4] = [Self::Percent, Self::Backslash, Self::Entity, Self::Control];

    fn begins(self, byte: u8) -> bool {
        match self {
            Self::Percent => byte == b'%',
            Self::Backslash => byte == b'\\',
            Self::Entity => byte == b'&',
            Self::Control => byte.is_ascii_control(),
        }
    }
}

/// Named character references of HTML that encoders write.
const ENTITIES: [(&str, u8); 5] = [
    ("amp;", b'&'),
    ("lt;", b'<'),
    ("gt;", b'>'),
    ("quot;", b'"'),
    ("apos;", b'\''),
];

impl Unescaped {
    /// Returns a text as it is.
    pub(crate) fn raw(text: &str) -> Self {
        Self {
            bytes: text.as_bytes().to_vec(),
            spans: (0..text.len()).map(|at| (at, at + 1)).collect(),
        }
    }

    /// Returns the span of bytes in the original text.
    pub(crate) fn range(&self, from: usize, to: usize) -> (usize, usize) {
        let start = self.spans.get(from).map_or(0, |span| span.0);
        let end = to.checked_sub(1).and_then(|last| self.spans.get(last));
        (start, end.map_or(start, |span| span.1))
    }

    /// Undoes one level of one kind of escapes. Returns `None` if there are none.
    pub(crate) fn unescape(&self, escape: Escape) -> Option<Self> {
        if !self.bytes.iter().any(|byte| escape.begins(*byte)) {
            return None;
        }
        let mut unescaped = Self {
            bytes: Vec::with_capacity(self.bytes.len()),
            spans: Vec::with_capacity(self.bytes.len()),
        };
        let mut has_escapes = false;
        let mut at = 0;
        while let Some(byte) = self.bytes.get(at) {
            let rest = &self.bytes[at + 1..];
            let escape = match escape {
                _ if !escape.begins(*byte) => None,
                Escape::Percent => percent(rest),
                Escape::Backslash => backslash(rest),
                Escape::Entity => entity(rest),
                Escape::Control => Some((0, Decoded::Nothing)),
            };
            let Some((length, decoded)) = escape else {
                unescaped.push(&[*byte], self.spans[at]);
                at += 1;
                continue;
            };
            has_escapes = true;
            let span = self.range(at, at + 1 + length);
            match decoded {
                Decoded::Nothing => {}
                Decoded::Byte(byte) => unescaped.push(&[byte], span),
                Decoded::Character(c) => {
                    unescaped.push(c.encode_utf8(&mut [0; 4]).as_bytes(), span);
                }
            }
            at += 1 + length;
        }
        has_escapes.then_some(unescaped)
    }

    fn push(&mut self, bytes: &[u8], span: (usize, usize)) {
        for byte in bytes {
            self.bytes.push(*byte);
            self.spans.push(span);
        }
    }
}

enum Decoded {
    Nothing,
    Byte(u8),
    Character(char),
}

fn number(digits: Option<&[u8]>, radix: u32) -> Option<u32> {
    let digits = std::str::from_utf8(digits?).ok()?;
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_alphanumeric());
    u32::from_str_radix(digits, radix).ok().filter(|_| is_plain)
}

fn percent(rest: &[u8]) -> Option<(usize, Decoded)> {
    let byte = number(rest.get(..2), 16)?;
    Some((2, Decoded::Byte(u8::try_from(byte).ok()?)))
}

fn backslash(rest: &[u8]) -> Option<(usize, Decoded)> {
    match rest.first()? {
        b'u' => {
            let unit = number(rest.get(1..5), 16)?;
            match char::from_u32(unit) {
                Some(c) => Some((5, Decoded::Character(c))),
                None => surrogates(unit, rest),
            }
        }
        b'x' => {
            let byte = number(rest.get(1..3), 16)?;
            Some((3, Decoded::Byte(u8::try_from(byte).ok()?)))
        }
        byte if byte.is_ascii_punctuation() => Some((1, Decoded::Byte(*byte))),
        _ => None,
    }
}

/// Decodes `uD83D\uDE00`: JSON escapes characters beyond U+FFFF as two surrogates.
fn surrogates(first: u32, rest: &[u8]) -> Option<(usize, Decoded)> {
    let second = rest
        .get(5..7)
        .filter(|start| start == b"\\u")
        .and_then(|_| number(rest.get(7..11), 16))?;
    let units = [u16::try_from(first).ok()?, u16::try_from(second).ok()?];
    let c = char::decode_utf16(units).next()?.ok()?;
    Some((11, Decoded::Character(c)))
}

fn entity(rest: &[u8]) -> Option<(usize, Decoded)> {
    if let Some((name, byte)) = ENTITIES
        .iter()
        .find(|(name, _)| rest.starts_with(name.as_bytes()))
    {
        return Some((name.len(), Decoded::Byte(*byte)));
    }
    let digits = rest.strip_prefix(b"#")?;
    let end = digits.iter().take(9).position(|byte| *byte == b';')?;
    let code = match digits[..end].split_first()? {
        (b'x' | b'X', hex) => number(Some(hex), 16)?,
        _ => number(digits.get(..end), 10)?,
    };
    Some((end + 2, Decoded::Character(char::from_u32(code)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_undone_once_with_their_positions() {
        let cases = [
            (Escape::Percent, "a%2Fb%2f\\/", Some("a/b/\\/")),
            (Escape::Percent, "%2525", Some("%25")),
            (Escape::Percent, "%zz %+1 %", None),
            (
                Escape::Backslash,
                r#"\"\u0041\u00e9\/\\n"#,
                Some("\"Aé/\\n"),
            ),
            (Escape::Backslash, r"\ud83d\ude00", Some("😀")),
            (Escape::Backslash, r"\ud83d\ud83d \n \", None),
            (Escape::Entity, "&amp;&lt;&#39;&#x3e;&gt;", Some("&<'>>")),
            (Escape::Entity, "&# &#; &#xffffffff; &#+1;", None),
            (Escape::Control, "a\r\nb", Some("ab")),
            (Escape::Control, "é", None),
        ];
        for (escape, text, expected) in cases {
            let unescaped = Unescaped::raw(text).unescape(escape);
            let found = unescaped.map(|found| String::from_utf8(found.bytes).unwrap());
            assert_eq!(found.as_deref(), expected, "{escape:?} {text}");
        }
        let twice = Unescaped::raw("x%2541y").unescape(Escape::Percent).unwrap();
        let twice = twice.unescape(Escape::Percent).unwrap();
        assert_eq!(twice.bytes, b"xAy");
        assert_eq!(twice.range(1, 2), (1, 6));
    }
}
