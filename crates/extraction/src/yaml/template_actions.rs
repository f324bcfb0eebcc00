//! YAML that still contains template actions, such as pod templates in a controller's config map.

/// Replacement for an action. YAML accepts it anywhere in a scalar, and no image name contains it.
const PLACEHOLDER: char = '…';

/// Removes the actions (`{{ … }}`) from a template. Lines with actions only are deleted; elsewhere a
/// placeholder replaces each action. Returns `None` for text without actions.
pub(crate) fn without_template_actions(template: &str) -> Option<String> {
    if !template.contains("{{") {
        return None;
    }
    let mut text = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, action)) = rest.split_once("{{") {
        text.push_str(before);
        text.push(PLACEHOLDER);
        rest = action.split_once("}}").map_or("", |(_, after)| after);
    }
    text.push_str(rest);
    let has_actions_only = |line: &str| {
        let mut marks = line.chars().filter(|mark| !mark.is_whitespace());
        line.contains(PLACEHOLDER) && marks.all(|mark| mark == PLACEHOLDER)
    };
    let lines = text.split_inclusive('\n');
    Some(lines.filter(|line| !has_actions_only(line)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn template_without_actions_is_yaml() {
        let table = [
            ("a: 1", None),
            (
                "{{ if .x }}\na: 1\n  {{- end }}  \nb: 2",
                Some("a: 1\nb: 2"),
            ),
            (
                "a: \"{{ .x }}\"\nb: c/{{ .y }}:v{{ .z }}\n",
                Some("a: \"…\"\nb: c/…:v…\n"),
            ),
            ("{{/* two\nlines */}}\na: 1", Some("a: 1")),
            ("{{ .x }}: 1\na: {{ .y", Some("…: 1\na: …")),
            ("{{ a }} {{ b }}\nc: 1", Some("c: 1")),
        ];
        for (template, expected) in table {
            let found = without_template_actions(template);
            assert_eq!(found.as_deref(), expected, "{template:?}");
        }
    }
}
