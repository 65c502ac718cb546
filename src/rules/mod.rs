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

mod context;
mod credentials;
mod description;
mod profile;

mod aut001;
mod aut002;
mod aut003;
mod aut004;
mod aut005;
mod aut006;
mod aut008;
mod aut009;
mod aut010;
mod aut011;
mod aut012;
mod aut014;
mod aut015;
mod aut017;
mod aut018;
mod aut019;
mod aut023;
mod aut025;
mod cap001;
mod cap004;
mod cap008;
mod dlg001;
mod dlg002;
mod dlg003;
mod dlg004;
mod dlg007;
mod dlg009;
mod dlg010;
mod dlg011;
mod dlg012;
mod dlg013;
mod dlg014;
mod dlg015;
mod dlg016;
mod dlg017;
mod dlg018;
mod dlg019;
mod dlg021;
mod dlg022;
mod dlg023;
mod dlg024;
mod dlg027;
mod dlg029;
mod dlg030;
mod dlg031;
mod dlg032;
mod dlg033;
mod dlg034;
mod dlg037;
mod dlg040;
mod dlg042;
mod dlg043;
mod dlg045;
mod dlg046;
mod ice004;
mod ice005;
mod idn002;
mod idn004;
mod idn006;
mod med001;
mod med003;
mod med005;
mod med006;
mod med007;
mod med010;
mod med014;
mod med015;
mod med018;
mod med019;
mod med021;
mod med025;
mod med045;
mod med062;
mod msg001;
mod msg002;
mod msg003;
mod prk001;
mod prk002;
mod prk003;
mod prk004;
mod prk005;
mod prk006;
mod prk007;
mod prk008;
mod prk009;
mod prk010;
mod prk011;
mod reg001;
mod reg002;
mod reg003;
mod reg004;
mod reg005;
mod reg006;
mod reg007;
mod reg008;
mod reg009;
mod reg010;
mod reg011;
mod reg012;
mod reg013;
mod reg015;
mod reg016;
mod reg017;
mod reg022;
mod reg023;
mod reg024;
mod reg025;
mod sdp001;
mod sdp002;
mod sdp003;
mod sdp004;
mod sdp005;
mod sdp006;
mod sdp007;
mod sdp008;
mod sdp009;
mod sdp010;
mod sdp011;
mod sdp012;
mod sdp013;
mod sdp014;
mod sdp015;
mod sdp016;
mod sdp017;
mod sdp018;
mod sdp019;
mod sdp021;
mod sdp023;
mod sdp024;
mod sdp025;
mod sdp026;
mod sdp027;
mod sdp028;
mod sdp030;
mod sdp031;
mod sdp032;
mod sdp033;
mod sdp034;
mod sdp035;
mod sdp036;
mod sdp038;
mod sdp039;
mod sdp040;
mod sdp042;
mod sdp043;
mod sdp045;
mod sdp046;
mod sdp049;
mod sdp050;
mod sdp051;
mod sdp054;
mod sdp055;
mod sec001;
mod sti001;
mod sti003;
mod sti011;
mod sti012;
mod stn003;
mod stn004;
mod stn005;
mod stn009;
mod stn011;
mod stn012;
mod sub001;
mod sub002;
mod sub003;
mod sub004;
mod sub007;
mod sub008;
mod sub009;
mod sub012;
mod syn001;
mod syn002;
mod syn003;
mod syn004;
mod syn005;
mod syn006;
mod syn007;
mod syn008;
mod syn009;
mod syn010;
mod syn011;
mod syn012;
mod syn013;
mod syn014;
mod syn015;
mod syn016;
mod syn017;
mod syn018;
mod syn019;
mod syn020;
mod syn021;
mod syn022;
mod syn023;
mod syn024;
mod syn025;
mod syn026;
mod syn027;
mod syn028;
mod syn029;
mod syn030;
mod syn031;
mod syn032;
mod syn033;
mod syn034;
mod syn035;
mod syn036;
mod syn037;
mod syn039;
mod syn041;
mod syn042;
mod syn044;
mod tmr001;
mod tmr002;
mod tmr003;
mod tmr004;
mod tmr006;
mod tmr007;
mod trn001;
mod trn002;
mod trn004;
mod trn008;
mod trn009;
mod trn010;
mod trn011;
mod trn012;
mod trn021;
mod trn025;
mod trn026;
mod tur001;
mod tur002;
mod tur008;
mod txn001;
mod txn002;
mod txn003;
mod txn005;
mod txn006;
mod txn008;
mod txn009;
mod txn010;
mod txn011;
mod txn012;
mod txn013;
mod txn014;
mod txn015;
mod txn016;
mod txn017;
mod txn018;
mod txn019;
mod txn020;
mod txn022;
mod txn023;
mod txn024;
mod txn025;
mod txn027;
mod txn028;
mod txn029;
mod txn030;
mod txn031;
mod txn032;
mod txn033;
mod txn034;
mod txn035;
mod txn036;
mod txn037;
mod txn038;
mod txn040;
mod txn041;
mod txn043;
mod txn045;
mod upd001;
mod upd003;
mod upd004;

