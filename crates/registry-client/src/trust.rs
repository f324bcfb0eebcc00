//! TLS roots and client certificates per host: containers-certs.d(5).
//!
//! A directory named `HOST[:PORT]` holds `*.crt` (certificate authorities, in
//! addition to the system's) and pairs `NAME.cert` and `NAME.key` (the client
//! certificate). This module finds and reads the directory; the transport uses
//! the bytes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{fmt, fs, io};

use rustls::InconsistentKeys;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

/// The directories that are searched for certificates.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    cert_dir: Option<PathBuf>,
    roots: Vec<PathBuf>,
}

/// The certificates of one host. The default is the system's roots alone.
#[derive(Clone, Default)]
pub struct HostTrust {
    /// The PEM text of each `*.crt` in the order of the file names. Each has one or more certificates.
    pub ca_pems: Vec<Vec<u8>>,
    /// The client certificate chain and its key in one PEM, as
    /// `reqwest::Identity::from_pem` takes it.
    pub identity_pem: Option<Vec<u8>>,
    /// The directory that was found, also if it is empty.
    pub directory: Option<CertificateDirectory>,
}

/// The scope of a certificate directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateDirectory {
    /// The host's own directory in `certs.d`, which means that the host uses TLS.
    Host,
    /// `--cert-dir`, for every host. It does not mean that a host uses TLS.
    AllHosts,
}

/// Hides the private key in `identity_pem`.
impl fmt::Debug for HostTrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostTrust")
            .field("ca_pems", &self.ca_pems.len())
            .field("identity_pem", &self.identity_pem.is_some())
            .field("directory", &self.directory)
            .finish()
    }
}

/// An error in a certificate directory.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrustError {
    /// The directory or a file in it cannot be read.
    #[error("cannot read {} for TLS: {source}", path.display())]
    Read {
        /// The directory or file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A client certificate without its key, or a key without its certificate.
    #[error(
        "{} has no {} beside it; certificate authorities end in .crt",
        present.display(),
        missing.display()
    )]
    Unpaired {
        /// The file that exists.
        present: PathBuf,
        /// The file that is missing.
        missing: PathBuf,
    },
    /// A file without the PEM block that its name implies.
    #[error("{} contains no valid PEM {expected}", path.display())]
    NoPem {
        /// The file.
        path: PathBuf,
        /// `certificate` or `private key`.
        expected: &'static str,
    },
    /// A client certificate with the key of another one.
    #[error("{} is not the key of the certificate {}", key.display(), certificate.display())]
    OtherKey {
        /// The certificate.
        certificate: PathBuf,
        /// The key.
        key: PathBuf,
    },
}

impl Trust {
    /// Creates the search order: `cert_dir`, then the first existing `ROOT/HOST[:PORT]`. The usual roots are
    /// `/etc/containers/certs.d` and `/etc/docker/certs.d`.
    ///
    /// `cert_dir` applies to every host. It contains the files themselves, like `--cert-dir` of skopeo and
    /// podman, and must exist.
    pub fn new(cert_dir: Option<PathBuf>, roots: Vec<PathBuf>) -> Self {
        Self { cert_dir, roots }
    }

    /// Reads the certificates of `host[:port]`, the host in image names (`docker.io`, not the address of its
    /// API).
    ///
    /// It reads small local files and blocks meanwhile.
    ///
    /// # Errors
    ///
    /// [`TrustError`] if any file of an existing directory cannot be used. A connection never trusts less or
    /// more than what is configured.
    pub fn for_host(&self, host: &str) -> Result<HostTrust, TrustError> {
        // A host is one component of a path and cannot leave the root.
        let is_component = !(host.is_empty() || host == "." || host == ".." || host.contains('/'));
        if let Some(directory) = &self.cert_dir {
            let names = list(directory).map_err(|source| read_error(directory, source))?;
            let has_own = is_component && self.roots.iter().any(|root| root.join(host).is_dir());
            let scope = if has_own {
                CertificateDirectory::Host
            } else {
                CertificateDirectory::AllHosts
            };
            return read_directory(directory, &names, scope);
        }
        if !is_component {
            return Ok(HostTrust::default());
        }
        for root in &self.roots {
            let directory = root.join(host);
            match list(&directory) {
                Ok(names) => return read_directory(&directory, &names, CertificateDirectory::Host),
                Err(source) if source.kind() == io::ErrorKind::NotFound => {}
                Err(source) => return Err(read_error(&directory, source)),
            }
        }
        Ok(HostTrust::default())
    }
}

fn read_error(path: &Path, source: io::Error) -> TrustError {
    TrustError::Read {
        path: path.into(),
        source,
    }
}

