//! A flow of messages, as a line of words: `INVITE 100? 18x* 200 ACK BYE 200`.

use serde::Deserialize;

use super::Fault;
use crate::report::MessageRecord;

/// The messages of a call in order.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Vec<String>")]
pub struct Flow {
    patterns: Vec<Pattern>,
}

/// One word of it.
#[derive(Debug)]
struct Pattern {
    text: String,
    what: What,
    least: usize,
    most: usize,
}

#[derive(Debug)]
enum What {
    /// `...`: whatever comes until the next one fits.
    Anything,
    /// `INVITE`.
    Request(String),
    /// `18x`, or `200 BYE` with its method.
    Response(Vec<Option<u8>>, Option<String>),
}

/// A message from end to end, once.
#[derive(Debug)]
pub(super) struct Step<'r> {
    message: &'r MessageRecord,
}

impl<'r> Step<'r> {
    /// The message, if it is not one of those before that was sent again or
    /// passed another hop.
    pub(super) fn of(message: &'r MessageRecord, before: &[Self]) -> Option<Self> {
        let key = |own: &MessageRecord| {
            (
                own.method.clone(),
                own.status,
                own.cseq,
                own.from_tag.clone(),
                own.to_tag.clone(),
            )
        };
        let copy = message.retransmission || message.duplicate;
        // 100 is said hop by hop.
        let hop = |own: &Self| message.status == Some(100) && own.message.status == Some(100);
        let known = |own: &Self| key(own.message) == key(message) || hop(own);
        (!copy && !before.iter().any(known)).then_some(Self { message })
    }

    fn method(&self) -> &str {
        self.message.method.as_deref().unwrap_or_default()
    }

    fn name(&self) -> String {
        match self.message.status {
            Some(status) => format!("{status} to {}", self.method()),
            None => self.method().to_owned(),
        }
    }

    fn frame(&self) -> (String, u32) {
        (self.message.file.clone(), self.message.frame)
    }
}

impl TryFrom<Vec<String>> for Flow {
    type Error = String;

    fn try_from(words: Vec<String>) -> Result<Self, String> {
        let patterns: Result<Vec<Pattern>, String> =
            words.iter().map(|word| Pattern::parse(word)).collect();
        Ok(Self {
            patterns: patterns?,
        })
    }
}

impl Pattern {
    fn parse(word: &str) -> Result<Self, String> {
        let text = word.trim().to_owned();
        if text == "..." {
            return Ok(Self {
                text,
                what: What::Anything,
                least: 0,
                most: usize::MAX,
            });
        }
        let (body, least, most) = match text.chars().last() {
            Some('?') => (text.trim_end_matches('?'), 0, 1),
            Some('*') => (text.trim_end_matches('*'), 0, usize::MAX),
            Some('+') => (text.trim_end_matches('+'), 1, usize::MAX),
            _ => (text.as_str(), 1, 1),
        };
        let mut words = body.split_ascii_whitespace();
        let head = words.next().unwrap_or_default();
        let method = words.next().map(str::to_owned);
        let is_status = head.len() == 3 && head.starts_with(|letter: char| letter.is_ascii_digit());
        let what = if is_status {
            let digits: Option<Vec<Option<u8>>> = head
                .bytes()
                .map(|octet| match octet {
                    b'0'..=b'9' => Some(Some(octet)),
                    b'x' | b'X' => Some(None),
                    _ => None,
                })
                .collect();
            What::Response(
                digits.ok_or_else(|| format!("flow: {word:?} is no status such as 200 or 18x"))?,
                method,
            )
        } else {
            let is_method =
                !head.is_empty() && head.bytes().all(|octet| octet.is_ascii_uppercase());
            if !is_method || method.is_some() {
                return Err(format!(
                    "flow: {word:?} is neither a method such as INVITE nor a status such as 18x; \
                     ?, * and + may follow, ... stands for anything"
                ));
            }
            What::Request(head.to_owned())
        };
        Ok(Self {
            what,
            least,
            most,
            text,
        })
    }

    fn fits(&self, step: &Step<'_>) -> bool {
        match (&self.what, step.message.status) {
            (What::Anything, _) => true,
            (What::Request(method), None) => step.method() == method,
            (What::Response(digits, method), Some(status)) => {
                let text = status.to_string();
                let same = digits
                    .iter()
                    .zip(text.bytes())
                    .all(|(wanted, octet)| wanted.is_none_or(|wanted| wanted == octet));
                let of_method = method.as_deref().is_none_or(|own| own == step.method());
                text.len() == digits.len() && same && of_method
            }
            _ => false,
        }
    }
}

