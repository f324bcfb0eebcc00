//! Credentials go where they are for, and into nothing that people or machines read: each is planted
//! where it can come from, and looked for in all that a run leaves behind.

mod canary;
mod client_key;
mod gatekeeper;
mod registries;
mod upstreams;