pub use context::{CallContext, CaptureFacts, MediaFact, Message};
pub use credentials::Credential;
pub use profile::Profile;

use crate::engine::connection::Connection;
use crate::engine::dns_lookup::DnsLookup;
use crate::engine::registration::Registration;
use crate::engine::stun_exchange::StunExchange;
use crate::packet::PacketRef;

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
    /// What it looks at.
    check: Check,
}

/// What a rule looks at.
#[derive(Clone, Copy, Debug)]
enum Check {
    /// All under one Call-ID.
    Call(fn(&CallContext<'_>, &mut Findings)),
    /// A device at a registrar.
    Registration(fn(&Registration, CaptureFacts, &mut Findings)),
    /// A connection.
    Connection(fn(&Connection, &mut Findings)),
    /// A DNS look-up.
    Dns(fn(&DnsLookup, &mut Findings)),
    /// A STUN exchange.
    Stun(fn(&StunExchange, CaptureFacts, &mut Findings)),
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
        check: Check::Call(|_, _| {}),
    };

    /// The manual: its first line says what, the rest why and what to do.
    #[must_use]
    pub fn manual(&self) -> String {
        let lines = self
            .source
            .lines()
            .map_while(|line| line.strip_prefix("//!"));
        let lines: Vec<&str> = lines
            .map(|line| line.strip_prefix(' ').unwrap_or(line))
            .collect();
        lines.join("\n").trim_end().to_owned()
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
        let manual = self.manual();
        let paragraph = manual
            .split("\n\n")
            .find_map(|paragraph| paragraph.strip_prefix("Fix: "));
        paragraph.unwrap_or_default().replace('\n', " ")
    }
}

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
    fn of(octets: &[u8], part: &[u8]) -> Option<Self> {
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
}

/// Findings of one object.
#[derive(Debug, Default)]
pub struct Findings {
    found: Vec<Finding>,
    rule: Option<(&'static Rule, Severity)>,
    is_added: bool,
}

/// Findings of one rule in one object.
const MAX_SAME: usize = 16;
/// Frames named as evidence of one finding.
const MAX_EVIDENCE: usize = 16;

impl Findings {
    /// Adds one; only so many of a rule are kept.
    fn add(&mut self, message: impl Into<String>, evidence: impl IntoIterator<Item = PacketRef>) {
        let Some((rule, severity)) = self.rule else {
            return;
        };
        let same = self
            .found
            .iter()
            .filter(|known| known.rule.code == rule.code);
        if same.count() >= MAX_SAME {
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
        });
        self.is_added = true;
    }

    /// Adds what one message shows by `part` of it; its sender must act.
    fn quote(&mut self, message: &Message<'_>, part: &[u8], text: impl Into<String>) {
        self.is_added = false;
        self.add(text, [message.at()]);
        self.by(message.flow().src.ip.to_string());
        if let Some(last) = self.found.last_mut().filter(|_| self.is_added) {
            last.method = Some(message.method.as_str().to_owned());
            last.quote = Quote::of(message.sip.octets(), part);
        }
    }

    /// The same by the message's first line.
    fn message(&mut self, message: &Message<'_>, text: impl Into<String>) {
        self.quote(message, message.first_line(), text);
    }

    /// Names one more frame of the last one.
    fn also(&mut self, at: PacketRef) {
        if let Some(last) = self.found.last_mut() {
            last.evidence.push(at);
        }
    }

    /// Says what to do in this case.
    fn fix(&mut self, text: impl Into<String>) {
        if let Some(last) = self.found.last_mut() {
            last.fix = Some(text.into());
        }
    }

