//! The hosts of a run.

use url::Url;

/// A host and its part in the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// The source of most rows.
    Source,
    /// The source of a row with the same layers.
    Other,
    /// The destination of all rows.
    Destination,
    /// A host that no row names, to which the other hosts refer.
    Outsider,
}

impl Role {
    pub const ALL: [Self; 4] = [Self::Source, Self::Other, Self::Destination, Self::Outsider];

    /// Returns the user whose password is stored for the host.
    pub fn user(self) -> &'static str {
        ["reader", "robot", "writer", "stranger"][self as usize]
    }

    /// Returns the password that is stored for the host. None contains another.
    pub fn password(self) -> &'static str {
        [
            "kestrel-4f81c09e",
            "bittern-77ab31d2",
            "plover-e60d9a35",
            "dunlin-1c5f2b84",
        ][self as usize]
    }
}

/// The names of the hosts, `127.0.0.1:PORT`.
#[derive(Clone, Debug)]
pub struct Hosts(pub [String; 4]);

impl Hosts {
    pub fn name(&self, role: Role) -> &str {
        &self.0[role as usize]
    }

    /// Returns the port of a host: the same host also has the name `localhost`.
    pub fn port(&self, role: Role) -> u16 {
        let port = self.name(role).rsplit(':').next();
        port.and_then(|port| port.parse().ok()).unwrap_or_default()
    }

    /// Returns the host and the path to which a reference of a response leads.
    pub fn resolve(&self, at: Role, target: &str, reference: &str) -> Option<(Role, String)> {
        let base = Url::parse(&format!("http://{}{target}", self.name(at))).ok()?;
        let url = base.join(reference).ok()?;
        let is_at = |role: &Role| url.port() == Some(self.port(*role));
        let role = Role::ALL.into_iter().find(is_at)?;
        Some((role, url.path().to_owned()))
    }
}
