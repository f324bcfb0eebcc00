//! The ways in which a server deviates from the specification.

use std::time::Duration;

use testkit::proxy::RequestKind;

use super::choices::Choices;
use super::hosts::Hosts;
use super::words;

/// A deviation from the honest response to some requests.
#[derive(Clone, Debug)]
pub struct Fault {
    /// The kind of request.
    pub kind: RequestKind,
    /// The number of requests of this kind that get the honest response first.
    pub after: usize,
    /// The number of requests after those that get the fault.
    pub times: usize,
    pub behavior: Behavior,
}

#[derive(Clone, Debug)]
pub enum Behavior {
    /// Another status, with headers and a text.
    Status(u16, Vec<(String, String)>, Text),
    /// The honest response with other headers.
    Headers(Vec<(String, String)>),
    /// The honest response with another body.
    Body(Text),
    /// The honest response, sent in another way.
    Delivery(Delivery),
    /// The honest response before the body of the request has been read.
    Early,
    /// The honest response with a `Link` to another page, without an end.
    Pages,
}

/// The text of a body.
#[derive(Clone, Debug)]
pub enum Text {
    Fixed(String),
    /// The error document that quotes the request's `Authorization`.
    Echo,
}

/// The way in which a response is sent.
#[derive(Clone, Copy, Debug, Default)]
pub enum Delivery {
    #[default]
    Whole,
    /// The body in parts of this many bytes.
    Drip(usize, Duration),
    /// The connection ends after this many bytes of the body.
    Cut(usize),
    /// Nothing follows after this many bytes of the body.
    Stall(usize),
    /// The body never ends.
    Endless,
    /// This many spaces follow the body.
    Padded(usize),
    /// `Content-Length` is longer by this number of bytes.
    Length(i64),
    /// The connection ends without a response.
    Close,
    /// No response follows.
    Silence,
    /// The response is not HTTP.
    Garbage,
    /// The headers never end.
    HeaderFlood,
    /// Informational responses without an end.
    InterimFlood,
    /// The response follows after a time.
    Late(Duration),
}

const STATUSES: [u16; 34] = [
    404, 401, 403, 429, 500, 503, 200, 201, 202, 204, 206, 301, 302, 303, 304, 307, 308, 400, 405,
    406, 407, 408, 409, 410, 413, 416, 417, 421, 451, 501, 502, 504, 599, 999,
];

const HEADERS: [&str; 16] = [
    "location",
    "link",
    "docker-content-digest",
    "content-type",
    "www-authenticate",
    "range",
    "retry-after",
    "ratelimit-remaining",
    "docker-upload-uuid",
    "oci-chunk-min-length",
    "oci-subject",
    "oci-filters-applied",
    "content-range",
    "content-encoding",
    "warning",
    "set-cookie",
];

/// The kinds of requests whose responses name where the client goes next.
const LEADING: [RequestKind; 8] = [
    RequestKind::UploadPost,
    RequestKind::Mount,
    RequestKind::UploadPatch,
    RequestKind::UploadPut,
    RequestKind::ManifestPut,
    RequestKind::BlobGet,
    RequestKind::ManifestGet,
    RequestKind::ManifestHead,
];

impl Fault {
    pub fn generate(choices: &mut Choices<'_>, hosts: &Hosts) -> Self {
        if choices.one_in(3) {
            return Self::leading_elsewhere(choices, hosts);
        }
        Self {
            kind: *choices.pick(&RequestKind::ALL),
            after: *choices.pick(&[0, 0, 1, 2, 5]),
            times: *choices.pick(&[1, 3, usize::MAX]),
            behavior: Behavior::generate(choices, hosts),
        }
    }

    /// A session or a redirect to any URL.
    fn leading_elsewhere(choices: &mut Choices<'_>, hosts: &Hosts) -> Self {
        let location = ("location".to_owned(), words::url(choices, hosts));
        let behavior = match choices.up_to(2) {
            0 => Behavior::Headers(vec![location]),
            1 => Behavior::Status(307, vec![location], Text::Fixed(String::new())),
            _ => Behavior::Status(202, vec![location], Text::Fixed(String::new())),
        };
        Self {
            kind: *choices.pick(&LEADING),
            after: *choices.pick(&[0, 0, 1, 3]),
            times: usize::MAX,
            behavior,
        }
    }
}

