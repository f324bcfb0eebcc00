//! Reading the objects of a stream.

use std::io::{BufReader, Read};

use serde_json::value::RawValue;

use crate::container_settings::SettingsCache;
use crate::controller::Controller;
use crate::custom_object::{extracted, may_have_images};
use crate::document_item::DocumentItem;
use crate::image_use::{FoundImages, ImageUse};
use crate::json_stream::{self, without_position};
use crate::known_kind::KnownKind;
use crate::manifest::{
    Manifest, Metadata, NodeStatus, PodSpec, PodStatus, PodTemplate, WorkloadSpec, WorkloadStatus,
};
use crate::node::Node;
use crate::object::{Object, Role};
use crate::pod::{self, Pod};
use crate::read_error::ReadError;
use crate::unread_fields::without_unread_fields;
use crate::yaml_stream;

/// The size of a read, in bytes.
const READ: usize = 256 * 1024;
/// The length of the start that decides on the format, in bytes.
const START: u64 = 4096;
/// Maximum depth of lists in lists.
const MAX_LISTS: u8 = 4;

/// Reads the output of `kubectl get -o json` or `-o yaml`: objects and lists, one or several documents.
/// Returns the number of objects.
///
/// # Errors
///
/// [`ReadError`] for a failed read, and for text that is not Kubernetes objects. Objects before it were passed
/// to `sink`.
pub fn read_objects(mut reader: impl Read, sink: &mut dyn FnMut(Object)) -> Result<u64, ReadError> {
    let mut objects = ObjectReader {
        sink,
        settings: SettingsCache::default(),
        count: 0,
    };
    let mut start = Vec::new();
    reader.by_ref().take(START).read_to_end(&mut start)?;
    if start.starts_with(&[0xff, 0xfe]) || start.starts_with(&[0xfe, 0xff]) {
        return Err(ReadError::Utf16);
    }
    if start.starts_with(b"\xef\xbb\xbf") {
        start.drain(..3);
    }
    let first = start.trim_ascii_start().first().copied();
    let reader = BufReader::with_capacity(READ, start.chain(reader));
    match first {
        None => return Err(ReadError::Empty),
        Some(b'{' | b'[') => json_stream::cut(reader, &mut |item| objects.json(item, 0))?,
        Some(_) => yaml_stream::cut(reader, &mut |item| objects.yaml(item))?,
    }
    Ok(objects.count)
}

struct ObjectReader<'s> {
    sink: &'s mut dyn FnMut(Object),
    settings: SettingsCache,
    count: u64,
}

