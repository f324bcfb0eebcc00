//! Signatures and referrers in the lock.

use embedded_registry::RunningRegistry;
use embedded_registry::images::{Artifact, digest_tag};
use serde_json::{Value, json};

use super::{digest_of, lock_lines};
use crate::check_new::branch_with;
use crate::environment::{TestEnvironment, registry_with};

/// A locked list with one signed image.
struct SignedMirror {
    registry: RunningRegistry,
    environment: TestEnvironment,
    /// The digest of the image.
    image: String,
}

impl SignedMirror {
    async fn new() -> Self {
        let registry = registry_with(&["a:1", "m/other:1"]).await;
        let r = registry.host();
        let environment = branch_with(&format!("{r}/a {r}/m/a 1\n"));
        let image = digest_of(&environment, &format!("{r}/a:1"));
        let mirror = Self {
            registry,
            environment,
            image,
        };
        mirror.sign("first");
        mirror.environment.mirror("lock").exits(0);
        mirror
    }

    fn tag(&self) -> String {
        digest_tag(&self.image.parse().unwrap(), Some("sig"))
    }

    /// Pushes a signature to the source, and returns its digest.
    fn sign(&self, signer: &str) -> String {
        let signature = Artifact::cosign_signature(&self.image.parse().unwrap());
        let signature = signature.annotation("signer", signer).build();
        signature.push(&self.registry, "a", Some(&self.tag()));
        signature.digest().to_string()
    }

    /// Attaches an SBOM at the source, and returns its digest.
    fn attach(&self, text: &str) -> String {
        let root = self.registry.tagged("a", "1").unwrap();
        let descriptor = json!({
            "mediaType": root.media_type, "digest": self.image, "size": root.bytes.len(),
        });
        let sbom = Artifact::new("application/spdx+json").blob("text/spdx", text.to_owned());
        let sbom = sbom.build().rewritten(|manifest| {
            let mut manifest: Value = serde_json::from_str(manifest).unwrap();
            manifest["subject"] = descriptor;
            manifest.to_string()
        });
        sbom.push(&self.registry, "a", None);
        sbom.digest().to_string()
    }

    /// Returns the digest of the signature at the destination.
    fn mirrored(&self) -> Option<String> {
        let stored = self.registry.tagged("m/a", &self.tag())?;
        Some(stored.digest.to_string())
    }

    /// Returns the attached digests of the lock: TAG and DIGEST.
    fn locked(&self) -> Vec<[String; 2]> {
        let lines = lock_lines(&self.environment);
        let attached = lines.iter().filter_map(|line| line.strip_prefix("+ "));
        let columns = attached.map(|line| line.split(' ').map(str::to_owned));
        columns
            .map(|mut columns| {
                assert_eq!(columns.next().unwrap(), self.image);
                [columns.next().unwrap(), columns.next().unwrap()]
            })
            .collect()
    }

    fn commit(&self) {
        let git = |args: &[&str]| self.environment.git(args);
        git(&["add", "images-list.lock"]);
        git(&["commit", "-qm", "lock"]);
        git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
    }
}

fn attached(document: &Value) -> &Value {
    &document["rows"][0]["attached"]
}

