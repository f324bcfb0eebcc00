//! The same table, decided by the real cosign.

use std::collections::BTreeSet;

use embedded_registry::images::Content;
use embedded_registry::{Registry, RunningRegistry};
use testkit::clients::Cosign;
use testkit::signing::{attach_bundle, attach_layers};

use super::world::{Document, FORMS, Forgery, Form, ISSUER, PATTERN, REPOSITORY, World};

/// Runs `cosign verify` on a document and returns its error.
async fn refusal(
    world: &World,
    cosign: &Cosign,
    registry: &RunningRegistry,
    forgery: &Forgery,
) -> Option<String> {
    registry.clear();
    let image = Content::new(
        "application/vnd.oci.image.manifest.v1+json",
        world.manifest.clone(),
    );
    registry.put_blob(REPOSITORY, "{}".into());
    registry.put_manifest(REPOSITORY, None, image.media_type(), image.bytes().clone());
    match &forgery.document {
        Document::Bundle(value) => {
            attach_bundle(registry, REPOSITORY, &image, value.to_string().as_bytes());
        }
        Document::Text(text) => attach_bundle(registry, REPOSITORY, &image, text),
        Document::Classic {
            payload,
            annotations,
        } => {
            let tag = format!("{}.sig", image.digest().as_ref().replace(':', "-"));
            let layer = (&payload[..], annotations.clone().into_iter().collect());
            let media_type = signatures::SIMPLE_SIGNING_MEDIA_TYPE;
            attach_layers(registry, (REPOSITORY, &tag), media_type, [layer]);
        }
    }
    let root = cosign.write("trusted_root.json", &forgery.trusted_root.to_string());
    let name = format!("{}/{REPOSITORY}@{}", registry.host(), world.digest());
    let result = cosign
        .run(&[
            "verify",
            "--trusted-root",
            &root.to_string_lossy(),
            "--certificate-identity-regexp",
            PATTERN,
            "--certificate-oidc-issuer",
            ISSUER,
            &name,
        ])
        .await;
    result.err().map(|error| error.stderr)
}

/// Forgeries that cosign accepts, and the reason. cosign refuses all others.
const DIFFERENCES: &[(&str, &str)] = &[
    (
        "certificate: two SCTs",
        "cosign needs at least one valid SCT, and Fulcio makes exactly one",
    ),
    (
        "certificate: for no purpose",
        "a certificate without a purpose is for every purpose in Go",
    ),
    (
        "certificate: itself an authority",
        "Go lets an authority sign code",
    ),
    (
        "certificate: identity with a space",
        "the pattern permits it",
    ),
    (
        "certificate: wanted identity first, another second",
        "cosign takes any of several names, and Fulcio writes one",
    ),
    (
        "certificate: another identity first, wanted second",
        "cosign takes any of several names, and Fulcio writes one",
    ),
    (
        "certificate: two issuers (Statement)",
        "cosign takes the current extension, and Fulcio writes the same text to both",
    ),
    (
        "log: proof for a tree of another size",
        "cosign takes the size from the checkpoint, which is signed",
    ),
    (
        "log: another kind of entry",
        "cosign takes the kind from the body, which is logged",
    ),
    (
        "log: a kind that is not the body's",
        "cosign takes the kind from the body, which is logged",
    ),
    (
        "document: two subjects",
        "cosign accepts a statement that signs the image among others",
    ),
    (
        "document: no in-toto statement",
        "cosign does not check `_type`",
    ),
    (
        "document: an attestation",
        "cosign accepts any statement by the signer, whatever it attests",
    ),
    (
        "document: a longer predicate type",
        "cosign accepts any statement by the signer, whatever it attests",
    ),
    ("document: oversized bundle", "cosign has no such limit"),
    (
        "classic: replayed signature of an older tag",
        "cosign does not check `docker-reference`",
    ),
    (
        "classic: another repository",
        "cosign does not check `docker-reference`",
    ),
    (
        "classic: another registry",
        "cosign does not check `docker-reference`",
    ),
    (
        "classic: repository with a longer name",
        "cosign does not check `docker-reference`",
    ),
    (
        "classic: repository in capitals",
        "cosign does not check `docker-reference`",
    ),
    (
        "classic: repository with a newline",
        "cosign does not check `docker-reference`",
    ),
    (
        "classic: no repository",
        "cosign does not check `docker-reference`",
    ),
    (
        "classic: another type",
        "cosign does not check `critical.type`",
    ),
    (
        "classic: unknown critical field",
        "cosign ignores what it does not know",
    ),
    (
        "classic: unknown field",
        "cosign ignores what it does not know",
    ),
    (
        "classic: two digests",
        "Go takes the last of two equal keys",
    ),
    (
        "classic: two digests but for case",
        "Go takes the last of two keys that differ in case",
    ),
    (
        "classic: two certificates",
        "cosign takes the first certificate of the annotation",
    ),
    ("classic: endless chain", "cosign has no such limit"),
    (
        "classic: entry with a duplicate key",
        "Go takes the last of two equal keys",
    ),
    ("classic: oversized entry", "cosign has no such limit"),
];

#[tokio::test]
async fn cosign_accepts_the_trusted_root_and_signatures_of_the_own_instance() {
    let world = World::new();
    let registry = Registry::new().start().await.unwrap();
    let cosign = Cosign::v3();
    for form in FORMS {
        let valid = Forgery {
            name: "valid".to_owned(),
            form,
            document: world.valid(form),
            trusted_root: world.authority.trusted_root(),
            expected: "",
        };
        let refusal = refusal(&world, &cosign, &registry, &valid).await;
        match form {
            // cosign verifies signatures over blobs in this form, and none over images.
            Form::Message => {
                let text = refusal.unwrap_or_default();
                assert!(text.contains("does not contain a DSSE envelope"), "{text}");
            }
            Form::Statement | Form::Classic => assert_eq!(refusal, None, "{form:?}"),
        }
    }
}

#[tokio::test]
async fn cosign_refuses_the_same_forgeries_but_for_explained_differences() {
    let world = World::new();
    let table: Vec<_> = super::table(&world)
        .into_iter()
        .filter(|forgery| forgery.form != Form::Message)
        .collect();
    let (first, second) = table.split_at(table.len() / 2);
    let (first, second) = tokio::join!(accepted(&world, first), accepted(&world, second));
    let found: BTreeSet<_> = first.union(&second).cloned().collect();
    let explained = |forgery: &&Forgery| {
        let shown = shown(forgery);
        let mut rows = DIFFERENCES.iter();
        rows.any(|(name, _)| shown == *name || forgery.name == *name)
    };
    let expected: BTreeSet<_> = table.iter().filter(explained).map(shown).collect();
    assert_eq!(found, expected, "forgeries that cosign accepts");
    for (name, _) in DIFFERENCES {
        let mut rows = table.iter();
        assert!(
            rows.any(|row| row.name == *name || shown(row) == *name),
            "{name} is in no table"
        );
    }
}

fn shown(forgery: &Forgery) -> String {
    format!("{} ({:?})", forgery.name, forgery.form)
}

/// Returns the forgeries that cosign accepts.
async fn accepted(world: &World, table: &[Forgery]) -> BTreeSet<String> {
    let registry = Registry::new().start().await.unwrap();
    let cosign = Cosign::v3();
    let mut found = BTreeSet::new();
    for forgery in table {
        if refusal(world, &cosign, &registry, forgery).await.is_none() {
            found.insert(shown(forgery));
        }
    }
    found
}
