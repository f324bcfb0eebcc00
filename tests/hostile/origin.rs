//! The strings that arrive from elsewhere, and how a hostile one is planted.

use std::fmt::Write;

use serde_json::{Value, json};
use testkit::Chart;
use testkit::proxy::{Action, Reply, Rule};

use super::form::Form;
use super::stage::{INDEX, MANIFEST, Stage};

/// A row of the matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Tag,
    Digest,
    MediaType,
    Annotation,
    Platform,
    Link,
    Location,
    Realm,
    Scope,
    ErrorText,
    Subject,
    ArtifactType,
    ChartText,
    List,
    Lock,
    Config,
    Targets,
    Report,
    GitConfiguration,
}

pub(super) const ORIGINS: [Origin; 19] = [
    Origin::Tag,
    Origin::Digest,
    Origin::MediaType,
    Origin::Annotation,
    Origin::Platform,
    Origin::Link,
    Origin::Location,
    Origin::Realm,
    Origin::Scope,
    Origin::ErrorText,
    Origin::Subject,
    Origin::ArtifactType,
    Origin::ChartText,
    Origin::List,
    Origin::Lock,
    Origin::Config,
    Origin::Targets,
    Origin::Report,
    Origin::GitConfiguration,
];

const SYNC: &str = "sync -v --authfile auth.json";

impl Origin {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Tag => "tag in a tag list",
            Self::Digest => "digest of a child",
            Self::MediaType => "media type of a child",
            Self::Annotation => "annotation",
            Self::Platform => "platform, with `--arch-tags`",
            Self::Link => "`Link` of a tag list",
            Self::Location => "`Location` of an upload",
            Self::Realm => "realm of a token server",
            Self::Scope => "service and scope of a challenge",
            Self::ErrorText => "code and message of an error",
            Self::Subject => "subject of a referrer",
            Self::ArtifactType => "artifact type of a referrer",
            Self::ChartText => "image in a chart",
            Self::List => "tag in the list",
            Self::Lock => "digest in the lock",
            Self::Config => "entry in `config.json`",
            Self::Targets => "texts of `targets.json`",
            Self::Report => "texts of a report to merge",
            Self::GitConfiguration => "configuration of the checkout",
        }
    }

    /// Plants the string and returns the command line. `None` if it cannot have the form.
    pub(super) fn plant(self, form: Form, stage: &Stage) -> Option<String> {
        let text = match (form.text(), self.cycle(stage)) {
            (Some(text), _) => text,
            (None, cycle) => cycle?,
        };
        if form.is_echo() && self.is_local() {
            return None;
        }
        let planted = self.plant_in_document(&text, stage);
        let planted = planted.or_else(|| self.plant_in_header(&text, stage));
        planted.or_else(|| self.plant_in_file(&text, stage))
    }

    /// Plants the string in a document of the source.
    fn plant_in_document(self, text: &str, stage: &Stage) -> Option<String> {
        match self {
            Self::Tag => {
                let part = stage.digest_tag();
                let tags = [
                    text.to_owned(),
                    format!("{part}{text}"),
                    format!("{part}.{text}"),
                ];
                stage.answer("/tags/list", &json!({"name": "team/app", "tags": tags}));
            }
            Self::Digest => stage.show_index(|child| child["digest"] = json!(text)),
            Self::MediaType => stage.show_index(|child| child["mediaType"] = json!(text)),
            Self::Annotation => stage.show_index(|child| {
                child["annotations"] = json!({text: text, "vnd.docker.reference.digest": text});
            }),
            Self::Platform => {
                stage.show_index(|child| {
                    child["platform"] = json!({"os": text, "architecture": text,
                        "variant": text, "os.version": text});
                });
                return Some(format!("{SYNC} --arch-tags"));
            }
            Self::ErrorText => {
                let errors = json!({"errors": [{"code": text, "message": text, "detail": text}]});
                let refused = Action::answer(403).body(errors.to_string());
                stage
                    .from
                    .add(Rule::new("GET", "/manifests/").does(refused));
            }
            Self::Subject => stage.show_referrer(&json!({"digest": text, "size": 1}), "a/b"),
            Self::ArtifactType => stage.show_referrer(&stage.image.descriptor(), text),
            _ => return None,
        }
        Some(SYNC.to_owned())
    }

    /// Plants the string in a header of a response.
    fn plant_in_header(self, text: &str, stage: &Stage) -> Option<String> {
        let text = &header_text(text);
        match self {
            Self::Link => {
                let link = format!("<{text}>; rel=\"next\"");
                let list = Action::answer(200).header("link", &link);
                let list = list.body(json!({"name": "team/app", "tags": ["v1"]}).to_string());
                stage.from.add(Rule::new("GET", "/tags/list").does(list));
            }
            Self::Location => {
                let begun = Action::answer(202).header("location", text);
                stage.to.add(Rule::new("POST", "/uploads/").does(begun));
            }
            Self::Realm => stage.challenge(text, "s", "repository:team/app:pull"),
            Self::Scope => {
                let realm = format!("http://{}/token", stage.from.host());
                stage.challenge(&realm, text, text);
            }
            _ => return None,
        }
        Some(SYNC.to_owned())
    }

    /// Plants the string in a file of the checkout, and returns the command that reads the file.
    fn plant_in_file(self, text: &str, stage: &Stage) -> Option<String> {
        let environment = &stage.environment;
        match self {
            Self::ChartText => {
                let chart = Chart::new("web", "1.0.0").pod("web", &json!(text).to_string());
                chart.write(&environment.path("charts"));
                let source = "helm-directory:charts";
                let entry = json!({"versionSource": source, "helmCharts": {"web": {}}});
                environment.write("config.json", json!({"charts": entry}).to_string());
                Some("retrieve-tags --explain".to_owned())
            }
            Self::List => {
                let row = stage.row().replace(" v1\n", &format!(" {text}\n"));
                environment.write("images-list", row);
                Some(SYNC.to_owned())
            }
            Self::Lock => {
                let line = format!(" v1 {text} {INDEX}\n");
                environment.write("images-list.lock", stage.row().replace(" v1\n", &line));
                Some(format!("{SYNC} --locked"))
            }
            Self::Config => {
                let image = format!("{}/team/app", stage.from.host());
                let entry = json!({"versionSource": "registry", "images": [image, text],
                    "versionFilter": text});
                environment.write("config.json", json!({text: entry}).to_string());
                Some("retrieve-tags --explain".to_owned())
            }
            Self::Targets => {
                let target = json!({"prefix": text, "description": text, "platforms": [text]});
                let targets = json!({"targets": {text: target}, "default": [text]});
                environment.write("targets.json", targets.to_string());
                Some(SYNC.to_owned())
            }
            Self::Report => {
                environment.write("report.json", report(text).to_string());
                Some("report merge report.json".to_owned())
            }
            Self::GitConfiguration => {
                stage.commit_with_settings(text);
                Some("sync --changed-since HEAD --dry-run".to_owned())
            }
            _ => None,
        }
    }

    /// Returns the text that leads back to its own origin.
    fn cycle(self, stage: &Stage) -> Option<String> {
        match self {
            Self::Tag => Some(stage.digest_tag()),
            Self::Digest => Some(stage.image.digest().to_string()),
            Self::Link => Some("/v2/team/app/tags/list?n=1000".to_owned()),
            Self::Location => Some("/v2/mirror/app/blobs/uploads/".to_owned()),
            Self::Realm => Some(format!(
                "http://{}/v2/team/app/manifests/v1",
                stage.from.host()
            )),
            Self::Subject => Some(stage.image.digest().to_string()),
            _ => None,
        }
    }

    /// Returns true for files of the user and of pull requests.
    pub(super) fn is_local(self) -> bool {
        matches!(
            self,
            Self::ChartText
                | Self::List
                | Self::Lock
                | Self::Config
                | Self::Targets
                | Self::Report
                | Self::GitConfiguration
        )
    }
}

