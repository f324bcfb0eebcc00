//! The reader of a policy file: converts its fields to types that cannot hold invalid values.

use std::time::Duration;

use strict_json::{
    Document, JsonProblem, Located, NonEmpty, ObjectReader, Problems, Value, parse_root,
};

use super::containers_policy;
use super::fields::{
    AttestationFields, DefaultField, ImageFields, KeylessFields, PolicyFields, SignedByField,
};
use super::key_files::{KeyFiles, ReadKey};
use super::policy::{Decision, Policy, Rule};
use super::signers::{read_keyless, read_threshold};
use super::source_pattern::SourcePattern;
use crate::requirement::{AttestationRequirement, KeySigners, Requirement, SignedBy, Signers};

/// The words for the file in its problems.
const DOCUMENT: Document = Document {
    form: "{\"images\": [{\"match\": \"HOST/*\", …}]}",
    item: "key",
};

/// Seconds of a day.
const DAY: u64 = 24 * 60 * 60;

/// The reader of the parts of requirements, with the key files that were read.
struct RequirementReader<'f, 'a> {
    keys: &'f mut KeyFiles<'a>,
}

impl Policy {
    /// Parses the text of a policy file, or of a containers-policy.json(5). `read_key` returns the text of a
    /// key file.
    ///
    /// # Errors
    ///
    /// All problems of the file, in file order. For invalid JSON, only the first problem.
    pub fn parse<'a>(text: &str, read_key: &'a mut ReadKey<'a>) -> Result<Self, Vec<JsonProblem>> {
        let mut problems = Problems::new(text, str::to_owned);
        let mut keys = KeyFiles::new(read_key);
        let mut policy = None;
        if let Some(root) = parse_root(text, DOCUMENT, &mut problems) {
            policy = match containers_policy::is_containers_policy(&root) {
                true => containers_policy::read(root, &mut keys, &mut problems),
                false => read_policy(root, &mut keys, &mut problems),
            };
        }
        problems.finish()?;
        policy.ok_or_else(Vec::new)
    }
}

fn read_policy(
    root: strict_json::Object<'_>,
    keys: &mut KeyFiles<'_>,
    problems: &mut Problems<'_>,
) -> Option<Policy> {
    let mut reader = RequirementReader { keys };
    let root = Value::Object(root);
    let fields = ObjectReader::new(&root, "policy", problems)?;
    let fields = PolicyFields::read(fields, problems);
    let mut rules: Vec<Rule> = Vec::new();
    for entry in fields.images.iter().flat_map(|images| &images.value) {
        let name = entry.value.sources.as_ref();
        let name = name.map_or("without `match`", |sources| sources.value.as_str());
        let rule = problems.within(format!("entry `{name}`"), |problems| {
            let rule = reader.rule(entry, problems)?;
            report_unreachable(&rule, entry, &rules, problems);
            Some(rule)
        });
        rules.extend(rule);
    }
    let decision = match &fields.default {
        Some(Located {
            value: DefaultField::Unsigned,
            ..
        }) => Decision::Unsigned,
        _ => Decision::Reject,
    };
    let line = |default: &Located<DefaultField>| problems.position(default.offset).0;
    Some(Policy {
        rules,
        default: Rule {
            pattern: SourcePattern::any().ok()?,
            decision,
            line: fields.default.as_ref().map_or(1, line),
            is_default: true,
        },
    })
}

/// Reports an entry that decides about no image, because an earlier one matches all that it matches.
fn report_unreachable(
    rule: &Rule,
    entry: &Located<ImageFields>,
    earlier: &[Rule],
    problems: &mut Problems<'_>,
) {
    let covering = earlier
        .iter()
        .find(|earlier| earlier.pattern.covers(&rule.pattern));
    if let Some(covering) = covering {
        let offset = entry.value.sources.as_ref().map(|sources| sources.offset);
        problems.add(
            offset.unwrap_or(entry.offset),
            format!(
                "the entry is never used: {covering} in line {} matches the same images and comes first",
                covering.line
            ),
        );
    }
}

impl RequirementReader<'_, '_> {
    fn rule(&mut self, entry: &Located<ImageFields>, problems: &mut Problems<'_>) -> Option<Rule> {
        let fields = &entry.value;
        let (line, _) = problems.position(entry.offset);
        let pattern = fields.sources.as_ref();
        let pattern = pattern.and_then(|sources| sources.parse::<SourcePattern>("match", problems));
        let kinds = ["keys", "keyless", "accept", "reject"];
        let present = fields.present.iter();
        let given = present.filter(|key| kinds.contains(&key.value));
        let given: Vec<_> = given.map(|key| (key.value, key.offset)).collect();
        let decision = match given[..] {
            [("accept", _)] => {
                let decision = fields.accept.as_ref().map(|_| Decision::Unsigned);
                without_signature(fields, decision, problems)
            }
            [("reject", _)] => {
                let decision = fields.reject.as_ref().map(|_| Decision::Reject);
                without_signature(fields, decision, problems)
            }
            [_] => self.requirement(fields, problems),
            [] => {
                problems.add(
                    entry.offset,
                    "the entry has no requirement: add `keys`, `keyless`, `\"accept\": \"unsigned\"` or \
                     `\"reject\": true`",
                );
                None
            }
            [(first, _), (second, offset), ..] => {
                let message = format!(
                    "`{first}` and `{second}` exclude each other: write one entry for each, the first that \
                     matches decides"
                );
                problems.add(offset, message);
                None
            }
        };
        Some(Rule {
            pattern: pattern?,
            decision: decision?,
            line,
            is_default: false,
        })
    }

