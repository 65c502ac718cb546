//! Who is registered where (RFC 3261, 10.3), for as long as this runs.

use std::collections::HashMap;

use rsip::Header;

use crate::octets;
use crate::sip::SipMessage;
use crate::sip::header::{HeaderName, NameAddr};
use crate::sip::reply::{field, text};
use crate::time::{SECOND, Timestamp};

/// Users that are kept.
const MAX_USERS: usize = 256;
/// Contacts of a user that are kept.
const MAX_CONTACTS: usize = 8;
/// Seconds that a registration lasts: the least, what none is asked for gets, and
/// the most.
const LEAST_S: u64 = 5;
const USUAL_S: u64 = 300;
const MOST_S: u64 = 3600;

#[derive(Clone, Debug)]
struct Binding {
    contact: String,
    until: Timestamp,
}

/// What is registered.
#[derive(Debug, Default)]
pub(super) struct Registrar {
    users: HashMap<String, Vec<Binding>>,
}

impl Registrar {
    /// Takes a REGISTER for a user; hands back the status and its header fields.
    pub(super) fn register(
        &mut self,
        now: Timestamp,
        user: &str,
        request: &SipMessage<'_>,
    ) -> (u16, Vec<Header>) {
        for bindings in self.users.values_mut() {
            bindings.retain(|own| own.until > now);
        }
        self.users.retain(|_, own| !own.is_empty());
        let common = request.value(HeaderName::Expires).and_then(octets::decimal);
        let mut bindings = self.users.get(user).cloned().unwrap_or_default();
        for value in request.values(HeaderName::Contact) {
            if value == b"*" {
                // RFC 3261, 10.2.2: only to take all away.
                if common != Some(0) {
                    return (400, Vec::new());
                }
                bindings.clear();
                continue;
            }
            let contact = NameAddr::parse(value);
            let own = contact.parameter("expires").and_then(octets::decimal);
            let wanted = own.or(common).unwrap_or(USUAL_S);
            let Some(uri) = text(contact.uri).filter(|own| is_uri(own)) else {
                return (400, Vec::new());
            };
            if (1..LEAST_S).contains(&wanted) {
                return (423, vec![field("Min-Expires", LEAST_S.to_string())]);
            }
            bindings.retain(|own| own.contact != uri);
            let seconds = i64::try_from(wanted.min(MOST_S)).unwrap_or_default();
            if seconds > 0 {
                let until = now.offset(seconds.saturating_mul(SECOND));
                bindings.push(Binding {
                    contact: uri,
                    until,
                });
            }
        }
        if bindings.len() > MAX_CONTACTS
            || (self.users.len() >= MAX_USERS && !self.users.contains_key(user))
        {
            return (503, vec![field("Retry-After", "60".to_owned())]);
        }
        let listed = bindings.iter().map(|own| {
            let left = own.until.since(now) / SECOND;
            field("Contact", format!("<{}>;expires={left}", own.contact))
        });
        let listed = listed.collect();
        if bindings.is_empty() {
            self.users.remove(user);
        } else {
            self.users.insert(user.to_owned(), bindings);
        }
        (200, listed)
    }
}

/// Whether text can stand between angle brackets.
fn is_uri(text: &str) -> bool {
    let is_short = (1..=256).contains(&text.len());
    is_short
        && text
            .bytes()
            .all(|own| own.is_ascii_graphic() && !b"<>\"".contains(&own))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: u64) -> Timestamp {
        Timestamp::from_nanos((1_700_000_000 + s) * 1_000_000_000)
    }

    fn register(
        registrar: &mut Registrar,
        now: u64,
        user: &str,
        fields: &str,
    ) -> (u16, Vec<String>) {
        let text = format!("REGISTER sip:x SIP/2.0\r\n{fields}Content-Length: 0\r\n\r\n");
        let message = SipMessage::parse(text.as_bytes()).expect("a message");
        let (status, headers) = registrar.register(at(now), user, &message);
        (status, headers.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn registrations_come_and_go() {
        let mut registrar = Registrar::default();
        let mut check = |now, fields: &str, status: u16, listed: &[&str]| {
            let told = register(&mut registrar, now, "alice", fields);
            let listed = listed.iter().map(|own| (*own).to_owned()).collect();
            assert_eq!(told, (status, listed), "{now} {fields}");
        };
        check(0, "", 200, &[]);
        let one = "Contact: <sip:a@h>;expires=60\r\n";
        check(0, one, 200, &["Contact: <sip:a@h>;expires=60"]);
        check(20, "", 200, &["Contact: <sip:a@h>;expires=40"]);
        check(20, one, 200, &["Contact: <sip:a@h>;expires=60"]);
        check(79, "", 200, &["Contact: <sip:a@h>;expires=1"]);
        check(80, "", 200, &[]);
        let usual = "Contact: <sip:a@h>\r\n";
        check(80, usual, 200, &["Contact: <sip:a@h>;expires=300"]);
        let long = "Contact: <sip:b@h>\r\nExpires: 99999\r\n";
        let both = [
            "Contact: <sip:a@h>;expires=300",
            "Contact: <sip:b@h>;expires=3600",
        ];
        check(80, long, 200, &both);
        check(
            80,
            "Contact: <sip:a@h>\r\nExpires: 4\r\n",
            423,
            &["Min-Expires: 5"],
        );
        check(80, "Contact: *\r\n", 400, &[]);
        check(80, "Contact: <>\r\n", 400, &[]);
        check(80, "Contact: <sip:a@h>;expires=0\r\n", 200, &both[1..]);
        check(80, "Contact: *\r\nExpires: 0\r\n", 200, &[]);
    }

    #[test]
    fn users_and_contacts_are_bounded() {
        let mut registrar = Registrar::default();
        let mut many = |user: String, contact: usize| {
            let fields = format!("Contact: <sip:{contact}@h>;expires=60\r\n");
            register(&mut registrar, 0, &user, &fields).0
        };
        for contact in 0..MAX_CONTACTS {
            assert_eq!(many("0".to_owned(), contact), 200);
        }
        assert_eq!(many("0".to_owned(), MAX_CONTACTS), 503);
        for user in 1..MAX_USERS {
            assert_eq!(many(user.to_string(), 0), 200);
        }
        assert_eq!(many("more".to_owned(), 0), 503);
    }
}