impl Flow {
    /// Where the messages go another way.
    pub(super) fn fault(&self, steps: &[Step<'_>]) -> Option<Fault> {
        let steps: Vec<&Step<'_>> = self.without_challenges(steps);
        let mut at = 0;
        for (place, pattern) in self.patterns.iter().enumerate() {
            if matches!(pattern.what, What::Anything) {
                let next = self.patterns.get(place + 1);
                while steps
                    .get(at)
                    .is_some_and(|step| next.is_none_or(|next| !next.fits(step)))
                {
                    at += 1;
                }
                continue;
            }
            let mut count = 0;
            while count < pattern.most && steps.get(at).is_some_and(|step| pattern.fits(step)) {
                at += 1;
                count += 1;
            }
            if count < pattern.least {
                let step = place + 1;
                return Some(match steps.get(at) {
                    Some(own) => (
                        format!("step {step}, {}: {} came instead", pattern.text, own.name()),
                        Some(own.frame()),
                    ),
                    None => {
                        let last = steps.last();
                        let after =
                            last.map_or_else(String::new, |own| format!(" after {}", own.name()));
                        (
                            format!("step {step}, {}: nothing came{after}", pattern.text),
                            last.map(|own| own.frame()),
                        )
                    }
                });
            }
        }
        let own = steps.get(at)?;
        Some((
            format!("{} came after the last step", own.name()),
            Some(own.frame()),
        ))
    }

    /// A challenge and the request it refuses are passed over, unless the flow
    /// speaks of challenges.
    fn without_challenges<'s, 'r>(&self, steps: &'s [Step<'r>]) -> Vec<&'s Step<'r>> {
        let speaks = self.patterns.iter().any(|pattern| {
            let text = pattern.text.as_str();
            text.starts_with("401") || text.starts_with("407") || text.starts_with("4xx")
        });
        let refused: Vec<(&str, Option<u32>)> = steps
            .iter()
            .filter(|step| !speaks && matches!(step.message.status, Some(401 | 407)))
            .map(|step| (step.method(), step.message.cseq))
            .collect();
        let is_refused = |step: &&Step<'_>| {
            let method = match step.method() {
                "ACK" => "INVITE",
                other => other,
            };
            refused.contains(&(method, step.message.cseq))
        };
        steps.iter().filter(|step| !is_refused(step)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(word: &str) -> MessageRecord {
        let (head, method) = word.split_once(' ').unwrap_or((word, "INVITE"));
        let status: Option<u16> = head.parse().ok();
        MessageRecord {
            id: String::new(),
            frame: 7,
            file: "f".to_owned(),
            capture_point: String::new(),
            timestamp: String::new(),
            src_ip: String::new(),
            src_port: 0,
            dst_ip: String::new(),
            dst_port: 0,
            transport: String::new(),
            length: 0,
            fragments: 1,
            kind: String::new(),
            method: Some(if status.is_some() { method } else { head }.to_owned()),
            status,
            reason_phrase: None,
            call_id: None,
            cseq: Some(if head == "BYE" || method == "BYE" {
                2
            } else {
                1
            }),
            from_tag: None,
            to_tag: None,
            branch: None,
            user_agent: None,
            tunnel: None,
            sdp: None,
            headers: std::collections::BTreeMap::new(),
            retransmission: false,
            duplicate: false,
        }
    }

    fn check(flow: &str, messages: &[&str], expected: Option<&str>) {
        let words: Vec<String> = flow.split(", ").map(str::to_owned).collect();
        let flow = Flow::try_from(words).expect("a flow");
        let messages: Vec<MessageRecord> = messages.iter().map(|word| message(word)).collect();
        let mut steps = Vec::new();
        for own in &messages {
            steps.extend(Step::of(own, &steps));
        }
        let fault = flow.fault(&steps).map(|(text, _)| text);
        assert_eq!(fault.as_deref(), expected, "{messages:?}");
    }

    #[test]
    fn flows_are_met_or_say_where_not() {
        const CALL: &str = "INVITE, 100?, 18x*, 200, ACK, BYE, 200 BYE";
        let whole = [
            "INVITE", "100", "180", "183", "200", "ACK", "BYE", "200 BYE",
        ];
        check(CALL, &whole, None);
        check(CALL, &["INVITE", "200", "ACK", "BYE", "200 BYE"], None);
        check(
            CALL,
            &["INVITE", "180", "486", "ACK"],
            Some("step 4, 200: 486 to INVITE came instead"),
        );
        check(
            CALL,
            &["INVITE", "200", "ACK", "BYE"],
            Some("step 7, 200 BYE: nothing came after BYE"),
        );
        check(
            "INVITE, 200",
            &["INVITE", "200", "ACK"],
            Some("ACK came after the last step"),
        );
        check("INVITE, ...", &["INVITE", "200", "ACK"], None);
        check("INVITE, ..., BYE, 2xx", &whole, None);
        check(
            "INVITE, 18x+, 200",
            &["INVITE", "200"],
            Some("step 2, 18x+: 200 to INVITE came instead"),
        );
        check("...", &[], None);
    }

    #[test]
    fn words_that_are_none_are_refused() {
        for word in ["invite", "2000", "20y", "INVITE 200", ""] {
            assert!(Pattern::parse(word).is_err(), "{word:?}");
        }
    }
}