/// Lists the file names of a directory in order, without names that are not UTF-8.
fn list(directory: &Path) -> io::Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(directory)? {
        names.extend(entry?.file_name().into_string());
    }
    Ok(names)
}

fn read_directory(
    directory: &Path,
    names: &BTreeSet<String>,
    scope: CertificateDirectory,
) -> Result<HostTrust, TrustError> {
    let mut trust = HostTrust {
        directory: Some(scope),
        ..HostTrust::default()
    };
    for name in names {
        let path = directory.join(name);
        if name.ends_with(".crt") {
            trust.ca_pems.extend(read_authority(&path)?);
        } else if let Some(stem) = name.strip_suffix(".cert") {
            let key = directory.join(paired(directory, names, name, &format!("{stem}.key"))?);
            if trust.identity_pem.is_none() {
                trust.identity_pem = Some(read_identity(&path, &key)?);
            } else {
                tracing::warn!(path = %path.display(), "ignored a further client certificate: only the first by name is used for a host");
            }
        } else if let Some(stem) = name.strip_suffix(".key") {
            paired(directory, names, name, &format!("{stem}.cert"))?;
        }
    }
    Ok(trust)
}

fn paired<'a>(
    directory: &Path,
    names: &'a BTreeSet<String>,
    present: &str,
    wanted: &str,
) -> Result<&'a str, TrustError> {
    names
        .get(wanted)
        .map(String::as_str)
        .ok_or_else(|| TrustError::Unpaired {
            present: directory.join(present),
            missing: directory.join(wanted),
        })
}

/// Returns `None` for a broken symbolic link. Red Hat's packages leave one in `/etc/docker/certs.d`, and
/// containers/image ignores it too.
fn read_authority(path: &Path) -> Result<Option<Vec<u8>>, TrustError> {
    let pem = match fs::read(path) {
        Ok(pem) => pem,
        Err(source) if source.kind() == io::ErrorKind::NotFound => {
            tracing::warn!(path = %path.display(), "ignored a certificate that is a broken symbolic link");
            return Ok(None);
        }
        Err(source) => return Err(read_error(path, source)),
    };
    require_certificates(path, &pem)?;
    Ok(Some(pem))
}

fn require_certificates(path: &Path, pem: &[u8]) -> Result<(), TrustError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    if found.is_ok_and(|certificates| !certificates.is_empty()) {
        return Ok(());
    }
    Err(TrustError::NoPem {
        path: path.into(),
        expected: "certificate",
    })
}

fn read_identity(certificate: &Path, key: &Path) -> Result<Vec<u8>, TrustError> {
    let mut pem = fs::read(certificate).map_err(|source| read_error(certificate, source))?;
    require_certificates(certificate, &pem)?;
    let key_pem = fs::read(key).map_err(|source| read_error(key, source))?;
    let parsed = PrivateKeyDer::from_pem_slice(&key_pem);
    let parsed = parsed.map_err(|_| TrustError::NoPem {
        path: key.into(),
        expected: "private key",
    })?;
    if is_key_of_another(&pem, &parsed) {
        return Err(TrustError::OtherKey {
            certificate: certificate.into(),
            key: key.into(),
        });
    }
    pem.push(b'\n');
    pem.extend(key_pem);
    Ok(pem)
}

