//! The images that clusters use. Its size depends on images and workloads, not on pods.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use cluster_objects::{ImageUse, Node, NodeImage, Object, Role};
use image_name::{Digest, ImageName};

use super::owners::{Owner, Owners};

/// Maximum number of places that are kept for an owner. More are numbered copies of the same.
const MAX_PLACES: usize = 8;

/// The images of clusters.
#[derive(Debug, Default)]
pub(super) struct Inventory {
    /// The clusters.
    pub(super) clusters: Vec<Cluster>,
    /// The images by their full names.
    pub(super) images: BTreeMap<String, UsedImage>,
    /// Text in places for images that is not the name of an image, with the first place.
    pub(super) invalid: BTreeMap<String, InvalidName>,
    /// Namespaces whose objects do not count.
    excluded: HashSet<String>,
}

/// A cluster.
#[derive(Debug, Default)]
pub(super) struct Cluster {
    /// The name.
    pub(super) name: String,
    /// The number of objects.
    pub(super) objects: u64,
    /// The number of pods.
    pub(super) pods: u64,
    /// The number of nodes by platform; `unknown` for nodes that do not report theirs.
    pub(super) platforms: BTreeMap<String, u64>,
    /// The numbers of the nodes that pods run on.
    node_numbers: HashMap<String, u32>,
    /// The nodes that pods run on, by number.
    node_names: Vec<String>,
    /// The platforms of the nodes that were read, by name.
    nodes: HashMap<String, String>,
    owners: Owners,
}

/// An image that clusters use.
#[derive(Debug)]
pub(super) struct UsedImage {
    /// The name. Without tag and digest, it stands for `latest`.
    pub(super) name: ImageName,
    /// The digests that run, from the status of containers.
    pub(super) running: BTreeSet<Digest>,
    /// The digests that nodes store under the name.
    pub(super) stored: BTreeSet<Digest>,
    /// The number of nodes that store the image.
    pub(super) nodes: u64,
    /// The uses by cluster and direct owner.
    uses: BTreeMap<(usize, Owner), Use>,
}

/// The use of an image by one owner.
#[derive(Debug, Clone, Default)]
pub(super) struct Use {
    /// The number of pods.
    pub(super) pods: u64,
    /// The places in the owner and its pods.
    pub(super) places: BTreeSet<String>,
    /// The platforms of nodes that its pods run on, and those that its template requires.
    pub(super) platforms: BTreeSet<String>,
    /// The numbers of nodes that its pods run on.
    nodes: BTreeSet<u32>,
}

/// Text that is not the name of an image.
#[derive(Debug)]
pub(super) struct InvalidName {
    /// The first place.
    pub(super) place: String,
    /// The error of the grammar.
    pub(super) reason: String,
}

/// Returns the full name of an image: `HOST/REPOSITORY[:TAG][@DIGEST]`, with `latest` for a name with neither.
pub(super) fn full_name(image: &ImageName) -> String {
    let repository = image.repository.full();
    match (&image.tag, &image.digest) {
        (Some(tag), Some(digest)) => format!("{repository}:{tag}@{digest}"),
        (Some(tag), None) => format!("{repository}:{tag}"),
        (None, Some(digest)) => format!("{repository}@{digest}"),
        (None, None) => format!("{repository}:latest"),
    }
}

impl Inventory {
    /// Creates an empty inventory that leaves out the objects of some namespaces.
    pub(super) fn new(excluded: &[String]) -> Self {
        Self {
            excluded: excluded.iter().cloned().collect(),
            ..Self::default()
        }
    }

    /// Adds a cluster, which the next objects belong to.
    pub(super) fn begin_cluster(&mut self, name: &str) {
        self.clusters.push(Cluster {
            name: name.to_owned(),
            ..Cluster::default()
        });
    }

    /// Adds an object of the last cluster.
    pub(super) fn add(&mut self, object: Object) {
        let at = self.clusters.len().saturating_sub(1);
        let Some(cluster) = self.clusters.last_mut() else {
            return;
        };
        cluster.objects += 1;
        let owner = cluster.owners.record(&object);
        let namespace = object.namespace.as_deref().unwrap_or_default();
        if self.excluded.contains(namespace) {
            return;
        }
        let mut platforms = BTreeSet::new();
        let mut node = None;
        let is_pod = matches!(object.role, Role::Pod(_));
        match object.role {
            Role::Node(node) => return self.add_node(object.name, node),
            Role::Pod(pod) => {
                cluster.pods += 1;
                node = pod.node.map(|name| cluster.node_number(name));
            }
            Role::Workload { architectures, .. } => {
                let linux = architectures
                    .into_iter()
                    .map(|name| format!("linux/{name}"));
                platforms.extend(linux);
            }
            Role::Other => {}
        }
        // The places of a ReplicaSet or job are listed under the owner behind it.
        let is_own = object.controller.is_none();
        let mut counted: Vec<ImageName> = Vec::new();
        for found in object.images {
            // A pod with an image in several containers is one pod.
            let is_first = !counted.contains(&found.image);
            if is_first {
                counted.push(found.image.clone());
            }
            let place = match is_own {
                true => found.place.clone(),
                false => format!("{} {}", object.kind, found.place),
            };
            let used = self.used((at, &owner), found);
            used.pods += u64::from(is_pod && is_first);
            used.nodes.extend(node);
            used.platforms.extend(platforms.iter().cloned());
            if used.places.len() < MAX_PLACES {
                used.places.insert(place);
            }
        }
        let cluster = self.clusters.last().map(|cluster| cluster.name.as_str());
        let cluster = cluster.unwrap_or_default();
        for invalid in object.invalid {
            let name = InvalidName {
                place: format!("{cluster}: {owner}: {}", invalid.place),
                reason: invalid.reason,
            };
            self.invalid.entry(invalid.text).or_insert(name);
        }
    }

