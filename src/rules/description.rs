//! A session description line by line, for rules that quote it.

use std::borrow::Cow;
use std::cell::OnceCell;

use smallvec::SmallVec;

use crate::octets;
use crate::sdp::RtpMap;

/// One line: its letter, and what stands after the equals sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// `v`, `o`, `m` and so on; 0 where it is no line of a description.
    pub kind: u8,
    /// The value as written.
    pub value: &'a [u8],
}

/// Lines up to the next `m=`.
#[derive(Clone, Debug, Default)]
pub struct Section<'a> {
    /// The value of `m=`; empty for the session itself.
    pub media: &'a [u8],
    /// All its other lines.
    pub lines: Vec<Line<'a>>,
    /// The words of `m=`.
    parts: Words<'a>,
    /// The codec of each format, once anybody asks.
    codecs: OnceCell<Vec<Option<String>>>,
}

/// What stands between white space.
type Words<'a> = SmallVec<[&'a [u8]; 8]>;

/// A session description (RFC 8866), nothing left out.
#[derive(Clone, Debug, Default)]
pub struct Description<'a> {
    /// What stands before the first `m=`.
    pub session: Section<'a>,
    /// The media, in order.
    pub media: Vec<Section<'a>>,
}

/// The most media sections that are looked at.
const MAX_SECTIONS: usize = 64;

impl<'a> Description<'a> {
    /// Reads a body.
    #[must_use]
    pub fn parse(body: &'a [u8]) -> Self {
        let mut description = Self::default();
        for line in body.split(|octet| *octet == b'\n') {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line.is_empty() {
                continue;
            }
            let line = match line {
                [kind, b'=', value @ ..] => Line { kind: *kind, value },
                other => Line {
                    kind: 0,
                    value: other,
                },
            };
            if line.kind == b'm' {
                if description.media.len() >= MAX_SECTIONS {
                    break;
                }
                description.media.push(Section {
                    media: line.value,
                    lines: Vec::with_capacity(8),
                    parts: words(line.value),
                    codecs: OnceCell::new(),
                });
            } else {
                let section = description.media.last_mut();
                let section = section.unwrap_or(&mut description.session);
                section.lines.push(line);
            }
        }
        description
    }

