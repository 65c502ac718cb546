//! Who is named in a call, each once: from message to message the same ones come again.

use std::cell::OnceCell;

use super::message::Message;
use crate::sip::Uri;
use crate::sip::header::{HeaderName, NameAddr, split_outside_quotes};

/// Fields that name somebody.
const NAMES: [HeaderName; 7] = [
    HeaderName::From,
    HeaderName::To,
    HeaderName::Contact,
    HeaderName::Route,
    HeaderName::RecordRoute,
    HeaderName::ReferTo,
    HeaderName::PAssertedIdentity,
];

/// A call has few parties; where there are more, each message is looked at.
const KEPT: usize = 32;

/// Somebody, as a header field or a Request-URI names them.
#[derive(Debug)]
pub(super) struct Party<'a> {
    /// The name of the field; `None`: the Request-URI.
    pub name: Option<HeaderName>,
    /// The field as it is written.
    pub field: &'a [u8],
    /// The value; a field may have several.
    pub value: &'a [u8],
    /// The same, taken apart.
    pub address: NameAddr<'a>,
    uri: OnceCell<Uri<'a>>,
}

impl<'a> Party<'a> {
    /// The URI, taken apart.
    pub(super) fn uri(&self) -> Uri<'a> {
        *self.uri.get_or_init(|| Uri::parse(self.address.uri))
    }
}

/// The parties of a call.
#[derive(Debug, Default)]
pub(super) struct Parties<'a> {
    found: Vec<Party<'a>>,
    /// Whether there are more than are kept.
    is_more: bool,
}

impl<'a> Parties<'a> {
    /// The parties that messages name.
    pub(super) fn of(messages: &[Message<'a>]) -> Self {
        let mut parties = Self {
            found: Vec::with_capacity(8),
            is_more: false,
        };
        let wanted = NAMES.iter().fold(0, |bits, name| bits | name.bit());
        for message in messages {
            if message.is_request() {
                parties.add(None, message.request_uri());
            }
            for field in message.sip.header_fields() {
                if field.kind.bit() & wanted != 0 {
                    parties.add(Some(field.kind), field.value);
                }
            }
        }
        parties
    }

    fn add(&mut self, name: Option<HeaderName>, field: &'a [u8]) {
        if (self.found.iter()).any(|known| known.name == name && known.field == field) {
            return;
        }
        if name.is_none() {
            let uri = NameAddr {
                uri: field,
                ..NameAddr::default()
            };
            self.push(name, field, field, uri);
            return;
        }
        let mut values = 0;
        for value in split_outside_quotes(field, b',') {
            let value = value.trim_ascii();
            self.push(name, field, value, NameAddr::parse(value));
            values += 1;
        }
        // Where one is allowed, most read the field as one, commas or not.
        if values > 1 && matches!(name, Some(HeaderName::From | HeaderName::To)) {
            self.push(name, field, field, NameAddr::parse(field));
        }
    }

    fn push(
        &mut self,
        name: Option<HeaderName>,
        field: &'a [u8],
        value: &'a [u8],
        address: NameAddr<'a>,
    ) {
        if self.found.len() >= KEPT {
            self.is_more = true;
            return;
        }
        self.found.push(Party {
            name,
            field,
            value,
            address,
            uri: OnceCell::new(),
        });
    }

    /// Whether all in fields of these names are so, as far as is known.
    pub(super) fn all(
        &self,
        names: &[Option<HeaderName>],
        is_so: impl Fn(&Party<'a>) -> bool,
    ) -> bool {
        let mut found = self.found.iter().filter(|own| names.contains(&own.name));
        !self.is_more && found.all(is_so)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FROM: Option<HeaderName> = Some(HeaderName::From);
    const CONTACT: Option<HeaderName> = Some(HeaderName::Contact);

    fn users(parties: &Parties<'_>, name: Option<HeaderName>) -> Vec<String> {
        let found = parties.found.iter().filter(|own| own.name == name);
        let users = found.map(|own| crate::octets::text(own.uri().user_name()));
        users.collect()
    }

    #[test]
    fn each_value_is_there_once() {
        let mut parties = Parties::default();
        for _ in 0..2 {
            parties.add(None, b"sip:a@h");
            parties.add(FROM, b"<sip:a@h>;tag=1");
            parties.add(FROM, b"<sip:a@h>;tag=2");
            parties.add(CONTACT, b"<sip:b@h>, \"x, y\" <sip:c@h>");
            parties.add(FROM, b"sip:d@h,e@h");
        }
        assert_eq!(users(&parties, None), ["a"]);
        assert_eq!(users(&parties, CONTACT), ["b", "c"]);
        // A From with a comma is there in its parts and as a whole.
        assert_eq!(users(&parties, FROM), ["a", "a", "d", "", "d@h,e"]);
        assert!(parties.all(&[CONTACT], |own| own.uri().host == b"h"));
        assert!(!parties.all(&[None, FROM], |own| own.uri().host == b"h"));
    }

    #[test]
    fn of_too_many_nothing_is_said() {
        let fields: Vec<String> = (0..=KEPT).map(|number| format!("sip:{number}@h")).collect();
        for (count, expected) in [(KEPT - 1, true), (KEPT, true), (KEPT + 1, false)] {
            let mut parties = Parties::default();
            for field in fields.iter().take(count) {
                parties.add(CONTACT, field.as_bytes());
            }
            assert_eq!(parties.all(&[CONTACT], |_| true), expected, "{count}");
            assert_eq!(parties.all(&[FROM], |_| true), expected, "{count}");
        }
    }
}