    /// Says of the last one who must act.
    fn by(&mut self, party: impl Into<String>) {
        if let Some(last) = self.found.last_mut() {
            last.party = Some(party.into());
        }
    }
}

/// Every rule, in the order of the codes.
pub static CATALOGUE: [&Rule; 273] = [
    &aut001::RULE,
    &aut002::RULE,
    &aut003::RULE,
    &aut004::RULE,
    &aut005::RULE,
    &aut006::RULE,
    &aut008::RULE,
    &aut009::RULE,
    &aut010::RULE,
    &aut011::RULE,
    &aut012::RULE,
    &aut014::RULE,
    &aut015::RULE,
    &aut017::RULE,
    &aut018::RULE,
    &aut019::RULE,
    &aut023::RULE,
    &aut025::RULE,
    &cap001::RULE,
    &cap004::RULE,
    &cap008::RULE,
    &dlg001::RULE,
    &dlg002::RULE,
    &dlg003::RULE,
    &dlg004::RULE,
    &dlg007::RULE,
    &dlg009::RULE,
    &dlg010::RULE,
    &dlg011::RULE,
    &dlg012::RULE,
    &dlg013::RULE,
    &dlg014::RULE,
    &dlg015::RULE,
    &dlg016::RULE,
    &dlg017::RULE,
    &dlg018::RULE,
    &dlg019::RULE,
    &dlg021::RULE,
    &dlg022::RULE,
    &dlg023::RULE,
    &dlg024::RULE,
    &dlg027::RULE,
    &dlg029::RULE,
    &dlg030::RULE,
    &dlg031::RULE,
    &dlg032::RULE,
    &dlg033::RULE,
    &dlg034::RULE,
    &dlg037::RULE,
    &dlg040::RULE,
    &dlg042::RULE,
    &dlg043::RULE,
    &dlg045::RULE,
    &dlg046::RULE,
    &ice004::RULE,
    &ice005::RULE,
    &idn002::RULE,
    &idn004::RULE,
    &idn006::RULE,
    &med001::RULE,
    &med003::RULE,
    &med005::RULE,
    &med006::RULE,
    &med007::RULE,
    &med010::RULE,
    &med014::RULE,
    &med015::RULE,
    &med018::RULE,
    &med019::RULE,
    &med021::RULE,
    &med025::RULE,
    &med045::RULE,
    &med062::RULE,
    &msg001::RULE,
    &msg002::RULE,
    &msg003::RULE,
    &prk001::RULE,
    &prk002::RULE,
    &prk003::RULE,
    &prk004::RULE,
    &prk005::RULE,
    &prk006::RULE,
    &prk007::RULE,
    &prk008::RULE,
    &prk009::RULE,
    &prk010::RULE,
    &prk011::RULE,
    &reg001::RULE,
    &reg002::RULE,
    &reg003::RULE,
    &reg004::RULE,
    &reg005::RULE,
    &reg006::RULE,
    &reg007::RULE,
    &reg008::RULE,
    &reg009::RULE,
    &reg010::RULE,
    &reg011::RULE,
    &reg012::RULE,
    &reg013::RULE,
    &reg015::RULE,
    &reg016::RULE,
    &reg017::RULE,
    &reg022::RULE,
    &reg023::RULE,
    &reg024::RULE,
    &reg025::RULE,
    &sdp001::RULE,
    &sdp002::RULE,
    &sdp003::RULE,
    &sdp004::RULE,
    &sdp005::RULE,
    &sdp006::RULE,
    &sdp007::RULE,
    &sdp008::RULE,
    &sdp009::RULE,
    &sdp010::RULE,
    &sdp011::RULE,
    &sdp012::RULE,
    &sdp013::RULE,
    &sdp014::RULE,
    &sdp015::RULE,
    &sdp016::RULE,
    &sdp017::RULE,
    &sdp018::RULE,
    &sdp019::RULE,
    &sdp021::RULE,
    &sdp023::RULE,
    &sdp024::RULE,
    &sdp025::RULE,
    &sdp026::RULE,
    &sdp027::RULE,
    &sdp028::RULE,
    &sdp030::RULE,
    &sdp031::RULE,
    &sdp032::RULE,
    &sdp033::RULE,
    &sdp034::RULE,
    &sdp035::RULE,
    &sdp036::RULE,
    &sdp038::RULE,
    &sdp039::RULE,
    &sdp040::RULE,
    &sdp042::RULE,
    &sdp043::RULE,
    &sdp045::RULE,
    &sdp046::RULE,
    &sdp049::RULE,
    &sdp050::RULE,
    &sdp051::RULE,
    &sdp054::RULE,
    &sdp055::RULE,
    &sec001::RULE,
    &sti001::RULE,
    &sti003::RULE,
    &sti011::RULE,
    &sti012::RULE,
    &stn003::RULE,
    &stn004::RULE,
    &stn005::RULE,
    &stn009::RULE,
    &stn011::RULE,
    &stn012::RULE,
    &sub001::RULE,
    &sub002::RULE,
    &sub003::RULE,
    &sub004::RULE,
    &sub007::RULE,
    &sub008::RULE,
    &sub009::RULE,
    &sub012::RULE,
    &syn001::RULE,
    &syn002::RULE,
    &syn003::RULE,
    &syn004::RULE,
    &syn005::RULE,
    &syn006::RULE,
    &syn007::RULE,
    &syn008::RULE,
    &syn009::RULE,
    &syn010::RULE,
    &syn011::RULE,
    &syn012::RULE,
    &syn013::RULE,
    &syn014::RULE,
    &syn015::RULE,
    &syn016::RULE,
    &syn017::RULE,
    &syn018::RULE,
    &syn019::RULE,
    &syn020::RULE,
    &syn021::RULE,
    &syn022::RULE,
    &syn023::RULE,
    &syn024::RULE,
    &syn025::RULE,
    &syn026::RULE,
    &syn027::RULE,
    &syn028::RULE,
    &syn029::RULE,
    &syn030::RULE,
    &syn031::RULE,
    &syn032::RULE,
    &syn033::RULE,
    &syn034::RULE,
    &syn035::RULE,
    &syn036::RULE,
    &syn037::RULE,
    &syn039::RULE,
    &syn041::RULE,
    &syn042::RULE,
    &syn044::RULE,
    &tmr001::RULE,
    &tmr002::RULE,
    &tmr003::RULE,
    &tmr004::RULE,
    &tmr006::RULE,
    &tmr007::RULE,
    &trn001::RULE,
    &trn002::RULE,
    &trn004::RULE,
    &trn008::RULE,
    &trn009::RULE,
    &trn010::RULE,
    &trn011::RULE,
    &trn012::RULE,
    &trn021::RULE,
    &trn025::RULE,
    &trn026::RULE,
    &tur001::RULE,
    &tur002::RULE,
    &tur008::RULE,
    &txn001::RULE,
    &txn002::RULE,
    &txn003::RULE,
    &txn005::RULE,
    &txn006::RULE,
    &txn008::RULE,
    &txn009::RULE,
    &txn010::RULE,
    &txn011::RULE,
    &txn012::RULE,
    &txn013::RULE,
    &txn014::RULE,
    &txn015::RULE,
    &txn016::RULE,
    &txn017::RULE,
    &txn018::RULE,
    &txn019::RULE,
    &txn020::RULE,
    &txn022::RULE,
    &txn023::RULE,
    &txn024::RULE,
    &txn025::RULE,
    &txn027::RULE,
    &txn028::RULE,
    &txn029::RULE,
    &txn030::RULE,
    &txn031::RULE,
    &txn032::RULE,
    &txn033::RULE,
    &txn034::RULE,
    &txn035::RULE,
    &txn036::RULE,
    &txn037::RULE,
    &txn038::RULE,
    &txn040::RULE,
    &txn041::RULE,
    &txn043::RULE,
    &txn045::RULE,
    &upd001::RULE,
    &upd003::RULE,
    &upd004::RULE,
];

/// The rule of a code or name, in any case.
#[must_use]
pub fn find(code: &str) -> Option<&'static Rule> {
    CATALOGUE
        .into_iter()
        .find(|rule| rule.code.eq_ignore_ascii_case(code) || rule.name == code)
}

fn judge(profile: Profile, mut each: impl FnMut(&Rule, &mut Findings)) -> Vec<Finding> {
    let mut findings = Findings::default();
    for rule in CATALOGUE {
        findings.rule = profile.severity(rule).map(|severity| (rule, severity));
        if findings.rule.is_some() {
            each(rule, &mut findings);
        }
    }
    findings.found
}

/// What is wrong with a call.
#[must_use]
pub fn judge_call(context: &CallContext<'_>, profile: Profile) -> Vec<Finding> {
    judge(profile, |rule, findings| {
        if let Check::Call(check) = rule.check {
            check(context, findings);
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
