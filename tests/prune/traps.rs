//! A table of traps: each is set in a mirror at each kind of registry, a plan is made and applied, and
//! nothing that is needed may be lost.

use futures::stream::{self, StreamExt};
use serde_json::{Value, json};
use testkit::proxy::{Action, Rule};

use super::stage::{APP, Kind, Stage, sample, sample_of_seed};

/// A change to the mirror or its list.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// Commits a list with these tag columns.
    List(&'static [&'static str]),
    /// Changes the list in the work tree only.
    WorkTree(&'static [&'static str]),
    /// Another client pushes an image of its own under a tag.
    Push(&'static str),
    /// Another client tags an image of the list once more.
    Alias(&'static str, &'static str),
    /// Another client pushes an index that lists a child of an image, under a tag.
    IndexOf(&'static str, &'static str),
    /// Another client tags a child of an image.
    ChildOf(&'static str, &'static str),
    /// Another client pushes a referrer of an image, with or without a tag.
    ReferrerOf(&'static str, Option<&'static str>),
    /// Another client pushes an index without a tag that is about an image and lists a child of another.
    ReferrerWithChild(&'static str, &'static str),
    /// A pull request adds a row and its lock line for a tag of another client, and removes them again.
    Plant(&'static str),
    /// The default branch of `origin` is the commit of now.
    Upstream,
    /// A request fails from now on: method, part of the path, status.
    Fail(&'static str, &'static str, u16),
    /// The nth such request fails.
    FailNth(&'static str, &'static str, u16, usize),
    /// Something uses a tag of the mirror.
    Use(&'static str),
    /// Lines of a kind are removed from the plan.
    RemoveLines(Lines),
    /// A clone has lost its history.
    Shallow,
}

/// The lines that are removed from a plan.
#[derive(Clone, Copy, Debug)]
enum Lines {
    Tags,
    Manifests,
    /// The first manifest: the index.
    Index,
    /// All but the first manifest.
    Below,
}

/// A trap.
struct Trap {
    name: &'static str,
    before_plan: &'static [Step],
    before_apply: &'static [Step],
    plan: &'static str,
    apply: &'static str,
    /// The tags that are left.
    left: &'static [&'static str],
    /// The tags that are left at distribution 2.8, which deletes only whole manifests; none if they are the
    /// same.
    left_at_v2: &'static [&'static str],
    /// The tags that are left at distribution 3, where a tag lists the referrers; none if they are the same.
    left_at_v3: &'static [&'static str],
    /// The kind at which the trap says nothing.
    except: Option<Kind>,
    /// The only kinds at which the trap says something; all if empty.
    only: &'static [Kind],
}

/// The registries with the referrers API.
const WITH_REFERRERS: &[Kind] = &[Kind::Referrers, Kind::Embedded];
const REMOVED: &[Step] = &[Step::List(&["2", "3"])];
const KEPT: &[&str] = &["1", "2", "3"];
const GONE: &[&str] = &["2", "3"];

