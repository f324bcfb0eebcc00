//! Public keys for tests and fuzz targets.

/// Returns the PEM text of the key `a`, `b` or `c`; `again` is the key `a`.
pub(crate) fn pem(name: &str) -> Result<String, String> {
    let text = match name {
        "a" | "again" => A,
        "b" => B,
        "c" => C,
        "broken" => "not a key",
        _ => return Err("cannot be read: No such file or directory".to_owned()),
    };
    Ok(text.to_owned())
}

/// Returns a policy of a text with `'` for `"`.
#[cfg(test)]
pub(super) fn policy(text: &str) -> super::Policy {
    super::Policy::parse(&text.replace('\'', "\""), &mut pem).unwrap()
}

/// Returns the problems of a text with `'` for `"`.
#[cfg(test)]
pub(super) fn problems(text: &str) -> Vec<String> {
    let found = super::Policy::parse(&text.replace('\'', "\""), &mut pem).unwrap_err();
    let lines = found.iter();
    lines
        .map(|problem| format!("{}:{}: {problem}", problem.line, problem.column))
        .collect()
}

const A: &str = "\
-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEzglSUQ+qIbX28Fv/ER483D4+SDNZ
870MAg+R8bK8mmDHDyZmq+5SxwcxpamnS6U/7ZryUm8kaN3pUPdldyWt6Q==
-----END PUBLIC KEY-----
";
const B: &str = "\
-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAENwlY4bUJP7z7Et8rQIKNiDVS59se
65H8pZDtcbCTY6+APNEueDLHMCdLzZejRpkSb/rmt1Us8o9i2fRzDTL+WA==
-----END PUBLIC KEY-----
";
const C: &str = "\
-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAExmIzbe8+/+qUNXin5TT7XcxuKnp/
c/tYa63g/THGDdb8mzUQo2wb/U8QzkakX6e/Kk71J7L5hi9VyU9kNd4oxQ==
-----END PUBLIC KEY-----
";
