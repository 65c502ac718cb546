//! A device registers again before its last REGISTER was answered.
//!
//! Which of the two counts depends on which arrives last.
//!
//! Fix: wait for the answer, or for 32 seconds.

use crate::rules::{CallContext, Check, Findings, Needs, Rule, Severity};
use crate::sip::Method;

pub(super) const RULE: Rule = Rule {
    code: "REG005",
    name: "overlapping-register",
    severity: Severity::Warning,
    rfc: "RFC 3261",
    section: "10.2",
    source: include_str!("reg005.rs"),
    flags: &["0 A>B REGISTER header=Contact:_<sip:a@10.0.0.1>
         900 A>B REGISTER cseq=2 branch=2 header=Contact:_<sip:a@10.0.0.1>
         1000 B>A 200 method=REGISTER to=t"],
    accepts: &["0 A>B REGISTER header=Contact:_<sip:a@10.0.0.1>
         800 B>A 200 method=REGISTER to=t
         900 A>B REGISTER cseq=2 branch=2 header=Contact:_<sip:a@10.0.0.1>"],
    needs: Needs::methods(&[Method::Register]),
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    let registers: Vec<_> = context
        .requests(&Method::Register)
        .filter(|own| own.is_original)
        .collect();
    for pair in registers.windows(2) {
        let [first, second] = pair else { continue };
        let answer = context
            .responses()
            .find(|(status, own)| *status >= 200 && own.kept.transaction == first.kept.transaction);
        if answer.is_some_and(|(_, own)| own.when() > second.when()) && first.cseq != second.cseq {
            found.message(
                second,
                format!("{} while the one before waits", second.told()),
            );
            found.also(first.at());
            return;
        }
    }
}
