//! Repositories of Amazon ECR.
//!
//! Source: Amazon ECR API reference, `CreateRepository` (API version 2015-09-21, AWS JSON 1.1).

use http::Method;
use serde_json::{Value, json};

use super::creation::{Creation, CreationError};
use super::deletion::{DeletionApi, DeletionError};
use super::vendor_host::{JsonBody, VendorHost, text_at};
use crate::error::Error;
use crate::redact::printable;
use crate::vendor_operation::{AMZ_TARGET, ECR_DELETE_TARGET, ECR_TARGET};

/// The maximum length of a reason in characters.
const MAX_REASON: usize = 300;

/// The code for a repository that exists.
const EXISTS: &str = "RepositoryAlreadyExistsException";

/// Creates the repository in the registry of an account.
pub(crate) async fn create(api: &VendorHost, account: &str) -> Result<Creation, CreationError> {
    let name = api.operation.repository.as_str();
    let document = json!({"registryId": account, "repositoryName": name});
    let body = JsonBody {
        media_type: "application/x-amz-json-1.1",
        document: &document,
        headers: &[(AMZ_TARGET, ECR_TARGET)],
    };
    let response = match api.send(Method::POST, "", body, &[200]).await {
        Ok(response) => response,
        Err(Error::Status(error)) if error.has_code(EXISTS) => return Ok(Creation::Existing),
        Err(error) => return Err(error.into()),
    };
    let created = text_at(&response, "/repository/repositoryName")?;
    if created != name {
        let what = "the response names another repository";
        return Err(response.protocol_error(what).into());
    }
    Ok(Creation::Created(created))
}

/// The private registry of an account in a region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EcrRegistry {
    /// Twelve digits.
    pub(crate) account: String,
    pub(crate) region: String,
    /// The host of the API.
    pub(crate) api_host: String,
}

impl EcrRegistry {
    /// Parses `ACCOUNT.dkr.ecr[-fips].REGION.SUFFIX`, or with `dkr-ecr` for IPv4 and IPv6. `SUFFIX` is the
    /// domain of an AWS partition. The API is in the same partition, with the same address families
    /// and, for FIPS, with validated cryptography.
    ///
    /// Source: Amazon ECR user guide, "Private registries" and "Making requests over IPv6"; AWS general
    /// reference, "Amazon ECR endpoints".
    pub(crate) fn parse(host: &str) -> Option<Self> {
        let (account, rest) = host.split_once('.')?;
        if account.len() != 12 || !account.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let rest = rest
            .strip_prefix("dkr.")
            .or_else(|| rest.strip_prefix("dkr-"))?;
        let (service, rest) = rest.split_once('.')?;
        let (region, suffix) = rest.split_once('.')?;
        let is_region = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if region.is_empty() || !region.bytes().all(is_region) || !SUFFIXES.contains(&suffix) {
            return None;
        }
        let api_host = match (service, suffix) {
            ("ecr" | "ecr-fips", "on.aws") => format!("{service}.{region}.api.aws"),
            ("ecr" | "ecr-fips", "on.amazonwebservices.com.cn") => {
                format!("{service}.{region}.api.amazonwebservices.com.cn")
            }
            // The partitions `aws` and `aws-us-gov` have another name for FIPS than the others.
            ("ecr-fips", "amazonaws.com") => format!("ecr-fips.{region}.{suffix}"),
            ("ecr" | "ecr-fips", _) => format!("api.{service}.{region}.{suffix}"),
            _ => return None,
        };
        Some(Self {
            account: account.to_owned(),
            region: region.to_owned(),
            api_host,
        })
    }
}

/// The domains of the partitions of AWS.
///
/// Source: amazon-ecr-credential-helper, `ecr-login/api/client.go`.
const SUFFIXES: [&str; 9] = [
    "amazonaws.com",
    "amazonaws.com.cn",
    "amazonaws.eu",
    "c2s.ic.gov",
    "cloud.adc-e.uk",
    "csp.hci.ic.gov",
    "on.amazonwebservices.com.cn",
    "on.aws",
    "sc2s.sgov.gov",
];