    fn used(&mut self, (cluster, owner): (usize, &Owner), found: ImageUse) -> &mut Use {
        let image = self.image(found.image);
        image.running.extend(found.running);
        image.uses.entry((cluster, owner.clone())).or_default()
    }

    fn image(&mut self, name: ImageName) -> &mut UsedImage {
        let entry = self.images.entry(full_name(&name));
        entry.or_insert_with(|| UsedImage {
            name,
            running: BTreeSet::new(),
            stored: BTreeSet::new(),
            nodes: 0,
            uses: BTreeMap::new(),
        })
    }

    fn add_node(&mut self, name: String, node: Node) {
        let platform = match (node.os.as_str(), node.architecture.as_str()) {
            (_, "") => "unknown".to_owned(),
            ("", architecture) => format!("linux/{architecture}"),
            (os, architecture) => format!("{os}/{architecture}"),
        };
        if let Some(cluster) = self.clusters.last_mut() {
            *cluster.platforms.entry(platform.clone()).or_default() += 1;
            cluster.nodes.insert(name.clone(), platform);
        }
        for stored in node.images {
            self.add_stored(&name, &stored);
        }
    }

    /// Adds an image in the storage of a node, under each of its tags, or under its digest if it has no tag.
    fn add_stored(&mut self, node: &str, stored: &NodeImage) {
        let mut names: Vec<ImageName> = Vec::new();
        // Docker's names for images without a tag or without a registry.
        for text in stored.names.iter().filter(|name| !name.contains("<none>")) {
            match text.parse() {
                Ok(name) => names.push(name),
                Err(error) => {
                    let invalid = self.invalid.entry(text.clone());
                    invalid.or_insert_with(|| InvalidName {
                        place: format!("Node/{node}: status.images"),
                        reason: format!("{error}"),
                    });
                }
            }
        }
        let (tagged, by_digest): (Vec<_>, Vec<_>) =
            names.into_iter().partition(|name| name.digest.is_none());
        for name in &tagged {
            let same = by_digest
                .iter()
                .filter(|other| other.repository == name.repository);
            let digests: Vec<_> = same.filter_map(|other| other.digest.clone()).collect();
            let image = self.image(name.clone());
            image.nodes += 1;
            image.stored.extend(digests);
        }
        for name in by_digest {
            if tagged
                .iter()
                .any(|other| other.repository == name.repository)
            {
                continue;
            }
            let digest = name.digest.clone();
            let image = self.image(name);
            image.nodes += 1;
            image.stored.extend(digest);
        }
    }

    /// Returns the uses of an image by its owners behind ReplicaSets and jobs.
    pub(super) fn uses(&self, image: &UsedImage) -> BTreeMap<(usize, Owner), Use> {
        let mut resolved: BTreeMap<(usize, Owner), Use> = BTreeMap::new();
        for ((at, owner), used) in &image.uses {
            let cluster = &self.clusters[*at];
            let owner = cluster.owners.resolve(owner);
            let merged = resolved.entry((*at, owner)).or_default();
            merged.pods += used.pods;
            merged.places.extend(used.places.iter().cloned());
            // Pods show where a workload runs; without pods, its template shows where it may run.
            let running = used
                .nodes
                .iter()
                .filter_map(|number| cluster.platform(*number));
            match used.nodes.is_empty() {
                true => merged.platforms.extend(used.platforms.iter().cloned()),
                false => merged.platforms.extend(running.map(str::to_owned)),
            }
        }
        resolved
    }
}

impl UsedImage {
    /// Returns true if no object but nodes names the image.
    pub(super) fn is_only_stored(&self) -> bool {
        self.uses.is_empty()
    }

    /// Returns every digest of the image: of its name, of the status of containers, and of nodes.
    pub(super) fn digests(&self) -> BTreeSet<&Digest> {
        let named = self.name.digest.iter();
        named.chain(&self.running).chain(&self.stored).collect()
    }
}

impl Cluster {
    fn node_number(&mut self, name: String) -> u32 {
        if let Some(number) = self.node_numbers.get(&name) {
            return *number;
        }
        let number = u32::try_from(self.node_names.len()).unwrap_or(u32::MAX);
        self.node_names.push(name.clone());
        self.node_numbers.insert(name, number);
        number
    }

    fn platform(&self, number: u32) -> Option<&str> {
        let name = self.node_names.get(usize::try_from(number).ok()?)?;
        let platform = self.nodes.get(name)?;
        (platform != "unknown").then_some(platform)
    }
}