#[tokio::test(flavor = "multi_thread")]
async fn signature_that_was_pushed_again_is_not_followed_until_it_is_approved() {
    let mirror = SignedMirror::new().await;
    let environment = &mirror.environment;
    let first = mirror.sign("first");
    let lock = environment.read("images-list.lock");
    assert!(lock.starts_with("# mirror-lock 2\n"), "{lock}");
    assert_eq!(mirror.locked(), [[mirror.tag(), first.clone()]]);
    environment.mirror("sync --locked").exits(0);
    assert_eq!(mirror.mirrored(), Some(first.clone()));

    let second = mirror.sign("second");
    let (r, tag) = (mirror.registry.host(), mirror.tag());
    for line in ["sync", "sync --locked"] {
        let output = environment.mirror(line).exits(0);
        let want = format!(
            "attached   {r}/a:1 -> {r}/m/a:1\n           {tag} has moved: {first} was approved, \
             {second} is there now (not copied)\n           hint: review the new image, then approve \
             it with `mirror lock --update --match {r}/a:1`\n"
        );
        assert!(output.stdout.contains(&want), "{}", output.stdout);
        assert!(
            output.stdout.contains(", 1 change of attached content;"),
            "{}",
            output.stdout
        );
        let document = environment
            .mirror(&format!("{line} --output json"))
            .exits(0)
            .json();
        let moved = json!([{
            "subject": mirror.image, "tag": tag, "approved": first, "now": second,
        }]);
        assert_eq!(attached(&document)["moved"], moved);
        assert_eq!(mirror.mirrored(), Some(first.clone()), "{line}");
        assert_eq!(environment.read("images-list.lock"), lock, "{line}");
    }

    // The former digest stays in the lock, so that the tag at the destination may be overwritten.
    let line = format!("lock --update --match {r}/a:1");
    let output = environment.mirror(&line).exits(0);
    let want = format!("attached {r}/a {r}/m/a 1\n         changed  {tag} {first} -> {second}\n");
    assert!(output.stdout.starts_with(&want), "{}", output.stdout);
    assert_eq!(
        mirror.locked(),
        [[tag.clone(), first], [tag, second.clone()]]
    );
    environment.mirror("lock --check").exits(0);
    let document = environment
        .mirror("sync --locked --output json")
        .exits(0)
        .json();
    assert_eq!(attached(&document), &Value::Null);
    assert_eq!(mirror.mirrored(), Some(second));
}

