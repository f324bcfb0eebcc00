//! The key of a client's certificate.

use testkit::certificates::Authority;
use testkit::processes::Distribution;

use super::canary::{Canary, search};
use crate::environment::TestEnvironment;

#[tokio::test(flavor = "multi_thread")]
async fn a_key_shows_nowhere() {
    let (authority, clients) = (Authority::new("a company"), Authority::new("clients"));
    let registry = Distribution::new().tls(authority.server());
    let registry = registry.client_certificates(&clients).start().await;
    let host = registry.host();
    let client = clients.client("ci");
    let line = client.key().lines().nth(1).unwrap();
    let canary = Canary::token(line);
    // Whole, cut and of another sort.
    let keys = [
        client.key().to_owned(),
        client.key().replace("-----END", "!----END"),
        client.key().replace(line, &format!("%{line}")),
        client.certificate().to_owned() + line,
    ];
    for key in keys {
        let environment = TestEnvironment::new();
        environment.write("images-list", format!("{host}/app {host}/b v1\n"));
        let folder = environment.path("certificates");
        authority.write_certs_d(&folder, &host, Some(&client));
        std::fs::write(folder.join(&host).join("client.key"), key).unwrap();
        let line = format!("sync --cert-dir {}/{host}", folder.display());
        let code = environment.mirror(&line).code.unwrap();
        assert_ne!(code, 0, "there is no such image");
        search(&environment, &line, "", &[&canary], code);
    }
}
