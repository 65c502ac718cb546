//! What a call flow breaks, of which sentence of which RFC: one rule a file.
//!
//! Rules are pure: they look at what the engine closed and say what they found.
//! None fires on what the capture can't support; each has scenes that it must
//! flag and scenes that it must accept, which one test plays.

#![cfg_attr(
    not(test),
    deny(
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unwrap_used
    )
)]

mod caller;
mod catalogue;
mod context;
mod credentials;
mod description;
mod finding;
mod ice;
mod message;
mod nat_finding;
mod parties;
mod passport;
mod profile;

pub use caller::{Attempt, Caller, Callers};
pub use catalogue::CATALOGUE;
pub use context::{CallContext, CaptureFacts, MediaFact};
pub use credentials::Credential;
pub use finding::{Finding, Findings, Quote};
pub use ice::IceContext;
pub use message::Message;
pub use nat_finding::{NatFinding, NatFindings};
pub use profile::Profile;

use crate::engine::connection::Connection;
use crate::engine::dns_lookup::DnsLookup;
use crate::engine::registration::Registration;
use crate::engine::stun_exchange::StunExchange;
use crate::engine::turn::TurnAllocation;
use crate::nat::survey::Survey;
use crate::sip::Method;
use crate::sip::header::HeaderName;

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// A violation or a risk that often works all the same.
    Warning,
    /// It breaks the call or the service.
    Error,
}

impl Severity {
    /// The name used in records and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }

    /// The severity of a name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        [Self::Info, Self::Warning, Self::Error]
            .into_iter()
            .find(|severity| severity.name() == name)
    }
}

/// One thing that can be wrong.
#[derive(Debug)]
pub struct Rule {
    /// Stable, and never used again for something else.
    pub code: &'static str,
    /// The same in words.
    pub name: &'static str,
    /// How much it weighs.
    pub severity: Severity,
    /// The document that says so: `RFC 3261`; empty where none does.
    pub rfc: &'static str,
    /// The section of it.
    pub section: &'static str,
    /// What a user complains of, in the words of the records.
    pub symptom: Option<&'static str>,
    /// Rules whose findings in the same call follow from this one's.
    pub causes: &'static [&'static str],
    /// Whether liberal receivers put up with it.
    pub is_tolerated: bool,
    /// The source of its file; the manual stands at its head.
    source: &'static str,
    /// Scenes that it must flag.
    pub flags: &'static [&'static str],
    /// Scenes that it must accept.
    pub accepts: &'static [&'static str],
    /// Without any of these in a call it finds nothing there.
    needs: Needs,
    /// What it looks at.
    check: Check,
}

/// Methods and header fields of which a call must have one; nothing is needed
/// where none is named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Needs {
    methods: u64,
    fields: u64,
}

impl Needs {
    const NOTHING: Self = Self {
        methods: 0,
        fields: 0,
    };

    const fn methods(methods: &[Method]) -> Self {
        let (mut bits, mut rest) = (0, methods);
        while let [first, others @ ..] = rest {
            bits |= first.bit();
            rest = others;
        }
        Self {
            methods: bits,
            fields: 0,
        }
    }

    const fn fields(names: &[HeaderName]) -> Self {
        let (mut bits, mut rest) = (0, names);
        while let [first, others @ ..] = rest {
            bits |= first.bit();
            rest = others;
        }
        Self {
            methods: 0,
            fields: bits,
        }
    }

    const fn are_met(self, by: Self) -> bool {
        let is_nothing = self.methods == 0 && self.fields == 0;
        is_nothing || self.methods & by.methods != 0 || self.fields & by.fields != 0
    }
}