#[tokio::test(flavor = "multi_thread")]
async fn added_referrer_is_recorded_by_sync_and_left_out_when_locked() {
    let mirror = SignedMirror::new().await;
    let environment = &mirror.environment;
    environment.mirror("sync").exits(0);
    let before = environment.read("images-list.lock");
    let sbom = mirror.attach("sbom");
    let document = environment
        .mirror("sync --locked --output json")
        .exits(0)
        .json();
    let added = |copied| {
        json!([{
            "subject": mirror.image,
            "tag": mirror.tag().trim_end_matches(".sig"),
            "digest": sbom,
            "copied": copied,
        }])
    };
    assert_eq!(attached(&document)["added"], added(false));
    assert_eq!(environment.read("images-list.lock"), before);
    environment.mirror("sync --dry-run").exits(0);
    assert_eq!(environment.read("images-list.lock"), before);
    let document = environment.mirror("sync --output json").exits(0).json();
    assert_eq!(attached(&document)["added"], added(true));
    assert_eq!(mirror.locked().len(), 2);
    assert!(mirror.locked().iter().any(|[_, digest]| *digest == sbom));
    let document = environment
        .mirror("sync --locked --output json")
        .exits(0)
        .json();
    assert_eq!(attached(&document), &Value::Null);
    // Rows without referrers keep what the lock knows.
    environment.mirror("lock --update --no-referrers").exits(0);
    assert_eq!(mirror.locked().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn lock_of_version_1_is_upgraded_by_the_first_write() {
    let mirror = SignedMirror::new().await;
    let environment = &mirror.environment;
    let lock = environment.read("images-list.lock");
    let of_row = |line: &&str| !line.starts_with(['#', '+']);
    let row = lock.lines().find(of_row).unwrap();
    environment.write("images-list.lock", format!("# Approved digests\n{row}\n"));
    let output = environment.mirror("sync --locked").exits(0);
    assert!(output.stdout.contains("was added: "), "{}", output.stdout);
    assert_eq!(mirror.mirrored(), None, "no signature is approved");
    environment.mirror("sync").exits(0);
    assert_eq!(environment.read("images-list.lock"), lock);
    environment.write("images-list.lock", format!("{lock}{row} builder=me\n"));
    let output = environment.mirror("sync").exits(2);
    let want = "images-list.lock:5: unknown key `builder`: mirror ";
    assert!(output.stderr.contains(want), "{}", output.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn check_new_protects_the_approved_signatures() {
    let mirror = SignedMirror::new().await;
    let environment = &mirror.environment;
    mirror.commit();
    let first = mirror.sign("first");
    let (r, tag) = (mirror.registry.host(), mirror.tag());
    let row = format!("{r}/a {r}/m/a 1");
    let lock = environment.read("images-list.lock");
    let findings = |lock: &str, line: &str, exit| {
        environment.write("images-list.lock", lock);
        let output = environment.mirror_without_vv(line).exits(exit);
        let lines: Vec<_> = output.stdout.lines().map(str::to_owned).collect();
        lines[..lines.len() - 1].to_vec()
    };
    // A signature that the source has, and one that it does not have.
    let sbom = mirror.attach("sbom");
    let referrers = tag.trim_end_matches(".sig").to_owned();
    let image = &mirror.image;
    let added = |digest: &str| format!("{lock}+ {image} {referrers} {digest}\n");
    assert_eq!(findings(&added(&sbom), "check-new", 0), [] as [&str; 0]);
    let want = format!(
        "images-list.lock:3: `{row}` is locked with {referrers} as {image}, but the source does not \
         have it; review the new image, then approve it with `mirror lock --update --match {r}/a:1`"
    );
    assert_eq!(findings(&added(image), "check-new", 1), [want]);
    // A changed and a removed approval.
    let second = mirror.sign("second");
    let changed = format!("{lock}+ {image} {tag} {second}\n");
    let want = format!(
        "images-list.lock:3: the approval of {tag} of `{row}` was changed from {first} to {second}; \
         restore the line, or run with --allow-approvals"
    );
    assert_eq!(findings(&changed, "check-new", 1), [want]);
    let removed = lock.replace(&format!("+ {image} {tag} {first}\n"), "");
    let want = format!(
        "images-list.lock:3: the approval of {tag} of `{row}` as {first} was removed; restore the \
         line, or run with --allow-approvals"
    );
    assert_eq!(findings(&removed, "check-new", 1), [want]);
    for allowed in ["--allow-approvals", "--mutable */a:1"] {
        let line = format!("check-new {allowed}");
        assert_eq!(findings(&removed, &line, 0), [] as [&str; 0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn add_tag_locks_the_signatures_of_the_rows_that_it_adds() {
    let mirror = SignedMirror::new().await;
    let environment = &mirror.environment;
    let r = mirror.registry.host();
    environment.write(
        "images-list",
        format!("{r}/m/other r.io/m/b 1\n{r}/a {r}/m/a 2\n"),
    );
    environment.write("images-list.lock", "# mirror-lock 2\n");
    environment
        .mirror(&format!("add-tag IMAGES={r}/a TAGS=1"))
        .exits(0);
    assert_eq!(mirror.locked(), [[mirror.tag(), mirror.sign("first")]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn own_signature_at_the_destination_is_kept_until_overwriting_is_requested() {
    let mirror = SignedMirror::new().await;
    let environment = &mirror.environment;
    std::fs::remove_file(environment.path("images-list.lock")).unwrap();
    let own = Artifact::cosign_signature(&mirror.image.parse().unwrap());
    let own = own.annotation("signer", "company").build();
    own.push(&mirror.registry, "m/a", Some(&mirror.tag()));
    let document = environment.mirror("sync --output json").exits(0).json();
    let warning = document["rows"][0]["warnings"][0].as_str().unwrap();
    let tag = mirror.tag();
    assert!(
        warning.starts_with(&format!("the tag {tag} is not overwritten")),
        "{warning}"
    );
    assert_eq!(mirror.mirrored(), Some(own.digest().to_string()));
    let document = environment.mirror("sync --overwrite-signatures --output json");
    let document = document.exits(0).json();
    assert_eq!(document["rows"][0]["warnings"], json!([]));
    assert_eq!(mirror.mirrored(), Some(mirror.sign("first")));
}
