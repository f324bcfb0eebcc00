//! An earlier bundle as a base: what the far side has after its import.

use std::collections::{HashMap, HashSet};

use image_name::{Digest, RepositoryName};

use super::far_side::FarSide;
use crate::contents::Contents;
use crate::read::Node;

impl FarSide {
    /// Adds a bundle as the base with a number: what it has, and what it requires. `nodes` are its manifests.
    pub fn add_bundle(&mut self, base: usize, contents: &Contents, nodes: &HashMap<Digest, Node>) {
        for required in &contents.requires {
            for repository in &required.repositories {
                match required.media_type {
                    Some(_) => self.add_manifest(base, repository, required.digest.clone()),
                    None => self.add_blob(base, repository, required.digest.clone()),
                }
            }
        }
        let members = contents.members.iter();
        let members = members.filter_map(|member| member.path.digest()).collect();
        let bundle = BundleBase {
            nodes,
            members,
            required: contents.requires.iter().map(|it| &it.digest).collect(),
        };
        for image in &contents.images {
            let name = &image.destination;
            let attached = image.attached.iter();
            for root in attached.clone().map(|it| &it.digest).chain([&image.digest]) {
                bundle.add_to(self, (base, name), root);
            }
            let tags =
                attached.filter_map(|attached| Some((attached.tag.clone()?, &attached.digest)));
            let tag = image.destination_tag.tag().cloned();
            for (tag, digest) in tags.chain(tag.map(|tag| (tag, &image.digest))) {
                self.add_tag(name, tag, digest.clone());
            }
        }
    }
}

/// The content of a bundle.
struct BundleBase<'a> {
    nodes: &'a HashMap<Digest, Node>,
    members: HashSet<&'a Digest>,
    required: HashSet<&'a Digest>,
}

impl BundleBase<'_> {
    /// Adds a manifest and everything under it to a repository.
    fn add_to(
        &self,
        far_side: &mut FarSide,
        (base, name): (usize, &RepositoryName),
        root: &Digest,
    ) {
        let mut order = Vec::new();
        let mut seen = HashSet::from([root]);
        let mut pending = vec![root];
        while let Some(digest) = pending.pop() {
            let Some(node) = self.nodes.get(digest) else {
                continue;
            };
            order.push((digest, node));
            for child in &node.children {
                if self.nodes.contains_key(&child.digest) {
                    if seen.insert(&child.digest) {
                        pending.push(&child.digest);
                    }
                } else if self.members.contains(&child.digest) {
                    far_side.add_blob(base, name, child.digest.clone());
                }
            }
        }
        // Children first: an index of which a child is in no bundle is not whole.
        let mut whole: HashSet<&Digest> = HashSet::new();
        let mut is_changed = true;
        while is_changed {
            is_changed = false;
            for (digest, node) in order.iter().rev() {
                let mut children = node.children.iter();
                let has = |digest: &Digest| match self.nodes.contains_key(digest) {
                    true => whole.contains(digest),
                    false => self.members.contains(digest) || self.required.contains(digest),
                };
                if !whole.contains(digest)
                    && children.all(|child| child.has_urls || has(&child.digest))
                {
                    is_changed = true;
                    whole.insert(digest);
                }
            }
        }
        for digest in whole {
            far_side.add_manifest(base, name, digest.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contents::{BundledImage, Member, MemberPath};
    use crate::read::Child;

    fn digest(letter: char) -> Digest {
        format!("sha256:{}", letter.to_string().repeat(64))
            .parse()
            .unwrap()
    }

    fn node(children: &str, is_index: bool) -> Node {
        let children = children.chars().map(|letter| Child {
            digest: digest(letter),
            size: Some(1),
            media_type: None,
            platform: None,
            may_be_blob: false,
            has_urls: false,
        });
        Node {
            media_type: "x/y".into(),
            is_index,
            children: children.collect(),
            config: None,
            subject: None,
        }
    }

    #[test]
    fn sparse_index_is_not_whole_and_its_children_are() {
        let name: RepositoryName = "r.io/a".parse().unwrap();
        // `a` lists the images `b` and `c`, of which the bundle has `b` with its layer `d`.
        let nodes = HashMap::from([
            (digest('a'), node("bc", true)),
            (digest('b'), node("d", false)),
        ]);
        let mut contents = Contents::new("test");
        contents.images.push(BundledImage {
            source: "q.io/a".parse().unwrap(),
            destination: name.clone(),
            tag: "1".parse().unwrap(),
            destination_tag: "1".parse().unwrap(),
            digest: digest('a'),
            media_type: "x/y".into(),
            size: 1,
            platforms: Vec::new(),
            attached: Vec::new(),
        });
        for letter in ['a', 'b', 'd'] {
            contents.members.push(Member {
                path: MemberPath::blob(digest(letter)),
                digest: digest(letter),
                size: 1,
            });
        }
        let mut far_side = FarSide::default();
        far_side.add_bundle(3, &contents, &nodes);
        assert_eq!(far_side.manifest(&name, &digest('a')), None);
        assert_eq!(far_side.manifest(&name, &digest('b')), Some(3));
        assert_eq!(far_side.manifest(&name, &digest('d')), None);
        assert!(far_side.blob(name.host(), &digest('d')).is_some());
        assert_eq!(
            far_side.tag(&name, &"1".parse().unwrap()),
            Some(&digest('a'))
        );
    }
}
