//! A registration fails because a proxy on the way wants to stay on it.
//!
//! The proxy added Path, the device does not say that it supports it, and the registrar
//! refuses.
//!
//! Fix: let the device send Supported: path, or the registrar accept it all the same.

use crate::rules::{CallContext, Check, Findings, Needs, Rule, Severity};
use crate::sip::Method;
use crate::sip::header::HeaderName;

pub(super) const RULE: Rule = Rule {
    code: "REG025",
    name: "path-not-supported",
    severity: Severity::Warning,
    rfc: "RFC 3327",
    section: "5.3",
    symptom: Some("registration-lost"),
    source: include_str!("reg025.rs"),
    flags: &[
        "0 A>B REGISTER header=Path:_<sip:p;lr> header=Contact:_<sip:a@10.0.0.1>
         1 B>A 420 method=REGISTER to=t header=Unsupported:_path",
    ],
    accepts: &[
        "0 A>B REGISTER header=Path:_<sip:p;lr> header=Contact:_<sip:a@10.0.0.1>
         1 B>A 200 method=REGISTER to=t header=Contact:_<sip:a@10.0.0.1>;expires=60",
    ],
    needs: Needs::methods(&[Method::Register]),
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (status, response, request) in context.answered() {
        let Some(path) = request.value(HeaderName::Path) else {
            continue;
        };
        if matches!(status, 420 | 421) && request.method == Method::Register {
            found.quote(
                request,
                path,
                format!("{} refuses Path: {status}", response.flow().src),
            );
            return;
        }
    }
}
