//! How a NAT maps and filters, in the terms of RFC 4787.

use crate::packet::PacketRef;

/// On what a mapping, or a filter, depends (RFC 4787, 4.1 and 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dependence {
    /// On the inside endpoint alone.
    Endpoint,
    /// On the remote address too.
    Address,
    /// On the remote address and port too.
    AddressAndPort,
}

impl Dependence {
    /// All, from the most open on.
    pub const ALL: [Self; 3] = [Self::Endpoint, Self::Address, Self::AddressAndPort];

    /// The name used in records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Endpoint => "endpoint-independent",
            Self::Address => "address-dependent",
            Self::AddressAndPort => "address-and-port-dependent",
        }
    }
}

/// What RFC 3489 (5) called a NAT of this mapping and filtering. Its words fit few
/// NATs; they are told because many know them.
#[must_use]
pub const fn nickname(mapping: Dependence, filtering: Dependence) -> &'static str {
    match (mapping, filtering) {
        (Dependence::Endpoint, Dependence::Endpoint) => "full cone",
        (Dependence::Endpoint, Dependence::Address) => "restricted cone",
        (Dependence::Endpoint, Dependence::AddressAndPort) => "port restricted cone",
        (Dependence::Address | Dependence::AddressAndPort, _) => "symmetric",
    }
}

/// What packets of a device showed, each with the words for it.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// Packets, with what each says.
    pub says: Vec<(PacketRef, String)>,
}

/// Pieces of evidence that are told.
const MAX_SAYS: usize = 8;

impl Evidence {
    /// Adds a piece while there is room.
    pub fn add(&mut self, at: PacketRef, says: String) {
        if self.says.len() < MAX_SAYS {
            self.says.push((at, says));
        }
    }
}

/// Which behaviours are still possible: each observation rules some out.
#[derive(Clone, Debug)]
pub struct Elimination {
    possible: [bool; 3],
    /// How many observations ruled something out, each kind of them.
    pub observations: u32,
    /// What they rest on.
    pub evidence: Evidence,
}

impl Default for Elimination {
    fn default() -> Self {
        Self {
            possible: [true; 3],
            observations: 0,
            evidence: Evidence::default(),
        }
    }
}

impl Elimination {
    /// Only these are possible.
    pub fn only(&mut self, these: &[Dependence], at: PacketRef, says: impl FnOnce() -> String) {
        for (possible, kind) in self.possible.iter_mut().zip(Dependence::ALL) {
            *possible &= these.contains(&kind);
        }
        self.observations = self.observations.saturating_add(1);
        self.evidence.add(at, says());
    }

    /// The only one left; `None` where several are, or none is.
    #[must_use]
    pub fn verdict(&self) -> Option<Dependence> {
        let mut left = Dependence::ALL
            .into_iter()
            .zip(self.possible)
            .filter_map(|(kind, possible)| possible.then_some(kind));
        let first = left.next();
        first.filter(|_| left.next().is_none())
    }

    /// Whether observations contradict each other.
    #[must_use]
    pub fn is_contradictory(&self) -> bool {
        self.possible == [false; 3]
    }

    /// Whether something that depends on this kind of remote is ruled out.
    #[must_use]
    pub fn excludes(&self, kind: Dependence) -> bool {
        Dependence::ALL
            .into_iter()
            .zip(self.possible)
            .any(|(own, possible)| own == kind && !possible)
    }

    /// How far to believe the verdict, by the number of observations.
    #[must_use]
    pub fn confidence(&self) -> f64 {
        (0.5 + 0.15 * f64::from(self.observations)).min(0.97)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Dependence::{Address, AddressAndPort, Endpoint};

    #[test]
    fn a_verdict_is_what_is_left() {
        let check = |steps: &[&[Dependence]], verdict, contradictory| {
            let mut left = Elimination::default();
            for step in steps {
                left.only(step, PacketRef::default(), String::new);
            }
            assert_eq!(left.verdict(), verdict, "{steps:?}");
            assert_eq!(left.is_contradictory(), contradictory, "{steps:?}");
        };
        check(&[], None, false);
        check(&[&[Endpoint]], Some(Endpoint), false);
        check(&[&[Address, AddressAndPort]], None, false);
        let both: [&[Dependence]; 2] = [&[Address, AddressAndPort], &[Endpoint, Address]];
        check(&both, Some(Address), false);
        check(&[&[Endpoint], &[AddressAndPort]], None, true);
    }
}
