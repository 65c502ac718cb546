//! Whether two hosts behind NATs can reach each other directly (RFC 5128, 3.3),
//! found by trying it on emulated ones.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use super::behavior::Dependence;
use super::emulator::{Config, Nat};
use crate::net::Endpoint;
use crate::time::Timestamp;

/// How a NAT behaves, as far as it matters here. A host without one is
/// endpoint-independent in both; a firewall alone in its mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Behavior {
    /// On what its mappings depend.
    pub mapping: Dependence,
    /// On what its filter depends.
    pub filtering: Dependence,
}

/// What to expect of both sides sending to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Packets go both ways, on a pair that ICE accepts.
    Direct,
    /// Packets go both ways, but come back from elsewhere than they were sent
    /// to: ICE refuses that (RFC 8445, 7.2.5.2.1).
    Asymmetric,
    /// Only the first reaches the second.
    Forward,
    /// Only the second reaches the first.
    Backward,
    /// Nothing gets through.
    Impossible,
}

impl Outcome {
    /// The name used in records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Direct | Self::Asymmetric => "direct",
            Self::Forward | Self::Backward => "one-way",
            Self::Impossible => "impossible",
        }
    }
}

/// Whose filter state is assumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Each mapping has its own: usual, and the more pessimistic.
    Mapping,
    /// The inside endpoint has one, as RFC 4787 words it.
    Endpoint,
    /// Each mapping has its own, and answers follow the session that came in,
    /// as in Linux.
    Session,
}

struct Side {
    nat: Nat,
    own: Endpoint,
    /// Where to send to: what the server told, then what was heard from.
    targets: BTreeSet<Endpoint>,
    was_reached: bool,
}

impl Side {
    fn new(behavior: Behavior, state: State, number: u8, server: Endpoint) -> (Self, Endpoint) {
        let outside = IpAddr::V4(Ipv4Addr::new(203, 0, 113, number));
        let config = Config {
            filters_by_endpoint: state == State::Endpoint,
            follows_sessions: state == State::Session,
            seed: u64::from(number),
            ..Config::of(behavior.mapping, behavior.filtering, outside)
        };
        let mut nat = Nat::new(config);
        let own = Endpoint::new(IpAddr::V4(Ipv4Addr::new(10, number, 0, 2)), 4000);
        let seen = nat.outbound(Timestamp::default(), own, server);
        let side = Self {
            nat,
            own,
            targets: BTreeSet::new(),
            was_reached: false,
        };
        (side, seen.unwrap_or(own))
    }
}

/// Rounds after which nothing new is learned.
const ROUNDS: usize = 4;

/// Both learn the other's address from one server, send to it again and again,
/// and to wherever packets come from.
#[must_use]
pub fn predict(first: Behavior, second: Behavior, state: State) -> Outcome {
    let server = Endpoint::new(IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1)), 3478);
    let (mut a, seen_a) = Side::new(first, state, 1, server);
    let (mut b, seen_b) = Side::new(second, state, 2, server);
    a.targets.insert(seen_b);
    b.targets.insert(seen_a);
    let mut is_symmetric = false;
    for _ in 0..ROUNDS {
        is_symmetric |= send(&mut a, &mut b);
        is_symmetric |= send(&mut b, &mut a);
    }
    match (b.was_reached, a.was_reached) {
        (true, true) if is_symmetric => Outcome::Direct,
        (true, true) => Outcome::Asymmetric,
        (true, false) => Outcome::Forward,
        (false, true) => Outcome::Backward,
        (false, false) => Outcome::Impossible,
    }
}

/// One side sends to all it knows; says whether an answer came back from where
/// the request went to.
fn send(from: &mut Side, to: &mut Side) -> bool {
    let now = Timestamp::default();
    let mut is_symmetric = false;
    for target in from.targets.clone() {
        let Some(source) = from.nat.outbound(now, from.own, target) else {
            continue;
        };
        if !to.nat.owns(target.ip) || to.nat.inbound(now, source, target) != Some(to.own) {
            continue;
        }
        to.was_reached = true;
        to.targets.insert(source);
        let Some(answer) = to.nat.outbound(now, to.own, source) else {
            continue;
        };
        if from.nat.inbound(now, answer, source) == Some(from.own) {
            from.was_reached = true;
            from.targets.insert(answer);
            is_symmetric |= answer == target;
        }
    }
    is_symmetric
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> impl Iterator<Item = Behavior> {
        Dependence::ALL.into_iter().flat_map(|mapping| {
            Dependence::ALL
                .into_iter()
                .map(move |filtering| Behavior { mapping, filtering })
        })
    }

    fn matrix(state: State) -> Vec<String> {
        let letter = |outcome| match outcome {
            Outcome::Direct => 'Y',
            Outcome::Asymmetric => 'a',
            Outcome::Forward => '>',
            Outcome::Backward => '<',
            Outcome::Impossible => 'N',
        };
        all()
            .map(|row| {
                all()
                    .map(|column| letter(predict(row, column, state)))
                    .collect()
            })
            .collect()
    }

    #[test]
    fn which_pairs_of_nats_let_each_other_in() {
        // Rows and columns: mapping by filtering, each from the most open on.
        let usual = [
            "YYYYYYYYY",
            "YYYYYYYYY",
            "YYY>NN>NN",
            "YY<YY<YY<",
            "YYNYNNYNN",
            "YYN>NN>NN",
            "YY<YY<aa<",
            "YYNYNNaNN",
            "YYN>NN>NN",
        ];
        assert_eq!(matrix(State::Mapping), usual);
        let literal = [
            "YYYYYYYYY",
            "YYYYYYYYY",
            "YYY>>>>>>",
            "YY<YY<YY<",
            "YY<YY<YY<",
            "YY<>>N>>N",
            "YY<YY<aa<",
            "YY<YY<aa<",
            "YY<>>N>>N",
        ];
        assert_eq!(matrix(State::Endpoint), literal);
    }

    /// What two Linux NATs in network namespaces did: packets both ways or not.
    #[test]
    fn linux_does_what_is_predicted() {
        use Dependence::{Address as A, AddressAndPort as P, Endpoint as E};
        let kinds = [
            (E, E),
            (E, A),
            (E, P),
            (A, A),
            (A, P),
            (P, E),
            (P, A),
            (P, P),
        ];
        let measured = [
            "yyyyyyyy", "yyyyyyy", "y--y--", "--y--", "-y--", "yyy", "--", "-",
        ];
        for (row, (known, own)) in measured.iter().zip(kinds).enumerate() {
            for (letter, (mapping, filtering)) in known.chars().zip(kinds.iter().skip(row)) {
                let first = Behavior {
                    mapping: own.0,
                    filtering: own.1,
                };
                let second = Behavior {
                    mapping: *mapping,
                    filtering: *filtering,
                };
                let outcome = predict(first, second, State::Session);
                let both = matches!(outcome, Outcome::Direct | Outcome::Asymmetric);
                assert_eq!(both, letter == 'y', "{first:?} {second:?} {outcome:?}");
            }
        }
    }
}
