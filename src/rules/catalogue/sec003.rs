//! Somebody tries numbers until a call gets through.
//!
//! One address called at least ten users within a minute, all were refused, and none of its
//! calls was answered. So toll fraud looks for a prefix that leads out, at the cost of
//! whoever runs the server.
//!
//! Fix: block the address; let no one call out who is not authenticated, and answer all
//! strangers alike.

use crate::rules::{Caller, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "SEC003",
    name: "invite-flood",
    severity: Severity::Error,
    source: include_str!("sec003.rs"),
    flags: &["x10/1000 0 A>B INVITE branch=% call=c% uri=sip:90%@x
         x10/1000 1 B>A 404 branch=% call=c% to=t
         x10/1000 2 A>B ACK branch=% call=c% to=t"],
    accepts: &[
        "x9/1000 0 A>B INVITE branch=% call=c% uri=sip:90%@x
         x9/1000 1 B>A 404 branch=% call=c% to=t
         x9/1000 2 A>B ACK branch=% call=c% to=t",
        "x10/7000 0 A>B INVITE branch=% call=c% uri=sip:90%@x
         x10/7000 1 B>A 404 branch=% call=c% to=t
         x10/7000 2 A>B ACK branch=% call=c% to=t",
        "x10/1000 0 A>B INVITE branch=% call=c% uri=sip:90%@x
         x10/1000 1 B>A 404 branch=% call=c% to=t
         x10/1000 2 A>B ACK branch=% call=c% to=t
         4500 A>B INVITE branch=a call=a uri=sip:99@x
         4501 B>A 200 branch=a call=a to=t
         4502 A>B ACK branch=aa call=a to=t",
        "x10/1000 0 A>B INVITE branch=% call=c% uri=sip:900@x
         x10/1000 1 B>A 404 branch=% call=c% to=t
         x10/1000 2 A>B ACK branch=% call=c% to=t",
        "x10/1000 0 A>B INVITE branch=% call=c% uri=sip:90%@x
         x10/1000 1 B>A 486 branch=% call=c% to=t
         x10/1000 2 A>B ACK branch=% call=c% to=t",
    ],
    check: Check::Caller(check),
    ..Rule::BASE
};

fn check(caller: &Caller, found: &mut Findings) {
    if caller.is_searching() {
        found.add(
            format!(
                "{} called {} users within a minute, and all were refused",
                caller.source,
                caller.refused.len()
            ),
            caller.refused.iter().map(|own| own.at),
        );
        found.by(caller.source.to_string());
    }
}
