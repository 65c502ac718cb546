//! What rules found: what, where, and who must act.

use super::{Message, Rule, Severity};
use crate::packet::PacketRef;

/// A line of a message, and the part of it that is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// The line as it stands in the message, without its end.
    pub line: Vec<u8>,
    /// Where the part begins, in octets.
    pub at: usize,
    /// How long it is.
    pub length: usize,
}

/// The longest line that is quoted.
const MAX_QUOTE: usize = 240;

impl Quote {
    /// Of `part`, which is a part of `octets`.
    pub(super) fn of(octets: &[u8], part: &[u8]) -> Option<Self> {
        let at = part.as_ptr().addr().checked_sub(octets.as_ptr().addr())?;
        let before = octets.get(..at)?;
        let from = memchr::memrchr2(b'\r', b'\n', before).map_or(0, |end| end + 1);
        let line = octets.get(from..)?;
        let end = memchr::memchr2(b'\r', b'\n', line.get(at - from..)?);
        let end = end.map_or(line.len(), |end| at - from + end);
        let line = line.get(..end.min(MAX_QUOTE))?;
        let at = at - from;
        if holds_secrets(line) {
            // What was hashed or what the media are keyed by is nobody's
            // business; the name of the field and the part are enough.
            let name = memchr::memchr(b':', line).unwrap_or(0) + 1;
            let end = (at + part.len()).min(line.len());
            let shown = line.get(at..end).filter(|_| at >= name).unwrap_or_default();
            let head = [line.get(..name)?, b" ... "].concat();
            return Some(Self {
                at: head.len(),
                length: shown.len(),
                line: [&head, shown].concat(),
            });
        }
        Some(Self {
            line: line.to_vec(),
            at,
            length: part.len().min(line.len().checked_sub(at)?),
        })
    }
}

/// Whether a line carries what must not leave the capture.
fn holds_secrets(line: &[u8]) -> bool {
    let head = |name: &str| {
        line.get(..name.len())
            .is_some_and(|own| own.eq_ignore_ascii_case(name.as_bytes()))
    };
    let names = [
        "authorization:",
        "proxy-authorization:",
        "a=crypto:",
        "a=ice-pwd:",
    ];
    names.into_iter().any(head) || head("authentication-info:")
}

/// Something that was found.
#[derive(Clone, Debug)]
pub struct Finding {
    /// By which rule.
    pub rule: &'static Rule,
    /// How much it weighs under the profile.
    pub severity: Severity,
    /// What, of this very case.
    pub message: String,
    /// Who must act: `caller`, `callee`, `proxy`, or an address.
    pub party: Option<String>,
    /// Where it is seen.
    pub evidence: Vec<PacketRef>,
    /// The method of the message that shows it.
    pub method: Option<String>,
    /// The octets that show it.
    pub quote: Option<Quote>,
    /// What to do in this case, where more is known than the manual says.
    pub fix: Option<String>,
    /// More of the same in this object, for which there was no room.
    pub more: u64,
}

/// Findings of one object.
#[derive(Debug, Default)]
pub struct Findings {
    pub(super) found: Vec<Finding>,
    pub(super) rule: Option<(&'static Rule, Severity)>,
    is_added: bool,
}

/// Findings of one rule in one object.
const MAX_SAME: usize = 16;
/// Frames named as evidence of one finding.
const MAX_EVIDENCE: usize = 16;

impl Findings {
    /// Adds one; only so many of a rule are kept.
    pub(super) fn add(
        &mut self,
        message: impl Into<String>,
        evidence: impl IntoIterator<Item = PacketRef>,
    ) {
        self.is_added = false;
        let Some((rule, severity)) = self.rule else {
            return;
        };
        let same = self
            .found
            .iter()
            .filter(|known| known.rule.code == rule.code);
        if same.count() >= MAX_SAME {
            let mut known = self.found.iter_mut();
            if let Some(last) = known.rfind(|known| known.rule.code == rule.code) {
                last.more = last.more.saturating_add(1);
            }
            return;
        }
        self.found.push(Finding {
            rule,
            severity,
            message: message.into(),
            party: None,
            evidence: evidence.into_iter().take(MAX_EVIDENCE).collect(),
            method: None,
            quote: None,
            fix: None,
            more: 0,
        });
        self.is_added = true;
    }

    /// Adds what one message shows by `part` of it; its sender must act.
    pub(super) fn quote(&mut self, message: &Message<'_>, part: &[u8], text: impl Into<String>) {
        self.add(text, [message.at()]);
        self.by(message.flow().src.ip.to_string());
        if let Some(last) = self.last() {
            last.method = Some(message.method.as_str().to_owned());
            last.quote = Quote::of(message.sip.octets(), part);
        }
    }

    /// The same by the message's first line.
    pub(super) fn message(&mut self, message: &Message<'_>, text: impl Into<String>) {
        self.quote(message, message.first_line(), text);
    }

    /// The last one, unless there was no room for it.
    fn last(&mut self) -> Option<&mut Finding> {
        let is_added = self.is_added;
        self.found.last_mut().filter(|_| is_added)
    }

    /// Names one more frame of the last one.
    pub(super) fn also(&mut self, at: PacketRef) {
        if let Some(last) = self.last().filter(|own| own.evidence.len() < MAX_EVIDENCE) {
            last.evidence.push(at);
        }
    }

    /// Says what to do in this case.
    pub(super) fn fix(&mut self, text: impl Into<String>) {
        if let Some(last) = self.last() {
            last.fix = Some(text.into());
        }
    }

    /// Says of the last one who must act.
    pub(super) fn by(&mut self, party: impl Into<String>) {
        if let Some(last) = self.last() {
            last.party = Some(party.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::CapturePoint;
    use crate::rules::find;
    use crate::time::Timestamp;

    #[test]
    fn what_has_no_room_changes_nothing_that_has() {
        let rule = find("TXN014").expect("a rule");
        let at = PacketRef {
            number: 1,
            timestamp: Timestamp::default(),
            file: 0,
            capture_point: CapturePoint(0),
        };
        let mut found = Findings {
            rule: Some((rule, Severity::Error)),
            ..Findings::default()
        };
        for number in 0..=MAX_SAME {
            found.add(number.to_string(), [at]);
            found.by(number.to_string());
            for _ in 0..=MAX_EVIDENCE {
                found.also(at);
            }
        }
        let last = found.found.last().expect("one");
        assert_eq!(found.found.len(), MAX_SAME);
        assert_eq!(last.party.as_deref(), Some(last.message.as_str()));
        assert_eq!(last.evidence.len(), MAX_EVIDENCE);
        assert_eq!(last.more, 1);
    }
}
