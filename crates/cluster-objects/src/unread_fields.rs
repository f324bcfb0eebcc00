//! The fields of YAML objects that are not read.
//!
//! A YAML parser is slower than all other steps together, and most lines of a pod have no image: conditions,
//! probes, mounts. Of kinds with known fields, these values are cut out by lines before the text is parsed.

use std::borrow::Cow;

use crate::known_kind::KnownKind;

/// The keys of values that have no image, owner or node, at any depth of a known kind, sorted.
const UNREAD: [&str; 72] = [
    "addresses",
    "allocatable",
    "allocatedResources",
    "annotations",
    "automountServiceAccountToken",
    "blockOwnerDeletion",
    "capacity",
    "conditions",
    "config",
    "configMap",
    "containerID",
    "creationTimestamp",
    "csi",
    "daemonEndpoints",
    "dnsConfig",
    "dnsPolicy",
    "downwardAPI",
    "emptyDir",
    "enableServiceLinks",
    "envFrom",
    "features",
    "hostAliases",
    "hostIP",
    "hostIPs",
    "hostPath",
    "imagePullPolicy",
    "imagePullSecrets",
    "lastState",
    "lifecycle",
    "livenessProbe",
    "managedFields",
    "nfs",
    "observedGeneration",
    "persistentVolumeClaim",
    "phase",
    "podAffinity",
    "podAntiAffinity",
    "podIP",
    "podIPs",
    "ports",
    "preemptionPolicy",
    "preferredDuringSchedulingIgnoredDuringExecution",
    "priority",
    "projected",
    "qosClass",
    "readinessProbe",
    "ready",
    "resourceVersion",
    "resources",
    "restartCount",
    "restartPolicy",
    "runtimeHandlers",
    "schedulerName",
    "secret",
    "securityContext",
    "serviceAccount",
    "serviceAccountName",
    "startTime",
    "started",
    "startupProbe",
    "state",
    "terminationGracePeriodSeconds",
    "terminationMessagePath",
    "terminationMessagePolicy",
    "tolerations",
    "topologySpreadConstraints",
    "uid",
    "valueFrom",
    "volumeClaimTemplates",
    "volumeDevices",
    "volumeMounts",
    "volumesAttached",
];

/// A line without its indentation and dashes.
struct Content<'a> {
    /// The key of a mapping, if the line has a plain one.
    key: Option<&'a str>,
    /// Something follows the key.
    has_value: bool,
    /// The column of the key, or of the last dash of another value: its further lines are indented more.
    column: usize,
}

/// Returns an object without the values that are not read; one that begins an item of a list becomes null. The
/// text of other kinds, and of objects in flow style, is returned as it is.
pub(crate) fn without_unread_fields(text: &str) -> Cow<'_, str> {
    if !has_known_kind(text) {
        return text.into();
    }
    let mut kept = String::with_capacity(text.len() / 2);
    // The column of the key whose value is left out, and that of a value of several lines.
    let (mut unread, mut scalar) = (None, None);
    for line in text.split_inclusive('\n') {
        let column = line.len() - line.trim_start_matches(' ').len();
        let content = line[column..].trim_end();
        let is_empty = content.is_empty() || content.starts_with('#');
        let is_dash = content == "-" || content.starts_with("- ");
        if let Some(key) = unread {
            if is_empty || column > key || column == key && is_dash {
                continue;
            }
            unread = None;
        }
        if is_empty || scalar.is_some_and(|scalar| column > scalar) {
            kept.push_str(line);
            continue;
        }
        let content = Content::new(content, column);
        scalar = content.has_value.then_some(content.column);
        match content.key {
            Some(key) if UNREAD.binary_search(&key).is_ok() => {
                (unread, scalar) = (Some(content.column), None);
                if is_dash {
                    // The item stays, with the keys that follow.
                    let end = line.find(':').map_or(line.len(), |colon| colon + 1);
                    kept.push_str(&line[..end]);
                    kept.push('\n');
                }
            }
            _ => kept.push_str(line),
        }
    }
    kept.into()
}

/// Reports whether the object is of a known kind, by lines in the column of its first one.
fn has_known_kind(text: &str) -> bool {
    let is_blank = |line: &&str| line.trim().is_empty();
    let Some(first) = text.lines().find(|line| !is_blank(line)) else {
        return false;
    };
    let indentation = &first[..first.len() - first.trim_start_matches(' ').len()];
    let field = |name: &str| {
        let mut values = text.lines().filter_map(|line| {
            let rest = line.strip_prefix(indentation)?.strip_prefix(name)?;
            rest.strip_prefix(": ").map(str::trim_end)
        });
        values.next()
    };
    let api_version = field("apiVersion").unwrap_or_default();
    field("kind").is_some_and(|kind| KnownKind::new(kind, api_version).is_some())
}

impl<'a> Content<'a> {
    fn new(mut content: &'a str, mut column: usize) -> Self {
        let mut dash = None;
        while let Some(rest) = content.strip_prefix("- ") {
            let inner = rest.trim_start_matches(' ');
            dash = Some(column);
            column += content.len() - inner.len();
            content = inner;
        }
        let (key, value) = content.split_once(':').unwrap_or((content, ""));
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "_./-".contains(c);
        let is_key = content.len() > key.len() && (value.is_empty() || value.starts_with(' '));
        match is_key && !key.is_empty() && key.chars().all(is_plain) {
            true => Self {
                key: Some(key),
                has_value: !value.is_empty(),
                column,
            },
            false => Self {
                key: None,
                has_value: true,
                column: dash.unwrap_or(column),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POD: &str = "
  apiVersion: v1
  kind: Pod
  metadata:
    annotations:
      a: b
    labels:
      pod-template-hash: x
  spec:
    containers:
    - resources:
        limits:
          cpu: 1

      # in between
      image: q.io/a:1
      args:
      - |
        state:
          kept
      - --a text of
        resources:
        two lines
      volumeMounts:
      - name: a
        mountPath: /a
      imagePullPolicy: Always
      name: a
      env:
      - name: A
        valueFrom:
          secretKeyRef: {name: a}
      - name: B
        value: \"state:
          conditions:
          kept\"
    tolerations:
    - key: a
  status:
    conditions:
    - type: Ready
    containerStatuses:
    - state:
        running: {}
      lastState: {}
      imageID: q.io/a@sha256:1
";

    /// The same without the values that are not read.
    const KEPT: &str = "
  apiVersion: v1
  kind: Pod
  metadata:
    labels:
      pod-template-hash: x
  spec:
    containers:
    - resources:
      image: q.io/a:1
      args:
      - |
        state:
          kept
      - --a text of
        resources:
        two lines
      name: a
      env:
      - name: A
      - name: B
        value: \"state:
          conditions:
          kept\"
  status:
    containerStatuses:
    - state:
      imageID: q.io/a@sha256:1
";

    #[test]
    fn values_that_are_not_read_are_left_out() {
        assert_eq!(without_unread_fields(POD), KEPT);
    }

    #[test]
    fn other_kinds_are_kept_whole() {
        for text in [
            "kind: Engine\napiVersion: v1\nspec:\n  config:\n    image: q.io/a:1\n",
            "kind: Deployment\napiVersion: acme.io/v1\nspec:\n  config:\n    image: q.io/a:1\n",
            "{kind: Pod, spec: {}}\n",
            "",
        ] {
            assert_eq!(without_unread_fields(text), text);
        }
    }
}
