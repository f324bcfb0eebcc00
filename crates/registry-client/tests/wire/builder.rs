//! Settings of the builder that reach a server.

use http::header::USER_AGENT;
use registry_client::{Client, HeaderValue};

use super::setup::{pull, start, tag};

#[tokio::test]
async fn builder_sets_the_user_agent_of_every_request() {
    let (_registry, proxy) = start().await;
    let user_agent = HeaderValue::from_static("product/1.0");
    let client = Client::builder().user_agent(user_agent.clone()).build();
    let repository = pull(&client, &proxy.host(), "a");
    assert!(repository.head_manifest(tag("1")).await.unwrap().is_none());
    let requests = proxy.requests();
    assert!(!requests.is_empty());
    for request in requests {
        assert_eq!(request.headers[USER_AGENT], user_agent);
    }
}
