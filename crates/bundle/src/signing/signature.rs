//! A signature as it is in a bundle.

/// The format of a signature. It decides the name of its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignatureFormat {
    /// The text of minisign.
    Minisign,
    /// The bytes of an ECDSA (ASN.1) or Ed25519 signature, or their base64.
    Plain,
}

/// A signature of `mirror.json`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// The format.
    pub format: SignatureFormat,
    /// The bytes of the file.
    pub bytes: Vec<u8>,
}

impl SignatureFormat {
    /// All formats.
    pub const ALL: [Self; 2] = [Self::Plain, Self::Minisign];

    /// Returns the name of the file, which is the second member of an archive.
    #[must_use]
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Minisign => "mirror.json.minisig",
            Self::Plain => "mirror.json.sig",
        }
    }

    /// Returns the format of a file with this name, `None` for any other name.
    #[must_use]
    pub fn from_file_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.file_name() == name)
    }
}
