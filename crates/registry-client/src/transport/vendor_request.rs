//! Requests to vendors' APIs.

use std::sync::Arc;
use std::time::Instant;

use chrono::Utc;

use super::host::Host;
use super::host_limit::Permit;
use super::response::Response;
use super::send::Request;
use crate::auth::{Authorization, Origin};
use crate::error::Error;
use crate::vendor_operation::{VendorAuthorization, VendorRequest};

impl Host {
    /// Sends one attempt of a request to a vendor's API. It has credentials, so no redirect is followed.
    pub(super) async fn attempt_at_vendor(
        self: &Arc<Self>,
        request: &Request,
        vendor: &VendorRequest,
        permit: Option<Permit>,
    ) -> Result<Response, Error> {
        let authorization = &vendor.authorization;
        let added = authorization.headers(
            &request.method,
            &request.url,
            &request.headers,
            &request.payload,
            Utc::now(),
        );
        let added = added.ok_or_else(|| Error::Unsafe {
            host: self.name().to_owned(),
            what: "the credentials cannot be sent in a header".to_owned(),
        })?;
        let mut signed = request.clone();
        signed.headers.extend(added);
        let used = Authorization {
            header: None,
            authenticated: !matches!(authorization, VendorAuthorization::None),
            origin: Origin::None,
        };
        let sent = Instant::now();
        let mut response = self.send_with_redirects(&signed, &used).await?;
        response.permit = permit;
        let took = Some(sent.elapsed());
        self.check_status(response, request.accepted, &used, took)
            .await
    }
}
