//! The page `docs/hostile.md`.

use std::fmt::Write;
use std::{env, fs};

use super::Verdict;
use super::form::FORMS;
use super::origin::ORIGINS;
use crate::environment::repository_root;

const HEAD: &str = "\
# Hostile strings

Every string that arrives from elsewhere is tried in every hostile form, with the built binary and real
requests. `cargo test -p mirror --test e2e hostile` runs the matrix and compares the results with this page.

- `✓` the run succeeds, and the string has no effect beyond its own text;
- `✗` the run or its row fails, with a message;
- `·` the string cannot have the form: only a registry with credentials can echo them, and not every string
  can lead back to itself.

Each cell also checks that

- the destination gets no write but those that the row names, and its other repository keeps its tag;
- the source gets no write;
- the password of the registries is in no output and no file, also where the registry sends it back;
- no line of the output acts on a terminal or a CI runner, and the output is shorter than 64 KiB, or than
  ten times the text of a file of the checkout;
- no program of the checkout's configuration runs, and no file appears;
- the run ends.
";

/// Compares the page with the results.
pub(super) fn check(verdicts: &[Verdict]) {
    let generated = page(verdicts);
    let file = repository_root().join("docs/hostile.md");
    if env::var_os("RENEW_HOSTILE").is_some() {
        fs::write(&file, &generated).unwrap();
    }
    let kept = fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(
        kept, generated,
        "docs/hostile.md differs from the results; if they are right, run \
         RENEW_HOSTILE=1 cargo test -p mirror --test e2e hostile"
    );
}

fn page(verdicts: &[Verdict]) -> String {
    let mut page = format!("{HEAD}\n| string |");
    for form in FORMS {
        write!(page, " {} |", form.name()).unwrap();
    }
    page += "\n| --- |";
    page += &" :-: |".repeat(FORMS.len());
    page.push('\n');
    for (origin, row) in ORIGINS.iter().zip(verdicts.chunks(FORMS.len())) {
        write!(page, "| {} |", origin.name()).unwrap();
        for verdict in row {
            write!(page, " {} |", verdict.sign()).unwrap();
        }
        page.push('\n');
    }
    let tried = verdicts
        .iter()
        .filter(|it| **it != Verdict::Impossible)
        .count();
    write!(
        page,
        "\n{tried} hostile strings, 0 effects outside what the rows name.\n\n\
         To update this page, run `RENEW_HOSTILE=1 cargo test -p mirror --test e2e hostile`.\n"
    )
    .unwrap();
    page
}

impl Verdict {
    fn sign(self) -> &'static str {
        match self {
            Self::Harmless => "✓",
            Self::Refused => "✗",
            Self::Impossible => "·",
        }
    }
}
