//! Pull secrets of Kubernetes: a Secret with an auth file in it.

use base64::Engine;
use serde::Deserialize;

use super::auth_file::BASE64;
use super::credential::Secret;

/// The key of the auth file in a Secret of type `kubernetes.io/dockerconfigjson`.
const KEY: &str = ".dockerconfigjson";

#[derive(Deserialize)]
struct Manifest {
    data: Option<Data>,
    #[serde(rename = "stringData")]
    string_data: Option<Data>,
}

#[derive(Deserialize)]
struct Data {
    #[serde(rename = ".dockerconfigjson")]
    content: Option<Secret>,
}

/// Returns the auth file in a Secret, as `kubectl get secret NAME -o yaml` or `-o json` prints it. `None`
/// for any other document.
///
/// Of YAML, the lines of the key are read: a value on one line, or a block.
#[must_use]
pub fn auth_file_in_pull_secret(document: &[u8]) -> Option<Secret> {
    if let Ok(manifest) = serde_json::from_slice::<Manifest>(document) {
        let encoded = manifest.data.and_then(|data| data.content);
        return match encoded {
            Some(encoded) => decoded(encoded.expose()),
            None => manifest.string_data?.content,
        };
    }
    let text = std::str::from_utf8(document).ok()?;
    let value = yaml_value(text)?;
    match value.trim_start().starts_with('{') {
        true => Some(value.into()),
        false => decoded(&value),
    }
}

/// Returns the value of the key in YAML.
fn yaml_value(text: &str) -> Option<String> {
    let mut lines = text.lines();
    let (indent, first) = lines.find_map(|line| {
        let (key, value) = line.trim().split_once(':')?;
        let key = key.trim().trim_matches(['"', '\'']);
        (key == KEY).then(|| (indent_of(line), value.trim()))
    })?;
    if !first.is_empty() && !first.starts_with(['|', '>']) {
        return Some(first.trim_matches(['"', '\'']).to_owned());
    }
    let block = lines.take_while(|line| line.trim().is_empty() || indent_of(line) > indent);
    Some(block.map(str::trim).collect())
}

fn indent_of(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

fn decoded(encoded: &str) -> Option<Secret> {
    let encoded: Vec<u8> = encoded
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    let content = BASE64.decode(encoded).ok()?;
    String::from_utf8(content).ok().map(Secret::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pull_secret_holds_an_auth_file() {
        let encoded = BASE64.encode("{\"auths\": {}}");
        let (begin, end) = encoded.split_at(5);
        for document in [
            format!("{{\"kind\": \"Secret\", \"data\": {{\".dockerconfigjson\": \"{encoded}\"}}}}"),
            "{\"kind\": \"Secret\", \"stringData\": {\".dockerconfigjson\": \"{\\\"auths\\\": {}}\"}}".to_owned(),
            format!("kind: Secret\ndata:\n  .dockerconfigjson: {encoded}\nmetadata: {{name: a}}\n"),
            format!("data:\n  \".dockerconfigjson\": \"{encoded}\"\n"),
            format!("data:\n  .dockerconfigjson: |\n    {begin}\n    {end}\n  other: x\n"),
            "stringData:\n  .dockerconfigjson: |\n    {\"auths\":\n     {}}\ntype: x\n".to_owned(),
        ] {
            let found = auth_file_in_pull_secret(document.as_bytes()).unwrap();
            let found = found.expose().replace(' ', "");
            assert_eq!(found, "{\"auths\":{}}", "{document}");
        }
        for document in [
            "",
            "{\"auths\": {}}",
            "kind: Pod\n",
            "data: {.dockerconfigjson: 1}\n",
        ] {
            assert!(
                auth_file_in_pull_secret(document.as_bytes()).is_none(),
                "{document}"
            );
        }
    }
}
