//! Lists: "Listing Tags", "Listing Referrers", and the catalog.

use embedded_registry::images::{Artifact, Bundle, Format, Image, Platform};
use embedded_registry::{Catalog, Links, Referrers, Registry};
use serde_json::{Value, json};

use crate::client::{BufferedResponse, Session};

fn image() -> Bundle {
    Image::new(Format::Oci, Platform::linux("amd64")).build()
}

/// Returns the target of `Link`.
fn next_page(response: &BufferedResponse) -> Option<String> {
    let link = response.header("link").strip_prefix('<')?;
    Some(link.strip_suffix(">; rel=\"next\"").unwrap().to_owned())
}

/// Requests all pages of a list and returns a field of each.
async fn pages(session: &Session, first: &str, field: &str) -> Vec<Value> {
    let (mut pages, mut target) = (Vec::new(), Some(first.to_owned()));
    while let Some(at) = target {
        let response = session.get(&at).await;
        assert_eq!(response.status, 200, "{at}");
        pages.push(response.json()[field].clone());
        target = next_page(&response);
    }
    pages
}

#[tokio::test]
async fn tags_are_listed_in_order_and_in_pages() {
    for links in [Links::Relative, Links::Absolute] {
        let session = Session::start(Registry::new().links(links).page_limit(3)).await;
        for tag in ["b", "a", "C", "e", "d"] {
            image().push(&session.registry, "x/y", Some(tag));
        }
        let tags = "/v2/x/y/tags/list";
        let table = [
            ("", json!([["C", "a", "b"], ["d", "e"]])),
            ("?n=2", json!([["C", "a"], ["b", "d"], ["e"]])),
            ("?n=100", json!([["C", "a", "b"], ["d", "e"]])),
            ("?n=2&last=b", json!([["d", "e"]])),
            ("?n=0", json!([[]])),
        ];
        for (query, expected) in table {
            let found = pages(&session, &format!("{tags}{query}"), "tags").await;
            assert_eq!(json!(found), expected, "{query}");
        }
        let link = next_page(&session.get(tags).await).unwrap();
        assert_eq!(
            link.starts_with("http://"),
            links == Links::Absolute,
            "{link}"
        );
    }
}

#[tokio::test]
async fn catalog_is_served_if_enabled() {
    let hidden = Session::start(Registry::new()).await;
    assert_eq!(hidden.get("/v2/_catalog").await.status, 404);
    let session = Session::start(Registry::new().catalog(Catalog::Served)).await;
    for name in ["b", "a/x", "c"] {
        session.registry.put_blob(name, "x".into());
    }
    let found = pages(&session, "/v2/_catalog?n=2", "repositories").await;
    assert_eq!(json!(found), json!([["a/x", "b"], ["c"]]));
}

#[tokio::test]
async fn referrers_are_listed_filtered_and_deleted() {
    let session = Session::start(Registry::new()).await;
    let image = image();
    let sbom = Artifact::new("application/sbom")
        .subject(&image)
        .annotation("a", "b")
        .build();
    let signature = Artifact::image("application/signature", "{}")
        .subject(&image)
        .build();
    for bundle in [&sbom, &signature] {
        bundle.push(&session.registry, "x", None);
    }
    let path = format!("/v2/x/referrers/{}", image.digest());
    let all = session.get(&path).await;
    assert_eq!(all.header("content-type"), Format::Oci.index());
    assert_eq!(all.header("oci-filters-applied"), "");
    assert_eq!(all.json()["manifests"].as_array().unwrap().len(), 2);

    let filtered = session
        .get(&format!("{path}?artifactType=application/sbom"))
        .await;
    assert_eq!(filtered.header("oci-filters-applied"), "artifactType");
    let expected = json!([{
        "mediaType": Format::Oci.manifest(),
        "digest": sbom.digest().as_ref(),
        "size": sbom.root().bytes().len(),
        "artifactType": "application/sbom",
        "annotations": {"a": "b"},
    }]);
    assert_eq!(filtered.json()["manifests"], expected);
    let by_config = session
        .get(&format!("{path}?artifactType=application%2Fsignature"))
        .await;
    assert_eq!(
        by_config.json()["manifests"][0]["digest"],
        signature.digest().as_ref()
    );

    let delete = session
        .delete(&format!("/v2/x/manifests/{}", sbom.digest()))
        .await;
    assert_eq!(delete.status, 202);
    let left = session.get(&path).await.json();
    assert_eq!(left["manifests"].as_array().unwrap().len(), 1);
    let empty = session
        .get(&format!("/v2/none/referrers/{}", image.digest()))
        .await;
    assert_eq!(
        (empty.status.as_u16(), &empty.json()["manifests"]),
        (200, &json!([]))
    );
}

#[tokio::test]
async fn referrer_pages_keep_the_filter() {
    let session = Session::start(Registry::new().page_limit(2)).await;
    let image = image();
    for number in 0..5 {
        let artifact_type = if number == 0 {
            "application/other"
        } else {
            "application/sbom"
        };
        let artifact = Artifact::new(artifact_type).annotation("n", &number.to_string());
        artifact
            .subject(&image)
            .build()
            .push(&session.registry, "x", None);
    }
    let path = format!(
        "/v2/x/referrers/{}?artifactType=application/sbom",
        image.digest()
    );
    let found = pages(&session, &path, "manifests").await;
    let lengths: Vec<usize> = found
        .iter()
        .map(|page| page.as_array().unwrap().len())
        .collect();
    assert_eq!(lengths, [2, 2]);
}

#[tokio::test]
async fn referrers_endpoint_is_missing_if_disabled() {
    let session = Session::start(Registry::new().referrers(Referrers::Missing)).await;
    let response = session
        .get(&format!("/v2/x/referrers/{}", image().digest()))
        .await;
    assert_eq!(response.status, 404);
}