const fn trap(name: &'static str, left: &'static [&'static str]) -> Trap {
    Trap {
        name,
        before_plan: REMOVED,
        before_apply: &[],
        plan: "",
        apply: "",
        left,
        left_at_v2: &[],
        left_at_v3: &[],
        except: None,
        only: &[],
    }
}

#[expect(clippy::too_many_lines, reason = "one table")]
fn traps() -> Vec<Trap> {
    use Step::{
        Alias, ChildOf, Fail, FailNth, IndexOf, List, Plant, Push, ReferrerOf, ReferrerWithChild,
        RemoveLines, Shallow, Upstream, Use, WorkTree,
    };
    vec![
        trap("a removed row", GONE),
        Trap {
            before_plan: &[Alias("x", "1"), List(&["2", "3"])],
            left: &["2", "3", "x"],
            left_at_v2: &["1", "2", "3", "x"],
            ..trap("a digest that a foreign tag shares", GONE)
        },
        Trap {
            before_plan: &[List(&["1=1,1.0", "2", "3"]), List(&["1=1.0", "2", "3"])],
            left: &["1.0", "2", "3"],
            left_at_v2: &["1", "1.0", "2", "3"],
            ..trap("a digest that a tag of a row shares", GONE)
        },
        Trap {
            before_apply: &[Alias("x", "1")],
            left: &["2", "3", "x"],
            left_at_v2: &["1", "2", "3", "x"],
            ..trap("a digest that gets another tag after the plan", GONE)
        },
        Trap {
            before_plan: &[IndexOf("1", "own"), List(&["2", "3"])],
            left: &["2", "3", "own"],
            ..trap("a child that a foreign index lists", GONE)
        },
        Trap {
            before_apply: &[IndexOf("1", "own")],
            left: &["2", "3", "own"],
            ..trap("a child that an index lists after the plan", GONE)
        },
        Trap {
            before_plan: &[ChildOf("1", "child"), List(&["2", "3"])],
            left: &["2", "3", "child"],
            ..trap("a child with a foreign tag", GONE)
        },
        Trap {
            before_plan: &[ChildOf("2", "1-amd64"), List(&["2", "3"])],
            left: &["1-amd64", "2", "3"],
            ..trap("an architecture tag with a child of another image", GONE)
        },
        Trap {
            before_plan: &[ChildOf("1", "1-amd64"), List(&["2", "3"])],
            ..trap("an architecture tag of a removed row", GONE)
        },
        Trap {
            before_plan: &[ChildOf("2", "2-amd64"), List(&["2", "3"])],
            left: &["2", "2-amd64", "3"],
            ..trap("an architecture tag of a row", GONE)
        },
        Trap {
            before_apply: &[Push("1")],
            ..trap("a tag that moves after the plan", KEPT)
        },
        Trap {
            before_plan: &[Push("1"), List(&["2", "3"])],
            ..trap("a tag with an image that mirror has not written", KEPT)
        },
        Trap {
            before_plan: &[Push("own"), List(&["2", "3"])],
            left: &["2", "3", "own"],
            ..trap("a tag that no row wrote", GONE)
        },
        Trap {
            before_plan: &[Push("own"), List(&["2", "3"])],
            plan: "--foreign",
            apply: "",
            left: &["2", "3", "own"],
            ..trap("a foreign plan that is applied without --foreign", GONE)
        },
        Trap {
            before_apply: &[List(&["1", "2", "3"])],
            ..trap("a row that comes back after the plan", KEPT)
        },
        Trap {
            before_apply: &[List(&["2=1", "3"])],
            ..trap("a tag that another row writes after the plan", KEPT)
        },
        Trap {
            before_plan: &[WorkTree(&["2", "3"])],
            ..trap("a row that is removed in the work tree only", KEPT)
        },
        Trap {
            plan: "--keep-days 30",
            ..trap("a row that was removed today", KEPT)
        },
        Trap {
            apply: "--keep-days 30",
            ..trap("a plan that is applied with more protection", KEPT)
        },
        Trap {
            before_plan: &[Use("1"), List(&["2", "3"])],
            plan: "--used-by usage.json",
            apply: "--used-by usage.json",
            ..trap("a tag in use", KEPT)
        },
        Trap {
            before_apply: &[Use("1")],
            apply: "--used-by usage.json",
            ..trap("a tag that comes into use after the plan", KEPT)
        },
        Trap {
            before_plan: &[ReferrerOf("2", Some("1")), List(&["2", "3"])],
            plan: "--foreign",
            apply: "--foreign",
            ..trap("a tag that is a referrer of a row's image", KEPT)
        },
        Trap {
            before_plan: &[ReferrerOf("1", Some("sbom")), List(&["2", "3"])],
            left: &["1", "2", "3", "sbom"],
            ..trap("a foreign referrer of a removed row's image", GONE)
        },
        Trap {
            before_apply: &[ReferrerOf("1", Some("sbom"))],
            left: &["1", "2", "3", "sbom"],
            ..trap("a referrer that comes after the plan", GONE)
        },
        Trap {
            before_apply: &[RemoveLines(Lines::Tags)],
            ..trap("a plan without its tags", KEPT)
        },
        Trap {
            before_apply: &[RemoveLines(Lines::Manifests)],
            left_at_v2: KEPT,
            left_at_v3: KEPT,
            ..trap("a plan without its manifests", GONE)
        },
        Trap {
            before_apply: &[RemoveLines(Lines::Index)],
            left_at_v2: KEPT,
            left_at_v3: KEPT,
            ..trap("a plan without its index", GONE)
        },
        Trap {
            before_apply: &[RemoveLines(Lines::Below)],
            left_at_v2: KEPT,
            ..trap("a plan without the children of its index", GONE)
        },
        Trap {
            before_apply: &[Fail("DELETE", "/manifests/1", 412)],
            left_at_v2: KEPT,
            ..trap("an immutable tag", KEPT)
        },
        Trap {
            before_apply: &[Fail("DELETE", "/manifests/1", 405)],
            // It keeps the tags of manifests that are deleted.
            except: Some(Kind::Referrers),
            ..trap("a registry that deletes no tags", GONE)
        },
        Trap {
            before_apply: &[Fail("DELETE", "/manifests/sha256:", 405)],
            left_at_v2: KEPT,
            ..trap("a registry that deletes no manifests", GONE)
        },
        Trap {
            before_apply: &[Fail("DELETE", "/manifests/", 403)],
            ..trap("a missing permission", KEPT)
        },
        Trap {
            before_apply: &[FailNth("DELETE", "/manifests/sha256:", 403, 1)],
            left_at_v2: KEPT,
            ..trap("a permission that is missing for the index", GONE)
        },
        Trap {
            before_apply: &[FailNth("DELETE", "/manifests/sha256:", 403, 2)],
            ..trap("a permission that is missing half way", GONE)
        },
        Trap {
            before_apply: &[FailNth("DELETE", "/manifests/", 503, 1)],
            ..trap("a registry that is overloaded for a moment", GONE)
        },
        Trap {
            before_apply: &[Fail("GET", "/tags/list", 403)],
            ..trap("a tag list that may not be read", KEPT)
        },
        Trap {
            before_apply: &[Fail("HEAD", "/manifests/2", 403)],
            ..trap("a tag that may not be read", KEPT)
        },
        Trap {
            before_apply: &[Shallow],
            ..trap("a shallow clone", KEPT)
        },
        Trap {
            before_plan: &[List(&["3"])],
            before_apply: &[List(&["2", "3"])],
            left: &["2", "3"],
            ..trap("a lost section of which a part comes back", GONE)
        },
        Trap {
            before_plan: &[ReferrerWithChild("2", "1"), List(&["2", "3"])],
            only: WITH_REFERRERS,
            ..trap("a child that a referrer of a row's image lists", GONE)
        },
        Trap {
            before_apply: &[ReferrerWithChild("2", "1")],
            only: WITH_REFERRERS,
            ..trap("a child that such a referrer lists after the plan", GONE)
        },
        Trap {
            before_apply: &[Fail("GET", "/referrers/", 403)],
            only: WITH_REFERRERS,
            ..trap("referrers that may not be read", KEPT)
        },
        Trap {
            before_apply: &[FailNth("GET", "/referrers/", 404, 3)],
            only: WITH_REFERRERS,
            ..trap("referrers of which one list is missing", KEPT)
        },
        Trap {
            before_plan: &[Push("own"), Plant("own"), List(&["2", "3"])],
            left: &["2", "3", "own"],
            ..trap("a foreign tag with a row that a pull request planted", GONE)
        },
        Trap {
            before_plan: &[Upstream, List(&["2", "3"])],
            ..trap("a row that the default branch still has", KEPT)
        },
        Trap {
            before_apply: &[
                Upstream,
                List(&["1", "2", "3"]),
                Upstream,
                List(&["2", "3"]),
            ],
            ..trap(
                "a row that comes back on the default branch after the plan",
                KEPT,
            )
        },
    ]
}

async fn take(stage: &Stage, step: Step) {
    match step {
        Step::List(tags) => {
            stage.commit_list(tags);
            stage.environment.mirror("sync").exits(0);
        }
        Step::WorkTree(tags) => stage.write_list(tags),
        Step::Push(tag) => stage.push(&sample_of_seed(50), Some(tag)).await,
        Step::Alias(tag, image) => stage.push(&sample(image), Some(tag)).await,
        Step::IndexOf(image, tag) => stage.push_index_with_child_of(image, Some(tag)).await,
        Step::ChildOf(image, tag) => stage.tag_child_of(image, tag).await,
        Step::ReferrerOf(image, tag) => stage.push_referrer_of(image, tag).await,
        Step::ReferrerWithChild(subject, image) => {
            stage.push_referrer_with_child(subject, image).await;
        }
        Step::Plant(tag) => stage.plant(tag, &sample_of_seed(50)),
        Step::Upstream => {
            let reference = "refs/remotes/origin/main";
            stage.environment.git(&["update-ref", reference, "HEAD"]);
        }
        Step::Fail(method, part, status) => {
            stage
                .proxy
                .add(Rule::new(method, part).does(Action::answer(status)));
        }
        Step::FailNth(method, part, status, nth) => {
            stage.proxy.add(
                Rule::new(method, part)
                    .nth(nth)
                    .does(Action::answer(status)),
            );
        }
        Step::Use(tag) => {
            let image = format!("{}/{APP}:{tag}", stage.host());
            let used = json!({"images": [{"image": image, "digests": []}]});
            stage.environment.write("usage.json", used.to_string());
        }
        Step::RemoveLines(lines) => stage.edit_plan(|plan| remove(plan, lines)),
        Step::Shallow => {
            let head = stage.environment.stdout_of("git", &["rev-parse", "HEAD"]);
            std::fs::write(stage.environment.path(".git/shallow"), head).unwrap();
        }
    }
}

fn remove(plan: &mut Vec<Value>, lines: Lines) {
    let mut manifests = 0;
    plan.retain(|line| {
        let is_tag = !line["tag"].is_null();
        manifests += usize::from(!is_tag);
        match lines {
            Lines::Tags => !is_tag,
            Lines::Manifests => is_tag,
            Lines::Index => is_tag || manifests > 1,
            Lines::Below => is_tag || manifests == 1,
        }
    });
}

/// Sets a trap. Returns a line for the table.
async fn spring(kind: Kind, trap: &Trap) -> String {
    let case = format!("{} ({kind:?})", trap.name);
    let stage = Stage::new(kind).await;
    for step in trap.before_plan {
        take(&stage, *step).await;
    }
    let planned = stage.plan(trap.plan);
    assert_eq!(planned.code, Some(0), "{case}: {planned:?}");
    for step in trap.before_apply {
        take(&stage, *step).await;
    }
    let applied = stage.apply(trap.apply);
    stage.proxy.clear_rules();
    std::fs::remove_file(stage.environment.path(".git/shallow")).ok();
    let left = match kind {
        Kind::V2 if !trap.left_at_v2.is_empty() => trap.left_at_v2,
        Kind::V3 if !trap.left_at_v3.is_empty() => trap.left_at_v3,
        _ => trap.left,
    };
    assert_eq!(
        stage.tags(),
        left,
        "{case}: {}\n{}",
        applied.stdout,
        applied.stderr
    );
    stage.check_nothing_is_lost(&case).await;
    let code = applied.code.unwrap_or_default();
    format!("{:<55} {kind:<10?} exit {code}", trap.name)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_trap_loses_a_needed_manifest() {
    let only = std::env::var("TRAP").unwrap_or_default();
    let traps = traps();
    let named = traps
        .iter()
        .enumerate()
        .filter(|(_, trap)| trap.name.contains(&only));
    // Each trap at two of the kinds, and at all of them if it is named.
    let is_all = !only.is_empty();
    let cases = named.flat_map(|(number, trap)| {
        let kinds = Kind::ALL.into_iter().cycle().skip(number % 4);
        let count = if is_all || !trap.only.is_empty() {
            4
        } else {
            2
        };
        let kinds = kinds.take(count);
        let kinds = kinds.filter(|kind| trap.except != Some(*kind));
        let kinds = kinds.filter(|kind| trap.only.is_empty() || trap.only.contains(kind));
        kinds.map(move |kind| (kind, trap))
    });
    let cases: Vec<_> = cases.map(|(kind, trap)| spring(kind, trap)).collect();
    let lines: Vec<String> = stream::iter(cases).buffered(2).collect().await;
    println!(
        "{}\n{} cases, 0 needed manifests lost",
        lines.join("\n"),
        lines.len()
    );
    assert!(is_all || lines.len() >= 50, "{}", lines.len());
}
