//! A table of forgeries: every check, and every way to break it. Each is refused with its own cause.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

mod certificates;
mod classic;
mod cosign;
mod documents;
mod keys;
mod log_evidence;
mod policies;
mod world;

use std::collections::BTreeSet;

use world::{FORMS, Forgery, World};

fn table(world: &World) -> Vec<Forgery> {
    let mut table = certificates::forgeries(world);
    table.extend(log_evidence::forgeries(world));
    table.extend(documents::forgeries(world));
    table.extend(classic::forgeries(world));
    table
}

#[test]
fn what_the_forgeries_start_from_is_accepted() {
    let world = World::new();
    let root = world.authority.trusted_root();
    for form in FORMS {
        let decision = world.decide(&world.valid(form), &root);
        assert_eq!(decision.unwrap().signed_by, world::IDENTITY, "{form:?}");
    }
}

#[test]
fn every_forgery_is_refused_with_its_own_cause() {
    let world = World::new();
    let table = table(&world);
    let mut names = BTreeSet::new();
    let mut wrong = Vec::new();
    for forgery in &table {
        let name = format!("{} ({:?})", forgery.name, forgery.form);
        match world.decide(&forgery.document, &forgery.trusted_root) {
            Ok(_) => wrong.push(format!("{name}: accepted")),
            Err(cause) => {
                let found = format!("{cause:?}");
                if !found.starts_with(forgery.expected) {
                    wrong.push(format!("{name}: {found}, not {}", forgery.expected));
                }
            }
        }
        assert!(names.insert(name), "{} is there twice", forgery.name);
    }
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        table.len(),
        wrong.join("\n")
    );
    assert!(table.len() >= 60, "{} forgeries", table.len());
}
