//! A registrar refused a device.
//!
//! 403 is the account or a filter, 404 an unknown address of record, 423 a time that is
//! too short, 5xx the registrar itself.
//!
//! Fix: the status says which; look at the account, the domain and the registrar.

use crate::engine::registration::Registration;
use crate::rules::{CaptureFacts, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "REG017",
    name: "register-refused",
    severity: Severity::Warning,
    rfc: "RFC 3261",
    section: "10.3",
    symptom: Some("registration-lost"),
    source: include_str!("reg017.rs"),
    flags: &["0 A>B REGISTER header=Contact:_<sip:a@10.0.0.1>
         1 B>A 403 method=REGISTER to=t"],
    accepts: &[
        "0 A>B REGISTER header=Contact:_<sip:a@10.0.0.1>
         1 B>A 401 method=REGISTER to=t header=WWW-Authenticate:_Digest_realm=\"x\",nonce=\"y\"",
        "0 A>B REGISTER header=Contact:_<sip:a@10.0.0.1>;expires=60
         1 B>A 200 method=REGISTER to=t header=Contact:_<sip:a@10.0.0.1>;expires=60",
    ],
    check: Check::Registration(check),
    ..Rule::BASE
};

fn check(registration: &Registration, _capture: CaptureFacts, found: &mut Findings) {
    let Some(status) = registration.last_status else {
        return;
    };
    if status < 300 || matches!(status, 401 | 407 | 423) || registration.granted_at.is_some() {
        return;
    }
    found.add(
        format!(
            "{} is refused by {}: {status}",
            registration.address_of_record, registration.registrar
        ),
        [registration.first],
    );
    found.by(registration.source.ip.to_string());
}