impl ObjectReader<'_> {
    fn yaml(&mut self, item: DocumentItem<'_>) -> Result<(), ReadError> {
        let syntax = |reason: &str| ReadError::Syntax {
            line: item.line,
            format: "YAML",
            reason: reason.to_owned(),
        };
        let text = std::str::from_utf8(item.text).map_err(|_| syntax("it is not UTF-8"))?;
        let json = extraction::json_from_yaml(&without_unread_fields(text));
        // A value that is left out may have an anchor.
        let json = json.or_else(|| extraction::json_from_yaml(text));
        let json = json.ok_or_else(|| syntax("the object that begins here does not parse"))?;
        self.json(
            DocumentItem {
                text: json.as_bytes(),
                ..item
            },
            0,
        )
    }

    /// Reads an object, or the objects of a list.
    fn json(&mut self, item: DocumentItem<'_>, lists: u8) -> Result<(), ReadError> {
        let no_object = |reason: &str| ReadError::NotAnObject {
            line: item.line,
            reason: reason.to_owned(),
        };
        let text = std::str::from_utf8(item.text).map_err(|_| no_object("it is not UTF-8"))?;
        if !text.trim_ascii_start().starts_with('{') {
            return Err(no_object("it has no fields, such as `kind`"));
        }
        let manifest: Manifest<'_> =
            serde_json::from_str(text).map_err(|error| no_object(&without_position(&error)))?;
        if let Some(items) = manifest.items.filter(|items| items.get().starts_with('[')) {
            let items: Vec<&RawValue> = serde_json::from_str(items.get())
                .map_err(|error| no_object(&without_position(&error)))?;
            if lists == MAX_LISTS {
                return Err(no_object("lists are nested too deep"));
            }
            for one in items {
                let one = DocumentItem {
                    text: one.get().as_bytes(),
                    line: item.line,
                    list: Some(item.text),
                };
                self.json(one, lists + 1)?;
            }
            return Ok(());
        }
        let (kind, api_version) = match &manifest.kind {
            Some(kind) => (kind.clone(), manifest.api_version.clone()),
            None => kind_from_list(item.list).ok_or_else(|| no_object("it has no `kind`"))?,
        };
        let object = self.object(&manifest, text, (kind, api_version));
        self.count += 1;
        (self.sink)(object);
        Ok(())
    }

    fn object(
        &mut self,
        manifest: &Manifest<'_>,
        text: &str,
        (kind, api_version): (String, Option<String>),
    ) -> Object {
        let mut found = FoundImages::default();
        let known = KnownKind::new(&kind, api_version.as_deref().unwrap_or_default());
        let role = known.and_then(|known| self.known(&mut found, known, manifest));
        let role = role.unwrap_or_else(|| {
            found = FoundImages::default();
            self.custom(&mut found, manifest, (&kind, text));
            Role::Other
        });
        let none = Metadata::default();
        let metadata = manifest.metadata.as_ref().unwrap_or(&none);
        let name = metadata.name.as_ref().or(metadata.generate_name.as_ref());
        Object {
            kind,
            namespace: metadata.namespace.clone().filter(|name| !name.is_empty()),
            name: name.cloned().unwrap_or_default(),
            controller: controller(metadata),
            role,
            images: found.images,
            invalid: found.invalid,
        }
    }

    /// Reads an object with known fields. Returns `None` if they have other types.
    fn known(
        &mut self,
        found: &mut FoundImages,
        kind: KnownKind,
        manifest: &Manifest<'_>,
    ) -> Option<Role> {
        match kind {
            KnownKind::Pod => {
                let spec: PodSpec<'_> = parsed(manifest.spec)?;
                let status: PodStatus = parsed(manifest.status)?;
                let node = spec.node_name.clone().filter(|node| !node.is_empty());
                pod::add_images(found, "spec", (&spec, status), &mut self.settings);
                let deployment = manifest.metadata.as_ref().and_then(deployment);
                Some(Role::Pod(Pod { node, deployment }))
            }
            KnownKind::Node => Some(Role::Node(Node::new(parsed::<NodeStatus<'_>>(
                manifest.status,
            )?))),
            KnownKind::PodTemplate => {
                let raw = manifest.template?;
                let template: PodTemplate<'_> = serde_json::from_str(raw.get()).ok()?;
                let architectures = self.template(found, "template", template);
                Some(Role::Workload {
                    architectures,
                    is_idle: true,
                })
            }
            KnownKind::Workload => {
                let raw = manifest.spec?;
                let spec: WorkloadSpec<'_> = serde_json::from_str(raw.get()).ok()?;
                let status: WorkloadStatus = parsed(manifest.status)?;
                let is_idle = spec.replicas.as_ref().and_then(|count| count.number()) == Some(0)
                    || spec
                        .suspend
                        .as_ref()
                        .is_some_and(|suspend| suspend.is_true())
                    || status.completion_time.is_some();
                let architectures = self.workload(found, spec);
                Some(Role::Workload {
                    architectures,
                    is_idle,
                })
            }
        }
    }

    fn workload(&mut self, found: &mut FoundImages, spec: WorkloadSpec<'_>) -> Vec<String> {
        let mut architectures = Vec::new();
        if let Some(template) = spec.template {
            architectures = self.template(found, "spec.template", template);
        }
        let job = spec.job_template.and_then(|template| template.spec);
        if let Some(template) = job.and_then(|job| job.template) {
            architectures = self.template(found, "spec.jobTemplate.spec.template", template);
        }
        architectures
    }

    fn template(
        &mut self,
        found: &mut FoundImages,
        path: &str,
        template: PodTemplate<'_>,
    ) -> Vec<String> {
        let spec = template.spec.unwrap_or_default();
        let path = format!("{path}.spec");
        pod::add_images(
            found,
            &path,
            (&spec, PodStatus::default()),
            &mut self.settings,
        );
        pod::required_architectures(&spec)
    }

    /// Reads an object of any other kind: its template of pods, if it has one where workloads have it, and
    /// everything that is an image by its key or form.
    fn custom(
        &mut self,
        found: &mut FoundImages,
        manifest: &Manifest<'_>,
        (kind, text): (&str, &str),
    ) {
        if kind == "CustomResourceDefinition" || !may_have_images(text) {
            return;
        }
        let spec = manifest.spec.map(RawValue::get);
        if let Some(spec) = spec.and_then(|spec| serde_json::from_str(spec).ok()) {
            self.workload(found, spec);
        }
        for (image, place) in extracted(text) {
            if !found.contains(&image) {
                found.images.push(ImageUse {
                    image,
                    place,
                    running: None,
                });
            }
        }
    }
}

/// Parses a field. A missing field has the default.
fn parsed<'a, T: serde::Deserialize<'a> + Default>(raw: Option<&'a RawValue>) -> Option<T> {
    match raw {
        Some(raw) => serde_json::from_str(raw.get()).ok(),
        None => Some(T::default()),
    }
}

/// Returns the kind and the version of an item from those of its list: `PodList` has pods.
fn kind_from_list(list: Option<&[u8]>) -> Option<(String, Option<String>)> {
    let manifest: Manifest<'_> = serde_json::from_slice(list?).ok()?;
    let kind = manifest.kind?;
    let kind = kind.strip_suffix("List").filter(|kind| !kind.is_empty())?;
    Some((kind.to_owned(), manifest.api_version))
}

fn controller(metadata: &Metadata<'_>) -> Option<Controller> {
    let owners = metadata.owner_references.as_ref()?;
    let is_controller = |controller: Option<&crate::manifest::Word<'_>>| {
        controller.is_some_and(crate::manifest::Word::is_true)
    };
    let owner = owners
        .iter()
        .find(|owner| is_controller(owner.controller.as_ref()))?;
    Some(Controller {
        kind: owner.kind.clone(),
        name: owner.name.clone(),
    })
}

/// Returns the deployment of a pod: the name of its ReplicaSet without the hash in the pod's label.
fn deployment(metadata: &Metadata<'_>) -> Option<Controller> {
    let hash = metadata.labels.as_ref()?.pod_template_hash.as_ref()?;
    let owner = controller(metadata).filter(|owner| owner.kind == "ReplicaSet")?;
    let name = owner.name.strip_suffix(hash.as_str())?.strip_suffix('-')?;
    Some(Controller {
        kind: "Deployment".to_owned(),
        name: name.to_owned(),
    })
}
