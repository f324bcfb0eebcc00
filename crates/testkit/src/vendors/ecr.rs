//! The API of Amazon ECR, and the endpoint at which a container gets its keys.

use bytes::Bytes;
use http::Response;
use serde_json::json;

use super::api_response::{ApiCall, json_response};
use super::signature::is_signed;
use super::state::{ACCESS_KEY, PASSWORD, State};

/// The path of the endpoint for the keys of a container, and its token.
pub(super) const KEYS_PATH: &str = "/container-keys";
const KEYS_TOKEN: &str = "container-token";
/// The token of the container's temporary keys.
const SESSION_TOKEN: &str = crate::canary!("session-");

pub(super) fn respond(state: &mut State, call: &ApiCall<'_>) -> Option<Response<Bytes>> {
    let operation = call.header("x-amz-target").rsplit_once('.');
    match (call.parts.method.as_str(), call.parts.uri.path(), operation) {
        ("GET", KEYS_PATH, _) => Some(keys(call)),
        ("POST", "/", Some((_, "CreateRepository"))) => Some(create(state, call)),
        ("POST", "/", _) => Some(error("UnknownOperationException", "")),
        _ => None,
    }
}

fn create(state: &mut State, call: &ApiCall<'_>) -> Response<Bytes> {
    let token = call.header("x-amz-security-token");
    if !token.is_empty() && token != SESSION_TOKEN {
        let message = "The security token included in the request is invalid.";
        return error("UnrecognizedClientException", message);
    }
    if !is_signed(call, ACCESS_KEY, PASSWORD) {
        let message =
            "The request signature we calculated does not match the signature you provided.";
        return error("InvalidSignatureException", message);
    }
    let (account, name) = (call.text("registryId"), call.text("repositoryName"));
    if state.is_forbidden {
        let message = format!(
            "User: arn:aws:iam::{account}:user/mirror is not authorized to perform: \
             ecr:CreateRepository on resource: arn:aws:ecr:eu-central-1:{account}:repository/{name} \
             because no identity-based policy allows the ecr:CreateRepository action"
        );
        return error("AccessDeniedException", &message);
    }
    if name.len() < 2 {
        return error(
            "InvalidParameterException",
            "Invalid parameter at 'repositoryName'",
        );
    }
    if !state.create(name) {
        let message = format!(
            "The repository with name '{name}' already exists in the registry with id '{account}'"
        );
        return error("RepositoryAlreadyExistsException", &message);
    }
    let arn = format!("arn:aws:ecr:eu-central-1:{account}:repository/{name}");
    let repository = json!({
        "repositoryArn": arn, "registryId": account, "repositoryName": name,
        "repositoryUri": format!("{account}.dkr.ecr.eu-central-1.amazonaws.com/{name}"),
        "createdAt": 1_795_910_400.0, "imageTagMutability": "MUTABLE",
        "imageScanningConfiguration": {"scanOnPush": false},
        "encryptionConfiguration": {"encryptionType": "AES256"},
    });
    json_response(200, &json!({"repository": repository}))
}

fn keys(call: &ApiCall<'_>) -> Response<Bytes> {
    if call.header("authorization") != KEYS_TOKEN {
        let document = json!({"code": "AuthorizationFailed", "message": "invalid token"});
        return json_response(401, &document);
    }
    let document = json!({
        "AccessKeyId": ACCESS_KEY,
        "SecretAccessKey": PASSWORD,
        "Token": SESSION_TOKEN,
        "Expiration": "2099-01-01T00:00:00Z",
    });
    json_response(200, &document)
}

pub(super) fn error(code: &str, message: &str) -> Response<Bytes> {
    json_response(400, &json!({"__type": code, "message": message}))
}
