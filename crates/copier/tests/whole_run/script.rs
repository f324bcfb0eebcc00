//! A whole run, generated from the bytes of an input.

use std::fmt::Write;
use std::time::Duration;

use copier::{Approval, MovedTag, NarrowedIndex, Options, PlatformSelection, Row};
use serde_json::json;

use super::behavior::Fault;
use super::choices::Choices;
use super::contents::Contents;
use super::documents::{Image, artifact, image, list};
use super::hosts::{Hosts, Role};
use super::server::{Auth, ServerScript};
use super::words;

/// The row timeout of runs that have one: five minutes, scaled.
const ROW_TIMEOUT: Duration = Duration::from_secs(3);

/// A run: its rows, its options, and the servers.
#[derive(Debug)]
pub struct Script {
    pub rows: Vec<ScriptRow>,
    pub options: Options,
    pub servers: Vec<ServerScript>,
    /// The time after which the run is interrupted.
    pub stop_after: Option<Duration>,
    /// The stored credentials are identity tokens, not passwords.
    pub identity_tokens: bool,
}

/// A row, in parts that the judge compares with requests.
#[derive(Debug)]
pub struct ScriptRow {
    pub from: Role,
    pub source: &'static str,
    pub repository: &'static str,
    pub tag: &'static str,
    pub row: Row,
}

/// Source, its repository and tag; repository and tag at the destination.
const ROWS: [(Role, &str, &str, &str, &str); 6] = [
    (Role::Source, "team/app", "v1", "mirror/app", "v1"),
    (Role::Source, "team/tool", "v2", "mirror/tool", "v2"),
    (Role::Other, "team/app", "v1", "mirror/other", "v1"),
    (Role::Source, "team/app", "v2", "mirror/app", "v2"),
    (Role::Other, "team/tool", "v2", "mirror/tool", "v2"),
    (Role::Destination, "base/app", "v1", "mirror/promoted", "v1"),
];

impl Script {
    pub fn generate(input: &[u8], hosts: &Hosts) -> Self {
        let choices = &mut Choices::new(input);
        let options = options(choices);
        let stop_after = choices
            .one_in(12)
            .then(|| Duration::from_millis(*choices.pick(&[5, 50, 400])));
        let identity_tokens = choices.one_in(8);
        let mut servers: Vec<_> = Role::ALL
            .map(|role| ServerScript {
                role,
                auth: auth(role, choices, hosts),
                contents: Contents::default(),
                faults: Vec::new(),
            })
            .into();
        let count = *choices.pick(&[3, 1, 2, 4, 5, 6]);
        let mut rows = Vec::new();
        for &(from, source, reference, repository, tag) in &ROWS[..count] {
            let seed = *choices.pick(&[1, 2]);
            let image = fill_source(
                &mut servers[from as usize],
                (source, reference),
                choices,
                hosts,
                seed,
            );
            let destination = &mut servers[Role::Destination as usize].contents;
            fill_destination(destination, (repository, tag), &image, choices, hosts);
            let from_name = name(hosts, from, source, reference);
            let to_name = name(hosts, Role::Destination, repository, tag);
            rows.push(ScriptRow {
                from,
                source,
                repository,
                tag,
                row: Row {
                    approved: approval(&image, choices).map(Box::new),
                    ..Row::new(from_name, to_name)
                },
            });
        }
        let victim = artifact(&mut Choices::new(&[]), hosts, 99, None);
        for repository in ["victim/app", "mirror/app"] {
            let destination = &mut servers[Role::Destination as usize].contents;
            destination.add_image(repository, &victim, Some("prod"));
        }
        add_faults(&mut servers, choices, hosts);
        Self {
            rows,
            options,
            servers,
            stop_after,
            identity_tokens,
        }
    }
}

fn add_faults(servers: &mut [ServerScript], choices: &mut Choices<'_>, hosts: &Hosts) {
    let roles = [
        Role::Destination,
        Role::Source,
        Role::Destination,
        Role::Other,
        Role::Outsider,
    ];
    for _ in 0..*choices.pick(&[1, 0, 2, 3, 5, 8]) {
        let role = *choices.pick(&roles);
        let fault = Fault::generate(choices, hosts);
        servers[role as usize].faults.push(fault);
    }
}

impl Script {
    /// Describes the deviations from honest servers.
    pub fn describe(&self) -> String {
        let mut text = format!("{:#?}\nstop after {:?}\n", self.options, self.stop_after);
        for row in &self.rows {
            writeln!(text, "{:?}", row.row).ok();
        }
        for server in &self.servers {
            writeln!(text, "{:?}: {:?}", server.role, server.auth).ok();
            for fault in &server.faults {
                writeln!(text, "    {fault:?}").ok();
            }
        }
        text
    }
}

