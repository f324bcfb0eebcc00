//! Whom to trust and as whom to appear over TLS, per host:
//! containers-certs.d(5).
//!
//! A folder named `HOST[:PORT]` holds `*.crt` (certificate authorities, in
//! addition to the system's) and pairs `NAME.cert` and `NAME.key` (the client
//! certificate). This module finds and reads the folder; what is done with the
//! bytes is the transport's concern.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{fmt, fs, io};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Where certificate folders are looked for.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    cert_dir: Option<PathBuf>,
    roots: Vec<PathBuf>,
}

/// What is to be used with one host. The default is the system's roots alone.
#[derive(Clone, Default)]
pub struct HostTrust {
    /// PEM of each `*.crt`, in the order of the file names; each holds at least
    /// one certificate and may hold a bundle.
    pub ca_pems: Vec<Vec<u8>>,
    /// The client certificate chain and its key in one PEM, as
    /// `reqwest::Identity::from_pem` takes it.
    pub identity_pem: Option<Vec<u8>>,
    /// Whose folder was found; `Some` also where it holds nothing.
    pub folder: Option<Folder>,
}

/// Whose a certificate folder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Folder {
    /// The host has one of its own in `certs.d`: it speaks TLS.
    OfHost,
    /// `--cert-dir`, which is for every host and says of none that it speaks TLS.
    OfAll,
}

/// By hand, for the private key in `identity_pem`.
impl fmt::Debug for HostTrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostTrust")
            .field("ca_pems", &self.ca_pems.len())
            .field("identity_pem", &self.identity_pem.is_some())
            .field("folder", &self.folder)
            .finish()
    }
}

/// Why a certificate folder cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrustError {
    /// The folder or a file in it cannot be read.
    #[error("cannot read {} for TLS: {source}", path.display())]
    Read {
        /// Folder or file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A client certificate without its key, or the reverse.
    #[error(
        "{} needs {} beside it for TLS; a certificate authority must end in .crt",
        present.display(),
        missing.display()
    )]
    Unpaired {
        /// The file that is there.
        present: PathBuf,
        /// The file that is not.
        missing: PathBuf,
    },
    /// A file without the PEM that its name promises.
    #[error("{} holds no usable PEM {expected}", path.display())]
    NoPem {
        /// The file.
        path: PathBuf,
        /// What should be in it: `certificate` or `private key`.
        expected: &'static str,
    },
}

impl Trust {
    /// Looks in `roots/HOST[:PORT]`, the first that exists; `/etc/containers/certs.d`
    /// and `/etc/docker/certs.d` are usual roots.
    ///
    /// `cert_dir` beats them for every host and holds the files themselves, not
    /// folders of hosts, like `--cert-dir` of skopeo and podman. Named by the
    /// user, it has to exist.
    pub fn new(cert_dir: Option<PathBuf>, roots: Vec<PathBuf>) -> Self {
        Self { cert_dir, roots }
    }

