//! Private keys of client certificates.

use testkit::certificates::Authority;
use testkit::processes::Distribution;

use super::leak_search::{Secret, assert_no_leak};
use crate::environment::TestEnvironment;

#[tokio::test(flavor = "multi_thread")]
async fn client_key_appears_in_no_output() {
    let (authority, clients) = (Authority::new("a company"), Authority::new("clients"));
    let registry = Distribution::new().tls(authority.server());
    let registry = registry.client_certificates(&clients).start().await;
    let host = registry.host();
    let client = clients.client("ci");
    let line = client.key().lines().nth(1).unwrap();
    let secret = Secret::token(line);
    // Valid, truncated, not base64, and behind a certificate.
    let keys = [
        client.key().to_owned(),
        client.key().replace("-----END", "!----END"),
        client.key().replace(line, &format!("%{line}")),
        client.certificate().to_owned() + line,
    ];
    for key in keys {
        let environment = TestEnvironment::new();
        environment.write("images-list", format!("{host}/app {host}/b v1\n"));
        let directory = environment.path("certificates");
        authority.write_certs_d(&directory, &host, Some(&client));
        std::fs::write(directory.join(&host).join("client.key"), key).unwrap();
        let line = format!("sync --cert-dir {}/{host}", directory.display());
        let code = environment.mirror(&line).code.unwrap();
        assert_ne!(code, 0, "the image does not exist");
        assert_no_leak(&environment, &line, "", &[&secret], code);
    }
}
