//! YAML that is still a template, as in a config map with the pods that a
//! controller is going to make.

/// What stands for an action: YAML takes it anywhere in a scalar, no image has it.
const STAND_IN: char = '…';

/// A template without its actions (`{{ … }}`): lines of nothing else are gone, others keep a
/// character in the place of each. `None` where there are none.
pub(super) fn without_actions(template: &str) -> Option<String> {
    if !template.contains("{{") {
        return None;
    }
    let mut text = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, action)) = rest.split_once("{{") {
        text.push_str(before);
        text.push(STAND_IN);
        rest = action.split_once("}}").map_or("", |(_, after)| after);
    }
    text.push_str(rest);
    let says_nothing = |line: &str| {
        let mut marks = line.chars().filter(|mark| !mark.is_whitespace());
        line.contains(STAND_IN) && marks.all(|mark| mark == STAND_IN)
    };
    let lines = text.split_inclusive('\n');
    Some(lines.filter(|line| !says_nothing(line)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_leave_yaml() {
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
            let found = without_actions(template);
            assert_eq!(found.as_deref(), expected, "{template:?}");
        }
    }
}