impl Behavior {
    fn generate(choices: &mut Choices<'_>, hosts: &Hosts) -> Self {
        match choices.up_to(11) {
            0..=3 => {
                let status = *choices.pick(&STATUSES);
                let mut headers = some_headers(choices, hosts);
                if (300..400).contains(&status) {
                    headers.push(("location".to_owned(), words::url(choices, hosts)));
                }
                Self::Status(status, headers, Text::generate(choices, hosts))
            }
            4..=6 => Self::Headers(some_headers(choices, hosts)),
            7 => Self::Body(Text::generate(choices, hosts)),
            8 => Self::Pages,
            9 => Self::Early,
            _ => Self::Delivery(Delivery::generate(choices)),
        }
    }
}

impl Text {
    fn generate(choices: &mut Choices<'_>, hosts: &Hosts) -> Self {
        match choices.up_to(6) {
            0 => Self::Echo,
            1 => Self::Fixed(String::new()),
            2 => Self::Fixed("<html>nothing here</html>".to_owned()),
            3 => Self::Fixed(format!(
                r#"{{"errors":[{{"code":"{}","message":"x","detail":"sha256:0"}}]}}"#,
                *choices.pick(&["BLOB_UNKNOWN", "MANIFEST_BLOB_UNKNOWN", "TOOMANYREQUESTS"])
            )),
            4 => Self::Fixed(
                (*choices.pick(&[
                    r#"{"token":"","access_token":"x"}"#,
                    r#"{"token":"a b\r\nx: y","expires_in":-1}"#,
                    r#"{"token":"x","expires_in":1e300,"refresh_token":"y"}"#,
                    r#"{"token":7}"#,
                    r#"{"tags":null,"manifests":null}"#,
                ]))
                .to_owned(),
            ),
            _ => Self::Fixed(words::text(choices, hosts)),
        }
    }
}

impl Delivery {
    fn generate(choices: &mut Choices<'_>) -> Self {
        let bytes = *choices.pick(&[0, 1, 100, 30_000]);
        let pause = Duration::from_millis(*choices.pick(&[20, 1, 100, 290]));
        match choices.up_to(11) {
            0 => Self::Drip(*choices.pick(&[1, 50, 5_000]), pause),
            1 => Self::Cut(bytes),
            2 => Self::Stall(bytes),
            3 => Self::Endless,
            4 => Self::Length(*choices.pick(&[1, -1, 1 << 40])),
            5 => Self::Close,
            6 => Self::Silence,
            7 => Self::Garbage,
            8 => Self::HeaderFlood,
            9 => Self::InterimFlood,
            10 => Self::Padded(*choices.pick(&[1, 3 << 20, 7 << 20, 60 << 20])),
            _ => Self::Late(pause),
        }
    }
}

fn some_headers(choices: &mut Choices<'_>, hosts: &Hosts) -> Vec<(String, String)> {
    (0..=choices.up_to(1))
        .map(|_| {
            let name = *choices.pick(&HEADERS);
            (name.to_owned(), header_value(name, choices, hosts))
        })
        .collect()
}

fn header_value(name: &str, choices: &mut Choices<'_>, hosts: &Hosts) -> String {
    let one_of = |choices: &mut Choices<'_>, table: &[&str]| (*choices.pick(table)).to_owned();
    let value = match (name, choices.up_to(3)) {
        (_, 3) => words::text(choices, hosts),
        ("location", _) => words::url(choices, hosts),
        ("link", _) => format!("<{}>; rel=\"next\"", words::url(choices, hosts)),
        ("www-authenticate", 0) => "Basic realm=\"x\"".to_owned(),
        ("www-authenticate", _) => {
            let scope = words::text(choices, hosts).replace('"', "'");
            format!(
                "{},scope=\"{scope}\"",
                challenge(&words::url(choices, hosts))
            )
        }
        ("range" | "content-range", _) => one_of(
            choices,
            &[
                "0-0",
                "0-",
                "bytes=0-5",
                "5-0",
                "0-99999999999999",
                "bytes 9-9/9",
                "-1",
                "bytes */0",
            ],
        ),
        ("retry-after", _) => one_of(
            choices,
            &[
                "0",
                "1",
                "2",
                "4",
                "-1",
                "99999999999999999999",
                "Wed, 21 Oct 2099 07:28:00 GMT",
            ],
        ),
        ("ratelimit-remaining", _) => one_of(
            choices,
            &["0;w=21600", "1;w=21600", "3;w=21600", "0;w=1", "-1;w=x"],
        ),
        ("oci-chunk-min-length", _) => one_of(
            choices,
            &["1", "0", "-1", "99999999", "99999999999999999999"],
        ),
        _ => words::text(choices, hosts),
    };
    // Other bytes would end the header.
    value.replace(['\r', '\n', '\0'], " ")
}

/// Returns a challenge that names a realm.
pub fn challenge(realm: &str) -> String {
    format!("Bearer realm=\"{realm}\",service=\"registry\"")
}
