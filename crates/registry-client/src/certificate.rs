//! The issuer and the dates of a certificate (RFC 5280), for display.

/// The subject, the issuer and the end of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateInfo {
    /// The common name of the subject, or its first name in another form.
    pub subject: Option<String>,
    /// The common name or the organization of the issuer.
    pub issuer: Option<String>,
    /// The end of its validity in RFC 3339.
    pub expires: String,
}

const SEQUENCE: u8 = 0x30;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
/// `[0]`: the version.
const VERSION: u8 = 0xa0;
/// The identifiers of `commonName` and `organizationName`, as they are encoded.
const NAMES: [&[u8]; 2] = [&[0x55, 4, 3], &[0x55, 4, 10]];

impl CertificateInfo {
    /// Parses a certificate in DER, `None` if it is not one.
    pub(crate) fn from_der(der: &[u8]) -> Option<Self> {
        let (_, certificate, _) = value(der)?;
        let (_, mut rest, _) = value(certificate)?;
        if rest.first() == Some(&VERSION) {
            rest = value(rest)?.2;
        }
        // Serial number and algorithm.
        for _ in 0..2 {
            rest = value(rest)?.2;
        }
        let (_, issuer, rest) = value(rest)?;
        let (_, validity, rest) = value(rest)?;
        let (_, subject, _) = value(rest)?;
        let (_, _, end) = value(validity)?;
        let (kind, end, _) = value(end)?;
        Some(Self {
            subject: name(subject),
            issuer: name(issuer),
            expires: time(kind, std::str::from_utf8(end).ok()?)?,
        })
    }
}

/// Splits a value into its tag, its content and what follows.
fn value(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = if first & 0x80 == 0 {
        (usize::from(*first), rest)
    } else {
        let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
        let digits = digits.iter().take(4);
        let length = digits.fold(0, |sum, digit| sum << 8 | usize::from(*digit));
        (length, rest)
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

/// Returns the common name or the organization of a distinguished name.
fn name(mut sets: &[u8]) -> Option<String> {
    let mut found = [None, None];
    while let Some((_, set, rest)) = value(sets) {
        sets = rest;
        let Some((SEQUENCE, attribute, _)) = value(set) else {
            continue;
        };
        let Some((_, identifier, text)) = value(attribute) else {
            continue;
        };
        let place = NAMES.iter().position(|name| *name == identifier);
        if let (Some(place), Some((_, text, _))) = (place, value(text)) {
            found[place] = Some(String::from_utf8_lossy(text).into_owned());
        }
    }
    found.into_iter().flatten().next()
}

/// Formats `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ`.
fn time(kind: u8, text: &str) -> Option<String> {
    let digits = text.strip_suffix('Z')?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits = match (kind, digits.len()) {
        // RFC 5280: years from 50 are those of the last century.
        (UTC_TIME, 12) if digits < "50" => format!("20{digits}"),
        (UTC_TIME, 12) => format!("19{digits}"),
        (GENERALIZED_TIME, 14) => digits.to_owned(),
        _ => return None,
    };
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    let (year, month, day) = (part(0, 4), part(4, 6), part(6, 8));
    let (hour, minute, second) = (part(8, 10), part(10, 12), part(12, 14));
    Some(format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z"))
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;
    use testkit::certificates::Authority;

    use super::*;

    #[test]
    fn issuer_and_dates_are_parsed() {
        let server = Authority::new("a company").server();
        let der = CertificateDer::from_pem_slice(server.certificate().as_bytes()).unwrap();
        let info = CertificateInfo::from_der(&der).unwrap();
        assert_eq!(info.issuer.as_deref(), Some("a company"));
        assert_eq!(info.subject.as_deref(), Some("server"));
        assert_eq!(info.expires, "4096-01-01T00:00:00Z");
        for length in 0..der.len() {
            // Never a panic.
            let _ = CertificateInfo::from_der(&der[..length]);
        }
    }

    #[test]
    fn times_have_two_forms() {
        for (kind, text, expected) in [
            (UTC_TIME, "300102030405Z", Some("2030-01-02T03:04:05Z")),
            (UTC_TIME, "990102030405Z", Some("1999-01-02T03:04:05Z")),
            (
                GENERALIZED_TIME,
                "20500102030405Z",
                Some("2050-01-02T03:04:05Z"),
            ),
            (UTC_TIME, "3001020304Z", None),
            (GENERALIZED_TIME, "2050010203040Z", None),
            (UTC_TIME, "30010203040+Z", None),
        ] {
            assert_eq!(time(kind, text).as_deref(), expected, "{text}");
        }
    }
}