/// Source: Amazon ECR, service authorization reference.
pub(super) const DELETION_RIGHT: &str = "the IAM action ecr:BatchDeleteImage for the repository";

/// Deletes the tag of the operation if it has the digest, or the manifest. A manifest is deleted with its last
/// tag.
///
/// Source: Amazon ECR API reference, `BatchDeleteImage`. Images that do not exist are failures, not errors.
pub(super) async fn delete(api: &VendorHost, account: &str) -> Result<(), DeletionError> {
    let (name, digest) = (&api.operation.repository, api.operation.deleted_digest());
    let image = match api.operation.deleted_tag() {
        Some(tag) => json!({"imageTag": tag, "imageDigest": digest}),
        None => json!({"imageDigest": digest}),
    };
    let document = json!({
        "registryId": account, "repositoryName": name.as_str(), "imageIds": [image],
    });
    let body = JsonBody {
        media_type: "application/x-amz-json-1.1",
        document: &document,
        headers: &[(AMZ_TARGET, ECR_DELETE_TARGET)],
    };
    let response = api.send_once(Method::POST, "", Some(body), &[200]).await?;
    let document: Value = serde_json::from_slice(response.body()).unwrap_or_default();
    let failure = &document["failures"][0];
    match failure["failureCode"].as_str() {
        // A tag that has moved is noticed when its digest is checked again.
        None | Some("ImageNotFound" | "ImageTagDoesNotMatchDigest") => Ok(()),
        Some(code) => Err(DeletionError::Refused {
            api: DeletionApi::Ecr,
            what: printable(
                &format!(
                    "{code} {}",
                    failure["failureReason"].as_str().unwrap_or_default()
                ),
                MAX_REASON,
            ),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn api_host_follows_from_the_name_of_the_registry() {
        let table = [
            (
                "123456789012.dkr.ecr.eu-central-1.amazonaws.com",
                Some(("eu-central-1", "api.ecr.eu-central-1.amazonaws.com")),
            ),
            (
                "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn",
                Some(("cn-north-1", "api.ecr.cn-north-1.amazonaws.com.cn")),
            ),
            (
                "123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com",
                Some(("us-gov-west-1", "ecr-fips.us-gov-west-1.amazonaws.com")),
            ),
            (
                "123456789012.dkr.ecr-fips.us-iso-east-1.c2s.ic.gov",
                Some(("us-iso-east-1", "api.ecr-fips.us-iso-east-1.c2s.ic.gov")),
            ),
            (
                "123456789012.dkr-ecr.us-west-2.on.aws",
                Some(("us-west-2", "ecr.us-west-2.api.aws")),
            ),
            (
                "123456789012.dkr-ecr-fips.us-west-2.on.aws",
                Some(("us-west-2", "ecr-fips.us-west-2.api.aws")),
            ),
            (
                "123456789012.dkr.ecr.eusc-de-east-1.amazonaws.eu",
                Some(("eusc-de-east-1", "api.ecr.eusc-de-east-1.amazonaws.eu")),
            ),
            ("public.ecr.aws", None),
            ("12345678901.dkr.ecr.us-east-1.amazonaws.com", None),
            ("123456789012.dkr.ecr.us-east-1.example.com", None),
            ("123456789012.dkr.ecr.us-east-1.amazonaws.com.evil.io", None),
            ("123456789012.dkr.s3.us-east-1.amazonaws.com", None),
            ("123456789012.dkr.ecr..amazonaws.com", None),
            ("123456789012.dkr.ecr.us-east-1.amazonaws.com:5000", None),
        ];
        for (host, expected) in table {
            let parsed = EcrRegistry::parse(host);
            let found = parsed
                .as_ref()
                .map(|ecr| (ecr.region.as_str(), ecr.api_host.as_str()));
            assert_eq!(found, expected, "{host}");
            let account = parsed.map(|ecr| ecr.account);
            assert!(account.is_none_or(|account| account == "123456789012"));
        }
    }
}
