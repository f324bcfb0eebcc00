//! Manifests: "Pulling manifests", "Pushing Manifests", "Deleting Manifests".

use embedded_registry::images::{Artifact, Bundle, Format, Image, Index, Layer, Platform};
use embedded_registry::{Children, Referrers, Registry, digest_of};
use http::Method;

use crate::client::{BufferedResponse, Session};

fn image(seed: u64) -> Bundle {
    let layer = Layer::random(seed, 100).unwrap();
    Image::new(Format::Oci, Platform::linux("amd64"))
        .layer(layer)
        .build()
}

fn put_blobs(session: &Session, bundle: &Bundle) {
    for blob in bundle.blobs() {
        session.registry.put_blob("a", blob.bytes().clone());
    }
}

async fn put(session: &Session, reference: &str, bundle: &Bundle) -> BufferedResponse {
    let root = bundle.root();
    let path = format!("/v2/a/manifests/{reference}");
    let headers = [("content-type", root.media_type())];
    session
        .send(Method::PUT, &path, &headers, root.bytes().clone())
        .await
}

#[tokio::test]
async fn manifest_keeps_its_bytes_and_media_type() {
    let session = Session::start(Registry::new()).await;
    let image = image(1).rewritten(|text| format!("\n{text}  \n"));
    put_blobs(&session, &image);
    let created = put(&session, "v1", &image).await;
    assert_eq!(created.status, 201);
    assert_eq!(
        created.header("docker-content-digest"),
        image.digest().as_ref()
    );
    assert_eq!(
        created.header("location"),
        format!("/v2/a/manifests/{}", image.digest())
    );
    for reference in ["v1", image.digest().as_ref()] {
        let path = format!("/v2/a/manifests/{reference}");
        let (found, head) = (session.get(&path).await, session.head(&path).await);
        assert_eq!(found.body, image.root().bytes());
        assert!(head.body.is_empty());
        for response in [found, head] {
            assert_eq!(response.status, 200);
            assert_eq!(response.header("content-type"), image.root().media_type());
            assert_eq!(
                response.header("docker-content-digest"),
                image.digest().as_ref()
            );
            assert_eq!(
                response.header("content-length"),
                image.root().bytes().len().to_string()
            );
        }
    }
}

#[tokio::test]
async fn missing_content_has_an_error_code() {
    let session = Session::start(Registry::new()).await;
    session.registry.put_blob("a", "x".into());
    let digest = digest_of(b"nothing");
    let table = [
        ("/v2/b/manifests/v1".to_owned(), "NAME_UNKNOWN"),
        ("/v2/a/manifests/v1".to_owned(), "MANIFEST_UNKNOWN"),
        (format!("/v2/a/manifests/{digest}"), "MANIFEST_UNKNOWN"),
        ("/v2/b/tags/list".to_owned(), "NAME_UNKNOWN"),
    ];
    for (path, code) in table {
        assert_eq!(
            session.get(&path).await.outcome(),
            (404, code.to_owned()),
            "{path}"
        );
    }
    let patch = session
        .send(Method::PATCH, "/v2/a/manifests/v1", &[], "")
        .await;
    assert_eq!(patch.outcome(), (405, "UNSUPPORTED".to_owned()));
}

#[tokio::test]
async fn push_fails_while_referenced_content_is_missing() {
    let session = Session::start(Registry::new()).await;
    let (image, foreign) = (
        image(1),
        Layer::random(9, 100).unwrap().foreign("https://x/y"),
    );
    let missing = (404, "MANIFEST_BLOB_UNKNOWN".to_owned());
    assert_eq!(put(&session, "v1", &image).await.outcome(), missing);
    assert_eq!(
        session.head("/v2/a/manifests/v1").await.status,
        404,
        "the tag was not written"
    );
    let index = Index::new(Format::Oci).absent_child(&image).build();
    assert_eq!(put(&session, "index", &index).await.outcome(), missing);
    put_blobs(&session, &image);
    assert_eq!(
        put(&session, "index", &index).await.outcome(),
        missing,
        "the index needs the manifest, not only its blobs"
    );
    assert_eq!(
        put(&session, image.digest().as_ref(), &image).await.status,
        201
    );
    assert_eq!(put(&session, "index", &index).await.status, 201);

    let windows = Image::new(Format::Oci, Platform::linux("amd64"))
        .layer(foreign)
        .build();
    put_blobs(&session, &windows);
    assert_eq!(
        put(&session, "windows", &windows).await.status,
        201,
        "foreign layers are not required"
    );

    let sparse = Session::start(Registry::new().children(Children::Optional)).await;
    assert_eq!(put(&sparse, "index", &index).await.status, 201);
    assert_eq!(
        put(&sparse, "v1", &image).await.outcome(),
        missing,
        "blobs are required, children are not"
    );
}

#[tokio::test]
async fn push_refuses_invalid_manifests() {
    let session = Session::start(Registry::new()).await;
    let image = image(1);
    put_blobs(&session, &image);
    let other = digest_of(b"other");
    let mismatch = put(&session, other.as_ref(), &image).await;
    assert_eq!(mismatch.outcome(), (400, "DIGEST_INVALID".to_owned()));
    let send = async |media_type: &str, body: Vec<u8>| {
        let headers = [("content-type", media_type)];
        session
            .send(Method::PUT, "/v2/a/manifests/v1", &headers, body)
            .await
            .outcome()
    };
    let invalid = (400, "MANIFEST_INVALID".to_owned());
    let media_type = image.root().media_type();
    assert_eq!(send(media_type, b"{".to_vec()).await, invalid);
    assert_eq!(
        send("application/json", image.root().bytes().to_vec()).await,
        invalid
    );
    let mut big = image.root().bytes().to_vec();
    big.resize(4 << 20, b' ');
    assert_eq!(
        send(media_type, big.clone()).await.0,
        201,
        "4 MiB are accepted"
    );
    big.push(b' ');
    assert_eq!(
        send(media_type, big).await,
        (413, "SIZE_INVALID".to_owned())
    );
}

#[tokio::test]
async fn delete_by_digest_removes_tags_and_delete_by_tag_keeps_the_manifest() {
    let session = Session::start(Registry::new()).await;
    let image = image(1);
    for tag in ["v1", "v2"] {
        image.push(&session.registry, "a", Some(tag));
    }
    assert_eq!(session.delete("/v2/a/manifests/v1").await.status, 202);
    assert_eq!(session.registry.tags("a"), ["v2"]);
    let path = format!("/v2/a/manifests/{}", image.digest());
    assert_eq!(session.head(&path).await.status, 200);
    assert_eq!(session.delete(&path).await.status, 202);
    assert_eq!(session.delete(&path).await.status, 404);
    assert_eq!(session.registry.tags("a"), [""; 0]);
}

#[tokio::test]
async fn push_with_subject_is_acknowledged_if_referrers_are_enabled() {
    let image = image(1);
    let sbom = Artifact::new("application/x").subject(&image).build();
    for (referrers, header) in [
        (Referrers::Api, image.digest().as_ref()),
        (Referrers::Missing, ""),
    ] {
        let session = Session::start(Registry::new().referrers(referrers)).await;
        put_blobs(&session, &sbom);
        let response = put(&session, sbom.digest().as_ref(), &sbom).await;
        assert_eq!(
            (response.status.as_u16(), response.header("oci-subject")),
            (201, header)
        );
    }
}
