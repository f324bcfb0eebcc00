//! `mirror rewrite`: writes the configuration that points consumers at the mirror.

mod containerd_hosts;
mod image_patterns;
mod k3s;
mod kustomize;
mod kyverno;
mod mapping;
mod mirror_sets;
mod output_format;
mod registries_conf;
mod repository_checks;
mod rewritten;
mod run;
mod yaml_text;

pub(crate) use run::{RewriteArgs, run};
