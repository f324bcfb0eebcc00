//! The settings of targets, applied to the rows and the client of a run.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use copier::{DestinationSettings, Platform};
use image_name::Host;
use images_list::{RepositoryCreation, Target, TargetName, Targets};
use registry_client::{CreationApi, HostLimits, MAX_DESCRIPTION};

use super::imported::ImportedRows;
use super::platform_args::PlatformArgs;
use super::selection::RunRow;
use crate::cli::failure::Finding;

/// Sets the settings of each row's target. The options of the run take precedence. A destination that an
/// override has moved to another registry is neither created nor described.
pub(crate) fn apply(rows: &mut [RunRow], platform: &PlatformArgs, no_referrers: bool) {
    // Rows of one target have the same settings, unless their descriptions differ.
    let mut shared: HashMap<TargetName, Arc<DestinationSettings>> = HashMap::new();
    for row in rows {
        let Some(target) = &row.target else { continue };
        let settings = DestinationSettings {
            platforms: match platform.selection() {
                Some(_) => None,
                None => platform.of_target(platforms(target)),
            },
            referrers: target.referrers.filter(|_| !no_referrers),
            creation: creation_api(target.create).filter(|_| is_at_target(row, target)),
            description: description(row, target).filter(|_| is_at_target(row, target)),
        };
        row.row.settings = match shared.get(&target.name) {
            Some(known) if **known == settings => Arc::clone(known),
            _ => {
                let settings = Arc::new(settings);
                shared.insert(target.name.clone(), Arc::clone(&settings));
                settings
            }
        };
    }
}

/// Sets the settings of the targets whose prefixes the destinations of a bundle have: the creation of repositories,
/// and the choice of referrers. An import changes no descriptions.
pub(crate) fn apply_to_imported(imported: &mut ImportedRows, no_referrers: bool) {
    for row in &mut imported.rows {
        let row = &mut row.run_row;
        let Some(target) = &row.target else { continue };
        row.row.settings = Arc::new(DestinationSettings {
            platforms: row.row.settings.platforms.clone(),
            referrers: target.referrers.filter(|_| !no_referrers),
            creation: creation_api(target.create),
            description: None,
        });
    }
}

fn is_at_target(row: &RunRow, target: &Target) -> bool {
    let host = row.row.destination.registry().parse::<Host>();
    host.is_ok_and(|host| host == *target.prefix.host())
}

fn creation_api(creation: RepositoryCreation) -> Option<CreationApi> {
    match creation {
        RepositoryCreation::Ecr => Some(CreationApi::Ecr),
        RepositoryCreation::Harbor => Some(CreationApi::Harbor),
        RepositoryCreation::GitLab => Some(CreationApi::GitLab),
        RepositoryCreation::Quay => Some(CreationApi::Quay),
        _ => None,
    }
}

/// Returns a finding for each setting of a target that the registry at the host of its prefix does not support.
pub(crate) fn findings(file: &str, targets: &Targets) -> Vec<Finding> {
    let mut findings = Vec::new();
    for target in targets.all() {
        let (name, host) = (&target.name, target.prefix.host());
        let mut add = |message: String| {
            findings.push(Finding {
                file: file.to_owned(),
                line: target.line,
                message: format!("target `{name}`: {message}"),
            });
        };
        let api = creation_api(target.create);
        if let Some(api) = api.filter(|api| !api.may_be_at(host.as_str())) {
            let value = target.create.as_str();
            let hint = match api {
                CreationApi::Ecr => {
                    "write the prefix as ACCOUNT.dkr.ecr.REGION.amazonaws.com/PATH, or "
                }
                _ => "",
            };
            add(format!(
                "`create` is \"{value}\", but {host} is not a registry of {api}: {hint}set `create` to \
                 \"push\" or \"no\""
            ));
        }
        if target.description.is_some() && !host.is_docker_hub() {
            add(format!(
                "`description` has no effect at {host}, only at Docker Hub: remove it"
            ));
        }
    }
    findings
}

/// Returns the description of a row's destination, cut to the length that Docker Hub accepts.
fn description(row: &RunRow, target: &Target) -> Option<String> {
    let source = &row.listed.as_ref()?.row.source;
    let text = target.description.as_ref()?.render(source);
    if text.chars().count() <= MAX_DESCRIPTION {
        return Some(text);
    }
    let start: String = text.chars().take(MAX_DESCRIPTION - 1).collect();
    Some(start + "…")
}

/// Returns the platforms of a target, which were checked when its file was read.
fn platforms(target: &Target) -> Vec<Platform> {
    let texts = target.platforms.iter().flatten();
    texts.filter_map(|text| text.parse().ok()).collect()
}

/// Returns the limits of the registries of targets. Of several targets of a registry, the lowest apply.
pub(crate) fn host_limits(targets: &Targets) -> HashMap<Host, HostLimits> {
    let mut limits: HashMap<Host, HostLimits> = HashMap::new();
    for target in targets.all() {
        let of_host = limits.entry(target.prefix.host().clone()).or_default();
        let jobs = target.jobs.map(|jobs| usize::from(jobs.get()));
        of_host.requests = [of_host.requests, jobs].into_iter().flatten().min();
        let interval = target
            .requests_per_second
            .map(|rate| Duration::from_micros(rate.interval_micros()));
        of_host.interval = [of_host.interval, interval].into_iter().flatten().max();
    }
    limits.retain(|_, limits| *limits != HostLimits::default());
    limits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lowest_limits_of_a_registry_apply() {
        let targets = Targets::parse(
            r#"{"targets": {
                "a": {"prefix": "localhost:5000/a", "jobs": 8, "requestsPerSecond": 10},
                "b": {"prefix": "127.0.0.1:5000/b", "jobs": 4, "requestsPerSecond": 20},
                "c": {"prefix": "c.io", "jobs": 2},
                "d": {"prefix": "d.io", "referrers": false}
            }}"#,
        );
        let limits = host_limits(&targets.unwrap());
        let of = |host: &str| limits.get(&host.parse::<Host>().unwrap()).copied();
        let both = HostLimits {
            requests: Some(4),
            interval: Some(Duration::from_millis(100)),
        };
        assert_eq!(of("localhost:5000"), Some(both));
        assert_eq!(of("c.io").unwrap().requests, Some(2));
        assert_eq!(of("d.io"), None);
    }
}
