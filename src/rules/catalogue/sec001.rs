//! A program that looks for weak servers was here.
//!
//! It names itself by a word that only such tools use. It guesses users first and passwords
//! then.
//!
//! Fix: filter its address; make sure that no account has a weak password.

use crate::octets;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::header::HeaderName;

pub(super) const RULE: Rule = Rule {
    code: "SEC001",
    name: "scanner",
    severity: Severity::Warning,
    source: include_str!("sec001.rs"),
    flags: &["0 A>B OPTIONS header=User-Agent:_friendly-scanner"],
    accepts: &["0 A>B OPTIONS header=User-Agent:_Friendly_Phone"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    const NAMES: [&str; 9] = [
        "friendly-scanner",
        "sipvicious",
        "sundayddr",
        "sip-scan",
        "sipscan",
        "iwar",
        "pplsip",
        "vaxsipuseragent",
        "sipcli",
    ];
    let mut last = (&b""[..], &b""[..]);
    for message in context.originals().filter(|own| own.is_request()) {
        let agent = message.value(HeaderName::UserAgent).unwrap_or_default();
        let from = message.value(HeaderName::From).unwrap_or_default();
        // Most say the same of themselves each time.
        if (agent, from) == last {
            continue;
        }
        last = (agent, from);
        let is_named = |name: &&str| {
            let head = agent.get(..name.len());
            head.is_some_and(|head| head.eq_ignore_ascii_case(name.as_bytes()))
        };
        let is_sipvicious = memchr::memchr(b'"', from).is_some_and(|at| {
            let quoted = octets::from(from, at).to_ascii_lowercase();
            memchr::memmem::find(&quoted, b"\"sipvicious\"").is_some()
        });
        if NAMES.iter().any(is_named) || is_sipvicious {
            found.quote(
                message,
                agent,
                format!(
                    "{} calls itself {}",
                    message.flow().src,
                    octets::text(agent)
                ),
            );
            return;
        }
    }
}