    /// Reads what is configured for `host[:port]`: the name that the user sees
    /// (`docker.io`, not the address behind it).
    ///
    /// It reads small local files and blocks for as long.
    ///
    /// # Errors
    ///
    /// [`TrustError`] where a folder exists and cannot be used as a whole; a
    /// connection that trusts less, or more, than was configured is none.
    pub fn for_host(&self, host: &str) -> Result<HostTrust, TrustError> {
        // A host is one component of a path, never a way out of the root.
        let is_component = !(host.is_empty() || host == "." || host == ".." || host.contains('/'));
        if let Some(folder) = &self.cert_dir {
            let names = list(folder).map_err(|source| read_error(folder, source))?;
            let has_own = is_component && self.roots.iter().any(|root| root.join(host).is_dir());
            let whose = if has_own {
                Folder::OfHost
            } else {
                Folder::OfAll
            };
            return read_folder(folder, &names, whose);
        }
        if !is_component {
            return Ok(HostTrust::default());
        }
        for root in &self.roots {
            let folder = root.join(host);
            match list(&folder) {
                Ok(names) => return read_folder(&folder, &names, Folder::OfHost),
                Err(source) if source.kind() == io::ErrorKind::NotFound => {}
                Err(source) => return Err(read_error(&folder, source)),
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

/// File names in order, without those that are not UTF-8.
fn list(folder: &Path) -> io::Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(folder)? {
        names.extend(entry?.file_name().into_string());
    }
    Ok(names)
}

fn read_folder(
    folder: &Path,
    names: &BTreeSet<String>,
    whose: Folder,
) -> Result<HostTrust, TrustError> {
    let mut trust = HostTrust {
        folder: Some(whose),
        ..HostTrust::default()
    };
    for name in names {
        let path = folder.join(name);
        if name.ends_with(".crt") {
            trust.ca_pems.extend(read_authority(&path)?);
        } else if let Some(stem) = name.strip_suffix(".cert") {
            let key = folder.join(paired(folder, names, name, &format!("{stem}.key"))?);
            if trust.identity_pem.is_none() {
                trust.identity_pem = Some(read_identity(&path, &key)?);
            } else {
                tracing::warn!(path = %path.display(), "one client certificate is used for a host: the first by name, not this one");
            }
        } else if let Some(stem) = name.strip_suffix(".key") {
            paired(folder, names, name, &format!("{stem}.cert"))?;
        }
    }
    Ok(trust)
}

fn paired<'a>(
    folder: &Path,
    names: &'a BTreeSet<String>,
    present: &str,
    wanted: &str,
) -> Result<&'a str, TrustError> {
    names
        .get(wanted)
        .map(String::as_str)
        .ok_or_else(|| TrustError::Unpaired {
            present: folder.join(present),
            missing: folder.join(wanted),
        })
}

/// `None` for a link into nowhere: Red Hat's packages leave such a `.crt` in
/// `/etc/docker/certs.d`, and containers/image passes over it too.
fn read_authority(path: &Path) -> Result<Option<Vec<u8>>, TrustError> {
    let pem = match fs::read(path) {
        Ok(pem) => pem,
        Err(source) if source.kind() == io::ErrorKind::NotFound => {
            tracing::warn!(path = %path.display(), "a certificate that links to nothing is left aside");
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
    if PrivateKeyDer::from_pem_slice(&key_pem).is_err() {
        return Err(TrustError::NoPem {
            path: key.into(),
            expected: "private key",
        });
    }
    pem.push(b'\n');
    pem.extend(key_pem);
    Ok(pem)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use tempfile::TempDir;

    use super::*;

    // Base64 of nothing in particular: only the form is read here.
    const CERT: &str = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----";
    const KEY: &str = "-----BEGIN PRIVATE KEY-----\nMIIC\n-----END PRIVATE KEY-----\n";

    fn folder(files: &[(&str, &str)]) -> TempDir {
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
    fn the_first_folder_of_the_host_is_read() {
        let first = folder(&[("other.io/ca.crt", CERT)]);
        let second = folder(&[
            ("r.io:5000/b.crt", CERT),
            (
                "r.io:5000/a.crt",
                "# a\n-----BEGIN CERTIFICATE-----\nMIIA\n-----END CERTIFICATE-----",
            ),
            ("r.io:5000/client.cert", CERT),
            ("r.io:5000/client.key", KEY),
            ("r.io:5000/README", "no certificate"),
        ]);
        let third = folder(&[("r.io:5000/broken.crt", "nothing")]);
        let got = roots(&[&first, &second, &third])
            .for_host("r.io:5000")
            .unwrap();
        assert_eq!(got.folder, Some(Folder::OfHost));
        assert_eq!(got.ca_pems.len(), 2);
        assert!(got.ca_pems[0].starts_with(b"# a"));
        let identity = String::from_utf8(got.identity_pem.unwrap()).unwrap();
        assert_eq!(identity, format!("{CERT}\n{KEY}"));
    }

    #[test]
    fn a_host_without_a_folder_has_nothing_of_its_own() {
        let root = folder(&[("r.io/ca.crt", CERT), ("above.crt", CERT)]);
        let below = folder(&[("inner/r.io/ca.crt", CERT)]);
        let trust = Trust::new(None, vec![root.path().into(), below.path().join("inner")]);
        for host in ["q.io", "r.io:5000", "..", ".", "", "../inner"] {
            let got = trust.for_host(host).unwrap();
            assert!(got.folder.is_none() && got.ca_pems.is_empty(), "{host}");
        }
    }

    #[test]
    fn a_named_folder_holds_for_every_host_and_has_to_exist() {
        let named = folder(&[("ca.crt", CERT)]);
        let root = folder(&[("r.io/a.crt", CERT), ("r.io/b.crt", CERT)]);
        let trust = Trust::new(Some(named.path().into()), vec![root.path().into()]);
        for (host, whose) in [("r.io", Folder::OfHost), ("q.io:1", Folder::OfAll)] {
            let got = trust.for_host(host).unwrap();
            assert_eq!(got.ca_pems.len(), 1, "{host}");
            assert_eq!(got.folder, Some(whose), "{host}");
        }
        let gone = named.path().join("gone");
        let error = Trust::new(Some(gone.clone()), Vec::new()).for_host("r.io");
        let message = error.unwrap_err().to_string();
        assert!(message.contains(gone.to_str().unwrap()), "{message}");
    }

    #[test]
    fn a_folder_that_cannot_be_used_names_the_file() {
        let check = |files: &[(&str, &str)], parts: &[&str]| {
            let root = folder(files);
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
        check(&[("h", "a file, not a folder")], &["/h for TLS"]);
    }

    #[test]
    fn a_link_into_nowhere_is_left_aside() {
        let root = folder(&[("h/ca.crt", CERT)]);
        symlink("/nonexistent/ca.pem", root.path().join("h/b.crt")).unwrap();
        let got = roots(&[&root]).for_host("h").unwrap();
        assert_eq!(got.ca_pems.len(), 1);
    }

    #[test]
    fn the_private_key_is_not_shown() {
        let root = folder(&[("h/c.cert", CERT), ("h/c.key", KEY)]);
        let got = roots(&[&root]).for_host("h").unwrap();
        // 45 is `-`: a byte vector would be shown as numbers.
        let shown = format!("{got:?}");
        assert!(!shown.contains("45") && !shown.contains("MIIC"), "{shown}");
    }
}