/// What a rule looks at.
#[derive(Clone, Copy, Debug)]
enum Check {
    /// All under one Call-ID.
    Call(fn(&CallContext<'_>, &mut Findings)),
    /// An address that calls in vain.
    Caller(fn(&Caller, &mut Findings)),
    /// A device at a registrar.
    Registration(fn(&Registration, CaptureFacts, &mut Findings)),
    /// A connection.
    Connection(fn(&Connection, &mut Findings)),
    /// A DNS look-up.
    Dns(fn(&DnsLookup, &mut Findings)),
    /// A STUN exchange.
    Stun(fn(&StunExchange, CaptureFacts, &mut Findings)),
    /// A TURN allocation.
    Turn(fn(&TurnAllocation, CaptureFacts, &mut Findings)),
    /// An ICE session.
    Ice(fn(&IceContext<'_>, &mut Findings)),
    /// The NATs of a capture.
    Nat(fn(&Survey<'_>, &mut NatFindings)),
}

impl Rule {
    /// What most rules have in common.
    const BASE: Self = Self {
        code: "",
        name: "",
        severity: Severity::Warning,
        rfc: "",
        section: "",
        symptom: None,
        causes: &[],
        is_tolerated: false,
        source: "",
        flags: &[],
        accepts: &[],
        needs: Needs::NOTHING,
        check: Check::Call(|_, _| {}),
    };

    /// The manual: its first line says what, the rest why and what to do.
    #[must_use]
    pub fn manual(&self) -> String {
        let lines: Vec<&str> = self.lines().collect();
        lines.join("\n").trim_end().to_owned()
    }

    fn lines(&self) -> impl Iterator<Item = &'static str> {
        let lines = self.source.lines();
        let lines = lines.map_while(|line| line.strip_prefix("//!"));
        lines.map(|line| line.strip_prefix(' ').unwrap_or(line))
    }

    /// What it is about, in one sentence.
    #[must_use]
    pub fn title(&self) -> String {
        let manual = self.manual();
        let paragraph = manual.split("\n\n").next().unwrap_or_default();
        paragraph.replace('\n', " ")
    }

    /// What to do about it, as the manual says.
    #[must_use]
    pub fn fix(&self) -> String {
        let mut lines = self.lines();
        let first = lines.find_map(|line| line.strip_prefix("Fix: "));
        let mut fix = first.unwrap_or_default().to_owned();
        for line in lines.take_while(|line| !line.is_empty()) {
            fix.push(' ');
            fix.push_str(line);
        }
        fix
    }
}

/// The rule of a code or name, in any case.
#[must_use]
pub fn find(code: &str) -> Option<&'static Rule> {
    CATALOGUE
        .into_iter()
        .find(|rule| rule.code.eq_ignore_ascii_case(code) || rule.name == code)
}

fn judge(profile: Profile, mut each: impl FnMut(&Rule, &mut Findings)) -> Vec<Finding> {
    let mut findings = Findings::default();
    for &(rule, severity) in profile.rules() {
        findings.rule = Some((rule, severity));
        each(rule, &mut findings);
    }
    findings.found
}

/// What is wrong with a call.
#[must_use]
pub fn judge_call(context: &CallContext<'_>, profile: Profile) -> Vec<Finding> {
    let mut findings = Findings::default();
    for own in profile.call_rules() {
        if own.needs.are_met(context.has) {
            findings.rule = Some(own.rule);
            (own.check)(context, &mut findings);
        }
    }
    findings.found
}

/// What is wrong with an address that calls in vain.
#[must_use]
pub fn judge_caller(caller: &Caller, profile: Profile) -> Vec<Finding> {
    judge(profile, |rule, findings| {
        if let Check::Caller(check) = rule.check {
            check(caller, findings);
        }
    })
}

/// What is wrong with a registration.
#[must_use]
pub fn judge_registration(
    registration: &Registration,
    capture: CaptureFacts,
    profile: Profile,
) -> Vec<Finding> {
    judge(profile, |rule, findings| {
        if let Check::Registration(check) = rule.check {
            check(registration, capture, findings);
        }
    })
}

/// What is wrong with a connection.
#[must_use]
pub fn judge_connection(connection: &Connection, profile: Profile) -> Vec<Finding> {
    judge(profile, |rule, findings| {
        if let Check::Connection(check) = rule.check {
            check(connection, findings);
        }
    })
}

/// What is wrong with a DNS look-up.
#[must_use]
pub fn judge_lookup(lookup: &DnsLookup, profile: Profile) -> Vec<Finding> {
    judge(profile, |rule, findings| {
        if let Check::Dns(check) = rule.check {
            check(lookup, findings);
        }
    })
}

/// What is wrong with a STUN exchange.
#[must_use]
pub fn judge_stun(
    exchange: &StunExchange,
    capture: CaptureFacts,
    profile: Profile,
) -> Vec<Finding> {
    judge(profile, |rule, findings| {
        if let Check::Stun(check) = rule.check {
            check(exchange, capture, findings);
        }
    })
}

/// What is wrong with a TURN allocation.
#[must_use]
pub fn judge_turn(
    allocation: &TurnAllocation,
    capture: CaptureFacts,
    profile: Profile,
) -> Vec<Finding> {
    judge(profile, |rule, findings| {
        if let Check::Turn(check) = rule.check {
            check(allocation, capture, findings);
        }
    })
}

/// What is wrong with an ICE session.
#[must_use]
pub fn judge_ice(context: &IceContext<'_>, profile: Profile) -> Vec<Finding> {
    judge(profile, |rule, findings| {
        if let Check::Ice(check) = rule.check {
            check(context, findings);
        }
    })
}

/// What is to be said of the NATs of a capture.
#[must_use]
pub fn judge_nats(survey: &Survey<'_>, profile: Profile) -> Vec<NatFinding> {
    let mut findings = NatFindings::default();
    for rule in CATALOGUE {
        findings.rule = profile.severity(rule).map(|severity| (rule, severity));
        if let Check::Nat(check) = rule.check {
            check(survey, &mut findings);
        }
    }
    findings.found
}

/// For each finding the one that it follows from, by place; among those that
/// explain it the one that itself is explained by none, the first.
#[must_use]
pub fn caused_by(findings: &[Finding]) -> Vec<Option<usize>> {
    let causes_of = |finding: &Finding| -> Vec<usize> {
        let causes = findings.iter().enumerate();
        causes
            .filter(|(_, cause)| cause.rule.causes.contains(&finding.rule.code))
            .map(|(place, _)| place)
            .collect()
    };
    findings
        .iter()
        .map(|finding| {
            let causes = causes_of(finding);
            let first = causes.iter().find(|&&cause| {
                findings
                    .get(cause)
                    .is_some_and(|own| causes_of(own).is_empty())
            });
            first.or_else(|| causes.first()).copied()
        })
        .collect()
}

/// The one finding that explains a call that went wrong, by place: one that
/// follows from none, that a user notices, weighs the most, and explains the
/// most. In a call that went well only what a user notices counts.
#[must_use]
pub fn root_of(
    findings: &[Finding],
    caused_by: &[Option<usize>],
    went_wrong: bool,
) -> Option<usize> {
    let explained = |place: usize| {
        let causes = caused_by.iter().enumerate();
        causes
            .filter(move |(_, cause)| **cause == Some(place))
            .filter_map(|(consequence, _)| findings.get(consequence))
    };
    let is_noticed = |place: usize, finding: &Finding| {
        finding.rule.symptom.is_some() || explained(place).any(|own| own.rule.symptom.is_some())
    };
    let roots = findings.iter().enumerate().filter(|(place, finding)| {
        let is_error = finding.severity == Severity::Error && went_wrong;
        caused_by.get(*place) == Some(&None) && (is_error || is_noticed(*place, finding))
    });
    roots
        .max_by_key(|(place, finding)| {
            (
                is_noticed(*place, finding),
                explained(*place).count(),
                finding.severity,
                std::cmp::Reverse(*place),
            )
        })
        .map(|(place, _)| place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_is_in_order_and_says_what_it_means() {
        for pair in CATALOGUE.windows(2) {
            assert!(pair[0].code < pair[1].code, "{}", pair[1].code);
        }
        for rule in CATALOGUE {
            assert_eq!(
                find(&rule.code.to_lowercase()).map(|rule| rule.code),
                Some(rule.code)
            );
            assert_eq!(find(rule.name).map(|rule| rule.code), Some(rule.code));
            assert!(
                rule.title().len() > 10 && rule.title().ends_with('.'),
                "{}",
                rule.code
            );
            assert!(rule.fix().len() > 20, "{}: {}", rule.code, rule.manual());
            assert!(
                !rule.flags.is_empty() && !rule.accepts.is_empty(),
                "{}",
                rule.code
            );
            assert_eq!(
                rule.rfc.is_empty(),
                rule.section.is_empty(),
                "{}",
                rule.code
            );
            for consequence in rule.causes {
                assert!(find(consequence).is_some(), "{}: {consequence}", rule.code);
            }
        }
    }

    #[test]
    fn a_quote_is_the_line_and_the_part() {
        let octets = b"BYE sip:a@b SIP/2.0\r\nCSeq: 1 ACK\r\n\r\nx";
        let check = |from: usize, length: usize, line: &[u8], at: usize| {
            let quote = Quote::of(octets, &octets[from..from + length]).expect("inside");
            assert_eq!((quote.line.as_slice(), quote.at), (line, at));
            assert_eq!(quote.length, length);
        };
        check(0, 3, b"BYE sip:a@b SIP/2.0", 0);
        check(29, 3, b"CSeq: 1 ACK", 8);
        check(36, 1, b"x", 0);
        assert_eq!(Quote::of(&octets[21..], &octets[..3]), None);
        let secret = b"Authorization: Digest uri=\"sip:x\", response=\"77\"\r\n";
        let quote = Quote::of(secret, &secret[27..32]).expect("inside");
        assert_eq!(quote.line, b"Authorization: ... sip:x");
        assert_eq!((quote.at, quote.length), (19, 5));
    }

    #[test]
    fn consequences_follow_from_the_first_cause() {
        let finding = |code: &str| Finding {
            rule: find(code).expect("a rule"),
            severity: find(code).expect("a rule").severity,
            message: String::new(),
            party: None,
            evidence: Vec::new(),
            method: None,
            quote: None,
            fix: None,
            more: 0,
        };
        let findings = ["DLG037", "DLG040", "TXN014"].map(finding);
        let causes = caused_by(&findings);
        assert_eq!(causes, [Some(1), None, Some(1)]);
        assert_eq!(root_of(&findings, &causes, false), Some(1));
        assert_eq!(root_of(&[], &[], true), None);
        let warnings = ["SYN004"].map(finding);
        assert_eq!(root_of(&warnings, &caused_by(&warnings), true), None);
        // What nobody notices explains nothing, unless the call failed.
        let odd = ["SYN012", "TXN031"].map(finding);
        assert_eq!(root_of(&odd, &caused_by(&odd), false), Some(1));
        assert_eq!(root_of(&odd[..1], &[None], false), None);
        assert_eq!(root_of(&odd[..1], &[None], true), Some(0));
    }
}