fn name(
    hosts: &Hosts,
    role: Role,
    repository: &str,
    tag: &str,
) -> oci_spec::distribution::Reference {
    let name = format!("{}/{repository}:{tag}", hosts.name(role));
    name.parse().unwrap()
}

fn options(choices: &mut Choices<'_>) -> Options {
    let platforms = ["linux/amd64", "linux/arm64"];
    let platforms = choices.one_in(6).then(|| PlatformSelection {
        platforms: vec![choices.pick(&platforms).parse().unwrap()],
        index: *choices.pick(&[NarrowedIndex::Rebuilt, NarrowedIndex::Sparse]),
    });
    Options {
        platforms,
        arch_tags: choices.one_in(4),
        referrers: !choices.one_in(6),
        overwrite_signatures: choices.one_in(6),
        dry_run: choices.one_in(12),
        moved: *choices.pick(&[MovedTag::Kept, MovedTag::Kept, MovedTag::Refused]),
        grace: Duration::from_millis(50),
        trust_lock: choices.one_in(6),
        row_timeout: (!choices.one_in(4)).then_some(ROW_TIMEOUT),
        stall_patience: Duration::from_millis(100),
        ..Options::default()
    }
}

fn auth(role: Role, choices: &mut Choices<'_>, hosts: &Hosts) -> Auth {
    let own_realm = format!("http://{}/token", hosts.name(role));
    match choices.up_to(9) {
        0..=3 => Auth::Bearer(own_realm),
        4..=6 => Auth::Basic,
        7 | 8 => Auth::None,
        _ => Auth::Bearer(words::url(choices, hosts).replace(['\r', '\n', '"'], " ")),
    }
}

/// Adds an image with its referrers and digest tags to a source.
fn fill_source(
    server: &mut ServerScript,
    (repository, reference): (&str, &str),
    choices: &mut Choices<'_>,
    hosts: &Hosts,
    seed: u64,
) -> Image {
    let contents = &mut server.contents;
    let image = image(choices, hosts, seed);
    contents.add_image(repository, &image, Some(reference));
    let hex = image.root.digest.replace(':', "-");
    for number in 0..choices.up_to(3) as u64 {
        let signature = artifact(choices, hosts, 10 + number, Some(&image.root));
        let suffixes = ["", ".sig", ".att", ".sbom", ".evil", "./../prod"];
        let suffix = *choices.pick(&suffixes);
        contents.add_image(repository, &signature, Some(&format!("{hex}{suffix}")));
        if choices.one_in(2) {
            let mut listed = vec![signature.root.descriptor()];
            // The subject itself, and a cycle.
            listed.extend(choices.one_in(3).then(|| image.root.descriptor()));
            let value = json!({"schemaVersion": 2, "mediaType": super::documents::INDEX, "manifests": listed});
            let (one, other) = (
                list(value.clone(), choices, hosts),
                list(value, choices, hosts),
            );
            let lists = contents.referrers.get_or_insert_default();
            lists.insert(image.root.digest.clone(), one);
            if choices.one_in(2) {
                lists.insert(signature.root.digest.clone(), other);
            }
        }
    }
    if choices.one_in(4) {
        let mut tags: Vec<_> = contents
            .tags(repository)
            .into_iter()
            .map(str::to_owned)
            .collect();
        let count = *choices.pick(&[1, 4, 3_000]);
        tags.extend((0..count).map(|number| format!("{hex}.s{number}")));
        tags.push(words::text(choices, hosts));
        let value = json!({"name": repository, "tags": tags});
        let value = list(value, choices, hosts);
        contents.tag_lists.insert(repository.to_owned(), value);
    }
    image
}

/// Adds content of an earlier run, or of another client, to the destination.
fn fill_destination(
    contents: &mut Contents,
    (repository, tag): (&str, &str),
    image: &Image,
    choices: &mut Choices<'_>,
    hosts: &Hosts,
) {
    match choices.up_to(5) {
        4 => contents.add_image(repository, image, Some(tag)),
        5 => {
            let old = artifact(choices, hosts, 50, None);
            contents.add_image(repository, &old, Some(tag));
            let signature = format!("{}.sig", image.root.digest.replace(':', "-"));
            contents.add_image(repository, &old, Some(&signature));
        }
        _ => {}
    }
    if choices.one_in(3) {
        contents.referrers.get_or_insert_default();
    }
}

fn approval(image: &Image, choices: &mut Choices<'_>) -> Option<Approval> {
    let digest = match choices.up_to(7) {
        5 => image.root.digest.clone(),
        6 => image.children.first().map(|child| child.digest.clone())?,
        7 => embedded_registry::digest_of(b"another").to_string(),
        _ => return None,
    };
    let mut approval = Approval::from(digest.parse::<image_name::Digest>().ok()?);
    approval.mutable = choices.one_in(4);
    approval.attached = choices.one_in(3).then(Vec::new);
    Some(approval)
}
