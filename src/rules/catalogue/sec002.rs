//! Somebody guesses the password of an account.
//!
//! At least ten attempts within a minute were refused from one address.
//!
//! Fix: block the address (fail2ban), and make sure that the password is long.

use crate::engine::registration::Registration;
use crate::rules::{CaptureFacts, Check, Findings, Rule, Severity};
use crate::time::SECOND;

pub(super) const RULE: Rule = Rule {
    code: "SEC002",
    name: "register-bruteforce",
    severity: Severity::Error,
    source: include_str!("sec002.rs"),
    flags: &[
        "0 A>B REGISTER cseq=1 branch=1 header=Contact:_<sip:a@10.0.0.1>
         1 B>A 403 method=REGISTER cseq=1 branch=1 to=t0
         1000 A>B REGISTER cseq=2 branch=2 header=Contact:_<sip:a@10.0.0.1>
         1001 B>A 403 method=REGISTER cseq=2 branch=2 to=t1
         2000 A>B REGISTER cseq=3 branch=3 header=Contact:_<sip:a@10.0.0.1>
         2001 B>A 403 method=REGISTER cseq=3 branch=3 to=t2
         3000 A>B REGISTER cseq=4 branch=4 header=Contact:_<sip:a@10.0.0.1>
         3001 B>A 403 method=REGISTER cseq=4 branch=4 to=t3
         4000 A>B REGISTER cseq=5 branch=5 header=Contact:_<sip:a@10.0.0.1>
         4001 B>A 403 method=REGISTER cseq=5 branch=5 to=t4
         5000 A>B REGISTER cseq=6 branch=6 header=Contact:_<sip:a@10.0.0.1>
         5001 B>A 403 method=REGISTER cseq=6 branch=6 to=t5
         6000 A>B REGISTER cseq=7 branch=7 header=Contact:_<sip:a@10.0.0.1>
         6001 B>A 403 method=REGISTER cseq=7 branch=7 to=t6
         7000 A>B REGISTER cseq=8 branch=8 header=Contact:_<sip:a@10.0.0.1>
         7001 B>A 403 method=REGISTER cseq=8 branch=8 to=t7
         8000 A>B REGISTER cseq=9 branch=9 header=Contact:_<sip:a@10.0.0.1>
         8001 B>A 403 method=REGISTER cseq=9 branch=9 to=t8
         9000 A>B REGISTER cseq=10 branch=10 header=Contact:_<sip:a@10.0.0.1>
         9001 B>A 403 method=REGISTER cseq=10 branch=10 to=t9",
    ],
    accepts: &[
        "0 A>B REGISTER cseq=1 branch=1 header=Contact:_<sip:a@10.0.0.1>
         1 B>A 403 method=REGISTER cseq=1 branch=1 to=t0
         1000 A>B REGISTER cseq=2 branch=2 header=Contact:_<sip:a@10.0.0.1>
         1001 B>A 403 method=REGISTER cseq=2 branch=2 to=t1
         2000 A>B REGISTER cseq=3 branch=3 header=Contact:_<sip:a@10.0.0.1>
         2001 B>A 403 method=REGISTER cseq=3 branch=3 to=t2
         3000 A>B REGISTER cseq=4 branch=4 header=Contact:_<sip:a@10.0.0.1>
         3001 B>A 403 method=REGISTER cseq=4 branch=4 to=t3
         4000 A>B REGISTER cseq=5 branch=5 header=Contact:_<sip:a@10.0.0.1>
         4001 B>A 403 method=REGISTER cseq=5 branch=5 to=t4
         5000 A>B REGISTER cseq=6 branch=6 header=Contact:_<sip:a@10.0.0.1>
         5001 B>A 403 method=REGISTER cseq=6 branch=6 to=t5
         6000 A>B REGISTER cseq=7 branch=7 header=Contact:_<sip:a@10.0.0.1>
         6001 B>A 403 method=REGISTER cseq=7 branch=7 to=t6
         7000 A>B REGISTER cseq=8 branch=8 header=Contact:_<sip:a@10.0.0.1>
         7001 B>A 403 method=REGISTER cseq=8 branch=8 to=t7
         8000 A>B REGISTER cseq=9 branch=9 header=Contact:_<sip:a@10.0.0.1>
         8001 B>A 403 method=REGISTER cseq=9 branch=9 to=t8",
    ],
    check: Check::Registration(check),
    ..Rule::BASE
};

fn check(registration: &Registration, capture: CaptureFacts, found: &mut Findings) {
    let _ = capture;
    let lasted = registration
        .last
        .since(registration.first.timestamp)
        .max(SECOND);
    let many = registration.failures >= 10;
    // By the minute, whatever they took in all.
    let rate = i64::try_from(registration.failures)
        .unwrap_or(i64::MAX)
        .saturating_mul(60 * SECOND)
        / lasted;
    if many && rate >= 10 {
        found.add(
            format!(
                "{} attempts to register {} from {} were refused",
                registration.failures, registration.address_of_record, registration.source.ip
            ),
            [registration.first],
        );
        found.by(registration.source.ip.to_string());
    }
}