    fn requirement(
        &mut self,
        fields: &ImageFields,
        problems: &mut Problems<'_>,
    ) -> Option<Decision> {
        let signers = self.signers(
            fields.keyless.as_ref(),
            fields.keys.as_ref(),
            fields.threshold.as_ref(),
            problems,
        );
        let mut attestations = Some(Vec::new());
        if let Some(listed) = &fields.attestations {
            let NonEmpty(listed) = &listed.value;
            for attestation in listed {
                let read = self.attestation(&attestation.value, problems);
                attestations = attestations.zip(read).map(|(mut all, one)| {
                    all.push(one);
                    all
                });
            }
        }
        let minimum_age = fields.minimum_age.as_ref();
        let minimum_age = minimum_age.map(|days| Duration::from_secs(u64::from(days.value) * DAY));
        let attestations = attestations?;
        let requirement = Requirement {
            signed_by: signed_by(fields, &attestations, problems)?,
            attestations,
            minimum_age: minimum_age.filter(|age| !age.is_zero()),
            ..Requirement::new(signers??)
        };
        Some(Decision::Signed(vec![requirement]))
    }

    fn attestation(
        &mut self,
        fields: &AttestationFields,
        problems: &mut Problems<'_>,
    ) -> Option<AttestationRequirement> {
        if let (Some(_), Some(keys)) = (&fields.keyless, &fields.keys) {
            problems.add(keys.offset, "`keyless` and `keys` exclude each other");
            return None;
        }
        let signers = self.signers(
            fields.keyless.as_ref(),
            fields.keys.as_ref(),
            fields.threshold.as_ref(),
            problems,
        )?;
        let predicate_type = fields.predicate_type.as_ref()?;
        Some(AttestationRequirement {
            predicate_type: predicate_type.value.clone(),
            signers,
        })
    }

    /// Returns the signers, `Some(None)` if the fields name none, and `None` after a problem.
    #[expect(clippy::option_option, reason = "absent signers are not invalid ones")]
    fn signers(
        &mut self,
        keyless: Option<&Located<KeylessFields>>,
        keys: Option<&Located<NonEmpty<Vec<Located<String>>>>>,
        threshold: Option<&Located<u16>>,
        problems: &mut Problems<'_>,
    ) -> Option<Option<Signers>> {
        if let Some(keys) = keys {
            let NonEmpty(paths) = &keys.value;
            let keys = self.keys.read(paths, problems)?;
            let threshold = read_threshold(threshold, keys.len(), problems)?;
            return Some(Some(Signers::Keys(KeySigners { keys, threshold })));
        }
        if let Some(threshold) = threshold {
            problems.add(
                threshold.offset,
                "`threshold` counts keys: it belongs to `keys`",
            );
            return None;
        }
        match keyless {
            Some(keyless) => read_keyless(keyless, problems).map(Some),
            None => Some(None),
        }
    }
}

/// Returns the document that counts as the signature. Such an attestation has the signers of the image.
fn signed_by(
    fields: &ImageFields,
    attestations: &[AttestationRequirement],
    problems: &mut Problems<'_>,
) -> Option<SignedBy> {
    let written = fields.signed_by.as_ref();
    let Some(written) = written.filter(|it| it.value == SignedByField::Attestation) else {
        return Some(SignedBy::Signature);
    };
    let problem = match attestations {
        [] => "`signedBy` names an attestation, and `attestations` requires none",
        [first, ..] if first.signers.is_some() => {
            "the first attestation counts as the signature, so its signers are those of the image"
        }
        _ => return Some(SignedBy::Attestation),
    };
    problems.add(written.offset, problem);
    None
}

/// Reports the keys that need a signature beside `accept` and `reject`.
fn without_signature(
    fields: &ImageFields,
    decision: Option<Decision>,
    problems: &mut Problems<'_>,
) -> Option<Decision> {
    let of_signatures = ["threshold", "attestations", "signedBy", "minimumAge"];
    let present = fields.present.iter();
    let mut misplaced = present
        .filter(|key| of_signatures.contains(&key.value))
        .peekable();
    let is_valid = misplaced.peek().is_none();
    for key in misplaced {
        let key_name = key.value;
        problems.add(
            key.offset,
            format!("`{key_name}` needs a signature: it belongs to `keys` or `keyless`"),
        );
    }
    decision.filter(|_| is_valid)
}

#[cfg(test)]
#[path = "reader_tests.rs"]
mod tests;
