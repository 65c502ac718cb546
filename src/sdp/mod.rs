//! Session descriptions (RFC 8866), read line by line; a bad line costs itself
//! alone.

#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unwrap_used
    )
)]

mod attribute;
pub mod build;
mod fragment;
mod media;

pub use attribute::{Candidate, RtpMap};
pub use fragment::IceFragment;
pub use media::{
    IcePassword, KeyParameters, MediaDescription, MediaDirection, MediaKind, T38Parameters,
    same_version,
};

use std::net::IpAddr;

use crate::octets;

/// The most media descriptions that are kept of one body.
pub const MAX_MEDIA: usize = 64;
/// The most attributes of one kind that are kept of one medium.
pub const MAX_ATTRIBUTES: usize = 64;

/// What one side says of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionDescription {
    /// `o=`: who made it, and which version it is.
    pub origin: Option<Origin>,
    /// `a=group:BUNDLE`: the `mid`s that share one transport (RFC 9143).
    pub bundle: Vec<String>,
    /// `m=` lines, in order.
    pub media: Vec<MediaDescription>,
    /// Lines that could not be read.
    pub malformed: u32,
    /// Whether there are more media, or more attributes of one kind, than are
    /// kept.
    pub is_cut: bool,
}

/// `o=` (RFC 8866, 5.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The user, as written.
    pub username: String,
    /// The session, as written.
    pub session_id: String,
    /// The version, as written.
    pub session_version: String,
    /// The address, if it is one.
    pub address: Option<IpAddr>,
}

impl SessionDescription {
    /// Reads a body; whatever it holds, something is kept.
    #[must_use]
    pub fn parse(body: &[u8]) -> Self {
        Self::read(body).0
    }

    /// The description, and what stands before its first medium as if it were one.
    fn read(body: &[u8]) -> (Self, MediaDescription) {
        let mut description = Self::default();
        let mut session = MediaDescription::default();
        for line in body.split(|&octet| matches!(octet, b'\n' | b'\r')) {
            let line = line.trim_ascii_end();
            let (Some(kind), Some(b'=')) = (line.first(), line.get(1)) else {
                description.malformed = description
                    .malformed
                    .saturating_add(u32::from(!line.is_empty()));
                continue;
            };
            let value = octets::from(line, 2).trim_ascii_start();
            let good = match kind {
                b'o' => {
                    description.origin = origin(value);
                    description.origin.is_some()
                }
                b'm' => {
                    let media = MediaDescription::parse(value, &session);
                    let good = media.is_some();
                    let room = description.media.len() < MAX_MEDIA;
                    description.is_cut |= !room;
                    if room {
                        // A media line that can't be read still takes its
                        // place: offers and answers match by position.
                        description.media.push(media.unwrap_or_default());
                    }
                    good
                }
                b'a' if value.starts_with(b"group:BUNDLE") => {
                    description.bundle = octets::text(value)
                        .split_ascii_whitespace()
                        .skip(1)
                        .take(MAX_MEDIA)
                        .map(str::to_owned)
                        .collect();
                    true
                }
                b'c' | b'a' => {
                    let media = description.media.last_mut().unwrap_or(&mut session);
                    if *kind == b'c' {
                        media.connection = connection(value);
                        media.connection.is_some()
                    } else {
                        attribute::apply(media, value)
                    }
                }
                _ => kind.is_ascii_lowercase(),
            };
            description.malformed = description.malformed.saturating_add(u32::from(!good));
        }
        description.is_cut |= description.media.iter().any(|media| media.is_cut);
        // Calls hold several of these for long; most have one medium.
        description.media.shrink_to_fit();
        (description, session)
    }
}

fn origin(value: &[u8]) -> Option<Origin> {
    // A user name with spaces is wrong but met: the last five words are fixed.
    let text = octets::text(value);
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let count = words.len();
    let session_id = words.get(count.checked_sub(5)?)?;
    let session_version = words.get(count.checked_sub(4)?)?;
    let address = words.get(count.checked_sub(1)?)?;
    Some(Origin {
        username: words.get(..count.checked_sub(5)?)?.join(" "),
        session_id: (*session_id).to_owned(),
        session_version: (*session_version).to_owned(),
        address: address.parse().ok(),
    })
}

/// `c=` (RFC 8866, 5.7): the address, without TTL or count.
fn connection(value: &[u8]) -> Option<IpAddr> {
    let text = octets::text(value);
    let mut words = text.split_ascii_whitespace();
    if !words.next()?.eq_ignore_ascii_case("IN") {
        return None;
    }
    words.next()?;
    let address = words.next()?;
    let address = address.split('/').next()?;
    address.trim_matches(['[', ']']).parse().ok()
}

#[cfg(test)]
mod tests;
