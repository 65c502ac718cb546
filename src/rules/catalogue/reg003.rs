//! A device makes a new Call-ID for each refresh of its registration.
//!
//! The registrar can't tell an old REGISTER from a new one, which the numbers of one Call-ID
//! are for.
//!
//! Fix: keep the Call-ID until the device restarts.

use crate::engine::registration::Registration;
use crate::rules::{CaptureFacts, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "REG003",
    name: "callid-changes-per-refresh",
    severity: Severity::Warning,
    rfc: "RFC 3261",
    section: "10.2",
    source: include_str!("reg003.rs"),
    flags: &["0 A>B REGISTER header=Contact:_<sip:a@10.0.0.1>;expires=60
         1 B>A 200 method=REGISTER to=t header=Contact:_<sip:a@10.0.0.1>;expires=60
         30000 A>B REGISTER call=2 branch=2 header=Contact:_<sip:a@10.0.0.1>;expires=60
         30001 B>A 200 call=2 branch=2 method=REGISTER to=t header=Contact:_<sip:a@10.0.0.1>;expires=60
         60000 A>B REGISTER call=3 branch=3 header=Contact:_<sip:a@10.0.0.1>;expires=60
         60001 B>A 200 call=3 branch=3 method=REGISTER to=t header=Contact:_<sip:a@10.0.0.1>;expires=60"],
    accepts: &["0 A>B REGISTER header=Contact:_<sip:a@10.0.0.1>;expires=60
         1 B>A 200 method=REGISTER to=t header=Contact:_<sip:a@10.0.0.1>;expires=60
         30000 A>B REGISTER call=2 branch=2 header=Contact:_<sip:a@10.0.0.1>;expires=60
         30001 B>A 200 call=2 branch=2 method=REGISTER to=t header=Contact:_<sip:a@10.0.0.1>;expires=60"],
    check: Check::Registration(check),
    ..Rule::BASE
};

fn check(registration: &Registration, capture: CaptureFacts, found: &mut Findings) {
    let _ = capture;
    // One new Call-ID is a restart.
    let count = registration.call_ids.len();
    if count >= 3 && registration.refreshes >= 2 {
        found.add(
            format!(
                "{} registers under {count} Call-IDs",
                registration.address_of_record
            ),
            [registration.first],
        );
        found.by(registration.source.ip.to_string());
    }
}
