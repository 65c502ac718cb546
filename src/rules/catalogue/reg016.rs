//! A device registers far more often than it needs to.
//!
//! It refreshes after a tenth of the time that was granted, again and again: it may not
//! find itself in the answer, or its NAT forgets quickly.
//!
//! Fix: see whether the answers list the address that it registers; use keep-alives.

use crate::engine::registration::Registration;
use crate::rules::{CaptureFacts, Check, Findings, Rule, Severity};
use crate::time::SECOND;
use crate::time::millis;

pub(super) const RULE: Rule = Rule {
    code: "REG016",
    name: "registration-loop",
    severity: Severity::Warning,
    rfc: "RFC 3261",
    section: "10.2.4",
    source: include_str!("reg016.rs"),
    flags: &["0 A>B REGISTER header=Contact:_<sip:a@10.0.0.1>;expires=600
         1 B>A 200 method=REGISTER to=t header=Contact:_<sip:a@10.0.0.1>;expires=600
         2000 A>B REGISTER cseq=2 branch=2 header=Contact:_<sip:a@10.0.0.1>;expires=600
         2001 B>A 200 method=REGISTER cseq=2 branch=2 to=t header=Contact:_<sip:a@10.0.0.1>;expires=600
         4000 A>B REGISTER cseq=3 branch=3 header=Contact:_<sip:a@10.0.0.1>;expires=600
         4001 B>A 200 method=REGISTER cseq=3 branch=3 to=t header=Contact:_<sip:a@10.0.0.1>;expires=600
         6000 A>B REGISTER cseq=4 branch=4 header=Contact:_<sip:a@10.0.0.1>;expires=600
         6001 B>A 200 method=REGISTER cseq=4 branch=4 to=t header=Contact:_<sip:a@10.0.0.1>;expires=600"],
    accepts: &["0 A>B REGISTER header=Contact:_<sip:a@10.0.0.1>;expires=60
         1 B>A 200 method=REGISTER to=t header=Contact:_<sip:a@10.0.0.1>;expires=60
         50000 A>B REGISTER cseq=2 branch=2 header=Contact:_<sip:a@10.0.0.1>;expires=60
         50001 B>A 200 method=REGISTER cseq=2 branch=2 to=t header=Contact:_<sip:a@10.0.0.1>;expires=60"],
    check: Check::Registration(check),
    ..Rule::BASE
};

fn check(registration: &Registration, capture: CaptureFacts, found: &mut Findings) {
    let _ = capture;
    let (Some(granted), Some(interval)) = (
        registration.expires_granted,
        registration.refresh_interval_ns,
    ) else {
        return;
    };
    let granted = i64::try_from(granted)
        .unwrap_or(i64::MAX)
        .saturating_mul(SECOND);
    if registration.refreshes >= 3
        && granted >= 60 * SECOND
        && interval.saturating_mul(10) < granted
    {
        found.add(
            format!(
                "{} registers every {:.0} s though {:.0} s were granted",
                registration.address_of_record,
                millis(interval) / 1000.0,
                millis(granted) / 1000.0
            ),
            [registration.first],
        );
        found.by(registration.source.ip.to_string());
    }
}
