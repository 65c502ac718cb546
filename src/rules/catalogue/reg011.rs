//! A registration ran out before it was refreshed.
//!
//! In between the registrar knows no way to the device: calls to it fail.
//!
//! Fix: refresh at half to nine tenths of the time that was granted, not of the time
//! that was asked for.

use crate::engine::registration::Registration;
use crate::rules::{CaptureFacts, Check, Findings, Rule, Severity};
use crate::time::{SECOND, millis};

pub(super) const RULE: Rule = Rule {
    code: "REG011",
    name: "refresh-late",
    severity: Severity::Error,
    rfc: "RFC 3261",
    section: "10.2.4",
    symptom: Some("registration-lost"),
    source: include_str!("reg011.rs"),
    flags: &[
        "0 A>B REGISTER header=Contact:_<sip:a@10.0.0.1>;expires=60
         1 B>A 200 method=REGISTER to=t header=Contact:_<sip:a@10.0.0.1>;expires=60
         90000 A>B REGISTER cseq=2 branch=2 header=Contact:_<sip:a@10.0.0.1>;expires=60
         90001 B>A 200 method=REGISTER cseq=2 branch=2 to=t header=Contact:_<sip:a@10.0.0.1>;expires=60",
    ],
    accepts: &[
        "0 A>B REGISTER header=Contact:_<sip:a@10.0.0.1>;expires=60
         1 B>A 200 method=REGISTER to=t header=Contact:_<sip:a@10.0.0.1>;expires=60
         50000 A>B REGISTER cseq=2 branch=2 header=Contact:_<sip:a@10.0.0.1>;expires=60
         50001 B>A 200 method=REGISTER cseq=2 branch=2 to=t header=Contact:_<sip:a@10.0.0.1>;expires=60",
    ],
    check: Check::Registration(check),
    ..Rule::BASE
};

fn check(registration: &Registration, _capture: CaptureFacts, found: &mut Findings) {
    let Some(gap) = registration.gap_ns.filter(|gap| *gap >= SECOND) else {
        return;
    };
    found.add(
        format!(
            "{} had run out {:.0} s before it was refreshed, of {} s granted",
            registration.address_of_record,
            millis(gap) / 1000.0,
            registration.expires_granted.unwrap_or_default()
        ),
        [registration.first],
    );
    found.by(registration.source.ip.to_string());
}