/// Reports whether a key is known not to be that of the first certificate. A key or a certificate that cannot
/// be parsed is reported when a connection uses it.
fn is_key_of_another(pem: &[u8], key: &PrivateKeyDer<'_>) -> bool {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let (Ok(chain), Ok(key)) = (chain, any_supported_type(key)) else {
        return false;
    };
    matches!(
        CertifiedKey::new(chain, key).keys_match(),
        Err(rustls::Error::InconsistentKeys(
            InconsistentKeys::KeyMismatch
        ))
    )
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use tempfile::TempDir;
    use testkit::certificates::Certificate;

    use super::*;

    // Only the PEM form is checked here.
    const CERT: &str = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----";
    const KEY: &str = "-----BEGIN PRIVATE KEY-----\nMIIC\n-----END PRIVATE KEY-----\n";

    fn directory(files: &[(&str, &str)]) -> TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        dir
    }

    fn roots(dirs: &[&TempDir]) -> Trust {
        Trust::new(None, dirs.iter().map(|dir| dir.path().into()).collect())
    }

    #[test]
    fn for_host_reads_the_first_directory_of_the_host() {
        let first = directory(&[("other.io/ca.crt", CERT)]);
        let second = directory(&[
            ("r.io:5000/b.crt", CERT),
            (
                "r.io:5000/a.crt",
                "# a\n-----BEGIN CERTIFICATE-----\nMIIA\n-----END CERTIFICATE-----",
            ),
            ("r.io:5000/client.cert", CERT),
            ("r.io:5000/client.key", KEY),
            ("r.io:5000/README", "no certificate"),
        ]);
        let third = directory(&[("r.io:5000/broken.crt", "nothing")]);
        let got = roots(&[&first, &second, &third])
            .for_host("r.io:5000")
            .unwrap();
        assert_eq!(got.directory, Some(CertificateDirectory::Host));
        assert_eq!(got.ca_pems.len(), 2);
        assert!(got.ca_pems[0].starts_with(b"# a"));
        let identity = String::from_utf8(got.identity_pem.unwrap()).unwrap();
        assert_eq!(identity, format!("{CERT}\n{KEY}"));
    }

    #[test]
    fn for_host_is_empty_without_a_directory() {
        let root = directory(&[("r.io/ca.crt", CERT), ("above.crt", CERT)]);
        let below = directory(&[("inner/r.io/ca.crt", CERT)]);
        let trust = Trust::new(None, vec![root.path().into(), below.path().join("inner")]);
        for host in ["q.io", "r.io:5000", "..", ".", "", "../inner"] {
            let got = trust.for_host(host).unwrap();
            assert!(got.directory.is_none() && got.ca_pems.is_empty(), "{host}");
        }
    }

    #[test]
    fn key_of_another_certificate_is_an_error_that_names_both() {
        let [one, other] = ["one", "other"].map(|name| Certificate::self_signed(&[name]));
        let files = [("c.cert", one.certificate()), ("c.key", one.key())];
        let same = directory(&files);
        assert!(
            Trust::new(Some(same.path().into()), Vec::new())
                .for_host("r.io")
                .is_ok()
        );
        let mixed = directory(&[("c.cert", one.certificate()), ("c.key", other.key())]);
        let trust = Trust::new(Some(mixed.path().into()), Vec::new());
        let error = trust.for_host("r.io").unwrap_err().to_string();
        let path = mixed.path().display();
        let message = format!("{path}/c.key is not the key of the certificate {path}/c.cert");
        assert_eq!(error, message);
    }

    #[test]
    fn cert_dir_applies_to_every_host_and_must_exist() {
        let named = directory(&[("ca.crt", CERT)]);
        let root = directory(&[("r.io/a.crt", CERT), ("r.io/b.crt", CERT)]);
        let trust = Trust::new(Some(named.path().into()), vec![root.path().into()]);
        for (host, scope) in [
            ("r.io", CertificateDirectory::Host),
            ("q.io:1", CertificateDirectory::AllHosts),
        ] {
            let got = trust.for_host(host).unwrap();
            assert_eq!(got.ca_pems.len(), 1, "{host}");
            assert_eq!(got.directory, Some(scope), "{host}");
        }
        let gone = named.path().join("gone");
        let error = Trust::new(Some(gone.clone()), Vec::new()).for_host("r.io");
        let message = error.unwrap_err().to_string();
        assert!(message.contains(gone.to_str().unwrap()), "{message}");
    }

    #[test]
    fn for_host_names_the_file_that_cannot_be_used() {
        let check = |files: &[(&str, &str)], parts: &[&str]| {
            let root = directory(files);
            let message = roots(&[&root]).for_host("h").unwrap_err().to_string();
            for part in parts {
                assert!(message.contains(part), "{files:?}: {message}");
            }
        };
        check(&[("h/c.cert", CERT)], &["h/c.cert", "h/c.key", ".crt"]);
        check(&[("h/c.key", KEY)], &["h/c.key", "h/c.cert"]);
        check(&[("h/ca.crt", "DER")], &["h/ca.crt", "certificate"]);
        check(
            &[("h/c.cert", "x"), ("h/c.key", KEY)],
            &["h/c.cert", "certificate"],
        );
        check(
            &[("h/c.cert", CERT), ("h/c.key", CERT)],
            &["h/c.key", "private key"],
        );
        check(&[("h", "a file, not a directory")], &["/h for TLS"]);
    }

    #[test]
    fn broken_link_is_ignored() {
        let root = directory(&[("h/ca.crt", CERT)]);
        symlink("/nonexistent/ca.pem", root.path().join("h/b.crt")).unwrap();
        let got = roots(&[&root]).for_host("h").unwrap();
        assert_eq!(got.ca_pems.len(), 1);
    }

    #[test]
    fn debug_hides_the_private_key() {
        let root = directory(&[("h/c.cert", CERT), ("h/c.key", KEY)]);
        let got = roots(&[&root]).for_host("h").unwrap();
        // 45 is `-`: Debug of a byte vector prints numbers.
        let shown = format!("{got:?}");
        assert!(!shown.contains("45") && !shown.contains("MIIC"), "{shown}");
    }
}
