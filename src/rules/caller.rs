//! Calls that one address tries in vain.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;

use crate::packet::PacketRef;
use crate::time::{SECOND, Timestamp};

/// Users called in vain within [`WINDOW_NS`] that make a search.
const MANY: usize = 10;
const WINDOW_NS: i64 = 60 * SECOND;
/// Characters by which users are told apart.
const MAX_USER: usize = 64;

/// A call that was refused.
#[derive(Clone, Debug)]
pub struct Refused {
    /// The beginning of the user called.
    user: String,
    /// Its first message.
    pub at: PacketRef,
}

/// An address that calls, and its last calls that were refused, since one was
/// answered.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The address.
    pub source: IpAddr,
    /// Refused calls to different users, at most ten.
    pub refused: VecDeque<Refused>,
}

/// A call of an address, and how it ended.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    /// From where.
    pub source: IpAddr,
    /// Whom.
    pub user: &'a str,
    /// Its first message.
    pub at: PacketRef,
    /// The last final response.
    pub status: u16,
}

impl Caller {
    /// Whether it called so many users within a minute that none is a slip.
    #[must_use]
    pub fn is_searching(&self) -> bool {
        let ends = self.refused.front().zip(self.refused.back());
        self.refused.len() == MANY
            && ends.is_some_and(|(first, last)| {
                last.at.timestamp.since(first.at.timestamp) <= WINDOW_NS
            })
    }
}

/// Addresses that call in vain, bounded.
#[derive(Debug)]
pub struct Callers {
    known: HashMap<IpAddr, Caller, foldhash::fast::RandomState>,
    most: usize,
    /// When those that are silent were last forgotten.
    swept: Timestamp,
}

impl Callers {
    /// For so many addresses.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self {
            known: HashMap::default(),
            most,
            swept: Timestamp::default(),
        }
    }

    /// Takes a call that ended: the caller, once it searches; and whether there was
    /// room. An address whose search was told begins anew.
    pub fn ended(&mut self, attempt: &Attempt<'_>) -> (Option<Caller>, bool) {
        let source = attempt.source;
        match attempt.status {
            // Somebody answered: it calls people.
            200..=299 => {
                self.known.remove(&source);
                return (None, true);
            }
            401 | 403 | 404 | 407 | 410 | 484 | 604 => {}
            // Busy, not there, over capacity: people call those too.
            _ => return (None, true),
        }
        if self.known.len() >= self.most && !self.known.contains_key(&source) {
            let now = attempt.at.timestamp;
            // Once a second: a flood of addresses must not cost all of them each time.
            if now.since(self.swept) >= SECOND {
                self.swept = now;
                self.known.retain(|_, own| {
                    let last = own.refused.back();
                    last.is_some_and(|last| now.since(last.at.timestamp) <= WINDOW_NS)
                });
            }
            if self.known.len() >= self.most {
                return (None, false);
            }
        }
        let caller = self.known.entry(source).or_insert_with(|| Caller {
            source,
            refused: VecDeque::new(),
        });
        let user: String = attempt.user.chars().take(MAX_USER).collect();
        caller.refused.retain(|own| own.user != user);
        if caller.refused.len() == MANY {
            caller.refused.pop_front();
        }
        caller.refused.push_back(Refused {
            user,
            at: attempt.at,
        });
        let is_searching = caller.is_searching();
        let found = is_searching.then(|| self.known.remove(&source));
        (found.flatten(), true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::CapturePoint;

    fn attempt(host: u8, second: u64, user: &str, status: u16) -> Attempt<'_> {
        Attempt {
            source: IpAddr::from([10, 0, 0, host]),
            user,
            at: PacketRef {
                number: 1,
                timestamp: Timestamp::from_nanos(second * 1_000_000_000),
                file: 0,
                capture_point: CapturePoint(0),
            },
            status,
        }
    }

    #[test]
    fn a_search_is_ten_users_in_a_minute_with_none_that_answers() {
        let check = |calls: &[(u64, u16)], expected: bool| {
            let mut callers = Callers::new(8);
            let found = calls.iter().zip(0..).any(|((second, status), user)| {
                let user = format!("90{user}");
                let (caller, _) = callers.ended(&attempt(1, *second, &user, *status));
                caller.is_some_and(|own| own.is_searching())
            });
            assert_eq!(found, expected, "{calls:?}");
        };
        let calls =
            |every: u64| -> Vec<(u64, u16)> { (0..10).map(|call| (call * every, 404)).collect() };
        check(&calls(6), true);
        check(&calls(7), false);
        check(&calls(6)[..9], false);
        let mut answered = calls(1);
        answered[5].1 = 200;
        check(&answered, false);
        // Nor does what is neither add to it.
        answered[5].1 = 486;
        check(&answered, false);
    }

    #[test]
    fn no_more_addresses_are_held_than_may_be() {
        let mut callers = Callers::new(2);
        let mut room = |host, second| callers.ended(&attempt(host, second, "1", 404)).1;
        assert!(room(1, 0) && room(2, 30));
        assert!(!room(3, 60));
        // The first is silent for longer than a search lasts.
        assert!(room(3, 61));
    }
}
