//! Labels of the repository and of its pull requests.

use serde_json::{Value, json};

use super::answer::Answer;
use super::state::Repository;

impl Repository {
    pub(super) fn label(&self, name: &str) -> Answer {
        match self.labels.contains(name) {
            true => Answer::ok(&json!({"name": name})),
            false => Answer::not_found(),
        }
    }

    pub(super) fn create_label(&mut self, document: &Value) -> Answer {
        let Some(name) = document["name"].as_str() else {
            return Answer::invalid("name is missing");
        };
        if !self.labels.insert(name.to_owned()) {
            return Answer::invalid("already_exists");
        }
        Answer::created(&json!({"name": name}))
    }

    /// Adds labels to a pull request. GitHub makes those that there are not; this server refuses
    /// them, so that a test sees that nobody relies on it.
    pub(super) fn add_labels(&mut self, number: usize, document: &Value) -> Answer {
        let names = document["labels"].as_array().into_iter().flatten();
        let names: Vec<_> = names.filter_map(Value::as_str).map(str::to_owned).collect();
        if let Some(missing) = names.iter().find(|name| !self.labels.contains(*name)) {
            return Answer::unprocessable(&format!("Label does not exist: {missing}"));
        }
        let index = number.checked_sub(1);
        let Some(pull) = index.and_then(|index| self.pulls.get_mut(index)) else {
            return Answer::not_found();
        };
        for name in names {
            if !pull.labels.contains(&name) {
                pull.labels.push(name);
            }
        }
        Answer::ok(&json!(pull.labels))
    }
}
