//! Credentials reach only the host that they are for. Each test plants one and searches everything
//! that a run leaves behind.

mod client_key;
mod echoed_secrets;
mod leak_search;
mod registry_credentials;
mod source_credentials;