    /// The value of `o=`.
    #[must_use]
    pub fn origin(&self) -> Option<&'a [u8]> {
        self.session.line(b'o')
    }

    /// The words of `o=`: user, session, version, `IN`, type, address.
    #[must_use]
    pub fn origin_words(&self) -> Words<'a> {
        self.origin().map(words).unwrap_or_default()
    }

    /// An attribute of a medium, or else of the session.
    #[must_use]
    pub fn attribute(&self, media: &Section<'a>, name: &str) -> Option<&'a [u8]> {
        media
            .attribute(name)
            .or_else(|| self.session.attribute(name))
    }

    /// The value of `c=` that holds for a medium.
    #[must_use]
    pub fn connection(&self, media: &Section<'a>) -> Option<&'a [u8]> {
        media.line(b'c').or_else(|| self.session.line(b'c'))
    }

    /// The address of that.
    #[must_use]
    pub fn address(&self, media: &Section<'a>) -> Option<std::net::IpAddr> {
        let address = words(self.connection(media)?).get(2).copied()?;
        octets::text(address).split('/').next()?.parse().ok()
    }

    /// `sendrecv` and so on, of a medium.
    #[must_use]
    pub fn direction(&self, media: &Section<'a>) -> &'static str {
        for section in [media, &self.session] {
            for name in ["sendonly", "recvonly", "inactive", "sendrecv"] {
                if section.attribute(name).is_some() {
                    return name;
                }
            }
        }
        "sendrecv"
    }

    /// Everything but `o=`, to see whether something changed.
    #[must_use]
    pub fn without_origin(&self) -> Vec<Line<'a>> {
        let mut lines = self.session.lines.clone();
        for media in &self.media {
            lines.push(Line {
                kind: b'm',
                value: media.media,
            });
            lines.extend(&media.lines);
        }
        lines.retain(|line| line.kind != b'o');
        lines
    }
}

impl<'a> Section<'a> {
    /// The first line of a letter.
    #[must_use]
    pub fn line(&self, kind: u8) -> Option<&'a [u8]> {
        let line = self.lines.iter().find(|line| line.kind == kind);
        line.map(|line| line.value)
    }

    /// The values of an attribute; empty ones where it has none.
    pub fn attributes<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'a [u8]> + 's {
        let lines = self.lines.iter().filter(|line| line.kind == b'a');
        lines.filter_map(move |line| {
            let rest = line.value.strip_prefix(name.as_bytes())?;
            match rest.split_first() {
                None => Some(rest),
                Some((b':', value)) => Some(value),
                Some(_) => None,
            }
        })
    }

    /// The first of them.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&'a [u8]> {
        self.attributes(name).next()
    }

    /// `audio`, `video` and so on.
    #[must_use]
    pub fn kind(&self) -> &'a [u8] {
        self.parts.first().copied().unwrap_or_default()
    }

    /// The port; `None` where it is none.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        let port = self.parts.get(1).copied()?;
        let end = memchr::memchr(b'/', port).unwrap_or(port.len());
        std::str::from_utf8(port.get(..end)?).ok()?.parse().ok()
    }

    /// `RTP/AVP` and so on.
    #[must_use]
    pub fn protocol(&self) -> &'a [u8] {
        self.parts.get(2).copied().unwrap_or_default()
    }

    /// Whether it is RTP.
    #[must_use]
    pub fn is_rtp(&self) -> bool {
        memchr::memmem::find(self.protocol(), b"RTP/").is_some()
    }

    /// The payload types, or what stands in their place.
    #[must_use]
    pub fn formats(&self) -> &[&'a [u8]] {
        self.parts.get(3..).unwrap_or_default()
    }

    /// The value of `rtpmap` for a format, without the number.
    #[must_use]
    pub fn rtpmap(&self, format: &[u8]) -> Option<&'a [u8]> {
        self.of_format("rtpmap", format)
    }

    /// The value of `fmtp` for a format, without the number.
    #[must_use]
    pub fn fmtp(&self, format: &[u8]) -> Option<&'a [u8]> {
        self.of_format("fmtp", format)
    }

    fn of_format(&self, name: &str, format: &[u8]) -> Option<&'a [u8]> {
        self.attributes(name).find_map(|value| {
            let end = value.iter().position(u8::is_ascii_whitespace)?;
            (value.get(..end)? == format).then(|| octets::from(value, end).trim_ascii())
        })
    }

    /// Encoding and clock of a format, in capitals: `PCMU/8000`.
    #[must_use]
    pub fn codec(&self, format: &[u8]) -> Option<Cow<'_, str>> {
        let place = self.formats().iter().position(|own| *own == format);
        let Some(place) = place else {
            return self.read_codec(format).map(Cow::Owned);
        };
        let all = || {
            let formats = self.formats().iter();
            formats.map(|own| self.read_codec(own)).collect()
        };
        let codec = self.codecs.get_or_init(all).get(place)?;
        codec.as_deref().map(Cow::Borrowed)
    }

    fn read_codec(&self, format: &[u8]) -> Option<String> {
        if let Some(map) = self.rtpmap(format) {
            let mut text = octets::text(map);
            text.make_ascii_uppercase();
            // The third part, channels, is left out.
            let mut slashes = text.match_indices('/').map(|(at, _)| at);
            match (slashes.next(), slashes.next()) {
                (None, _) => text.push_str("/?"),
                (Some(_), Some(second)) => text.truncate(second),
                (Some(_), None) => {}
            }
            return Some(text);
        }
        let number = std::str::from_utf8(format).ok()?.parse().ok()?;
        let map = RtpMap::of_static(number)?;
        Some(format!("{}/{}", map.encoding, map.clock_rate))
    }
}

/// What stands between white space.
pub(super) fn words(value: &[u8]) -> Words<'_> {
    let words = value.split(u8::is_ascii_whitespace);
    words.filter(|word| !word.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_attributes_and_codecs() {
        let body = b"v=0\r\no=- 1 2 IN IP4 h\r\nc=IN IP4 192.0.2.1\r\na=sendonly\r\n\
            m=audio 4000 RTP/AVP 0 96\r\na=rtpmap:96 opus/48000/2\r\na=fmtp:96 x=1\r\n\
            m=video 0 RTP/AVP 97\r\nc=IN IP4 192.0.2.9/127\r\na=inactive\r\nodd\r\n";
        let read = Description::parse(body);
        let [audio, video] = read.media.as_slice() else {
            panic!("two media: {read:?}");
        };
        assert_eq!((audio.kind(), audio.port()), (&b"audio"[..], Some(4000)));
        assert_eq!(audio.codec(b"0").as_deref(), Some("PCMU/8000"));
        assert_eq!(audio.codec(b"96").as_deref(), Some("OPUS/48000"));
        assert_eq!(audio.codec(b"97"), None);
        assert_eq!(audio.fmtp(b"96"), Some(&b"x=1"[..]));
        assert_eq!(read.direction(audio), "sendonly");
        assert_eq!(read.direction(video), "inactive");
        assert_eq!(
            read.address(audio).map(|ip| ip.to_string()).as_deref(),
            Some("192.0.2.1")
        );
        assert_eq!(
            read.address(video).map(|ip| ip.to_string()).as_deref(),
            Some("192.0.2.9")
        );
        assert_eq!(read.origin_words().len(), 6);
        assert!(video.lines.iter().any(|line| line.kind == 0));
        assert!(Description::parse(b"").media.is_empty());
    }
}
