//! An image file in the place of a registry.

use futures::future::{BoxFuture, FutureExt};
use http::{Request, Response};
use registry_client::{Body, InProcessRegistry, LocalError};

use super::answer::answer;
use super::store::ImageStore;

/// A registry with the content of a file.
#[derive(Debug)]
pub(super) struct FileRegistry<S>(S);

impl<S: ImageStore> FileRegistry<S> {
    pub(super) fn new(store: S) -> Self {
        Self(store)
    }
}

impl<S: ImageStore + 'static> InProcessRegistry for FileRegistry<S> {
    fn respond(&self, request: Request<Body>) -> BoxFuture<'_, Response<Body>> {
        let answered = answer(&self.0, request);
        answered
            .map(|answered| answered.unwrap_or_else(LocalError::into_response))
            .boxed()
    }
}