/// Returns a text as a header can have it: other characters are percent-encoded, and it is shorter than
/// the limit of the headers.
fn header_text(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes().take(60_000) {
        match byte {
            b' '..=b'~' if byte != b'"' => encoded.push(byte.into()),
            _ => write!(encoded, "%{byte:02x}").unwrap(),
        }
    }
    encoded
}

fn report(text: &str) -> Value {
    let row = json!({
        "source": text, "destination": text, "tag": text, "status": "failed", "digest": null,
        "bytes_copied": 0, "warnings": [text], "error": {"message": text, "hint": text},
        "entry": text,
    });
    let summary = json!({
        "rows": 1, "copied": 0, "unchanged": 0, "skipped": 0, "failed": 1, "blobs_copied": 0,
        "blobs_mounted": 0, "blobs_present": 0, "bytes_copied": 0, "requests": 1,
        "duration_seconds": 0.1,
    });
    let entry = json!({"entry": text, "rows": 1, "error": {"message": text, "hint": text}});
    json!({"summary": summary, "rows": [row], "entries": [entry]})
}

impl Stage {
    /// Makes the source respond to GET requests with a document.
    fn answer(&self, path: &str, document: &Value) {
        self.from
            .add(Rule::new("GET", path).does(json_reply(document)));
    }

    /// Makes the source list a referrer of the image with a subject and an artifact type.
    fn show_referrer(&self, subject: &Value, artifact_type: &str) {
        let config = self.source.put_blob("team/app", "{}".into());
        let config =
            json!({"mediaType": "application/vnd.oci.empty.v1+json", "digest": config, "size": 2});
        let referrer = json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config,
            "artifactType": artifact_type, "layers": [], "subject": subject});
        let bytes = referrer.to_string();
        let size = bytes.len();
        let digest = self
            .source
            .put_manifest("team/app", None, MANIFEST, bytes.into());
        let entry = json!({"mediaType": MANIFEST, "digest": digest, "size": size,
            "artifactType": artifact_type});
        let list = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]});
        self.from.add(
            Rule::new("GET", "/referrers/").does(json_reply(&list).header("content-type", INDEX)),
        );
    }
}

fn json_reply(document: &Value) -> Reply {
    Action::answer(200).body(document.to_string())
}
