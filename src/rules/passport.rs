//! Signed caller identities (RFC 8224, RFC 8225), taken apart without verifying.

use serde_json::Value;

use super::message::Message;
use crate::octets;
use crate::sip::header::HeaderName;

/// The claims of one PASSporT in full form.
#[derive(Debug)]
pub(super) struct Passport<'a> {
    /// Where it stands, without the signature.
    pub text: &'a [u8],
    /// What it claims.
    pub claims: Value,
    /// `shaken`, `div` and so on.
    pub kind: Option<String>,
}

impl<'a> Passport<'a> {
    /// Those of a message that can be read.
    pub(super) fn all(message: &Message<'a>) -> Vec<Self> {
        let values = message.fields(HeaderName::Identity).into_iter();
        values.filter_map(Self::parse).collect()
    }

    fn parse(value: &'a [u8]) -> Option<Self> {
        let mut parts = value.splitn(3, |octet| *octet == b'.');
        let (header, claims) = (parts.next()?, parts.next()?);
        let json = |part: &[u8]| -> Option<Value> {
            let octets = data_encoding::BASE64URL_NOPAD.decode(part).ok()?;
            serde_json::from_slice(&octets).ok()
        };
        let kind = json(header)?
            .get("ppt")
            .and_then(Value::as_str)
            .map(str::to_owned);
        Some(Self {
            text: octets::span(value, 0, header.len() + 1 + claims.len()),
            claims: json(claims)?,
            kind,
        })
    }

    /// When it was signed, in seconds since 1970.
    pub(super) fn signed_at(&self) -> Option<i64> {
        self.claims.get("iat")?.as_i64()
    }

    /// The number of the caller, digits alone.
    pub(super) fn origin(&self) -> Option<String> {
        Some(digits(self.claims.get("orig")?.get("tn")?.as_str()?))
    }

    /// The numbers called, digits alone.
    pub(super) fn targets(&self) -> Vec<String> {
        let numbers = self.claims.get("dest").and_then(|dest| dest.get("tn"));
        let numbers = numbers.and_then(Value::as_array).into_iter().flatten();
        numbers.filter_map(Value::as_str).map(digits).collect()
    }
}

/// The digits of a number, as they are compared (RFC 8224, 8.3).
pub(super) fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}
