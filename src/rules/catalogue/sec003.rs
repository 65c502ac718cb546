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
    flags: &["0 A>B INVITE branch=0 call=c0 uri=sip:900@x
         1 B>A 404 branch=0 call=c0 to=t
         2 A>B ACK branch=0 call=c0 to=t
         1000 A>B INVITE branch=1 call=c1 uri=sip:901@x
         1001 B>A 404 branch=1 call=c1 to=t
         1002 A>B ACK branch=1 call=c1 to=t
         2000 A>B INVITE branch=2 call=c2 uri=sip:902@x
         2001 B>A 404 branch=2 call=c2 to=t
         2002 A>B ACK branch=2 call=c2 to=t
         3000 A>B INVITE branch=3 call=c3 uri=sip:903@x
         3001 B>A 404 branch=3 call=c3 to=t
         3002 A>B ACK branch=3 call=c3 to=t
         4000 A>B INVITE branch=4 call=c4 uri=sip:904@x
         4001 B>A 404 branch=4 call=c4 to=t
         4002 A>B ACK branch=4 call=c4 to=t
         5000 A>B INVITE branch=5 call=c5 uri=sip:905@x
         5001 B>A 404 branch=5 call=c5 to=t
         5002 A>B ACK branch=5 call=c5 to=t
         6000 A>B INVITE branch=6 call=c6 uri=sip:906@x
         6001 B>A 404 branch=6 call=c6 to=t
         6002 A>B ACK branch=6 call=c6 to=t
         7000 A>B INVITE branch=7 call=c7 uri=sip:907@x
         7001 B>A 404 branch=7 call=c7 to=t
         7002 A>B ACK branch=7 call=c7 to=t
         8000 A>B INVITE branch=8 call=c8 uri=sip:908@x
         8001 B>A 404 branch=8 call=c8 to=t
         8002 A>B ACK branch=8 call=c8 to=t
         9000 A>B INVITE branch=9 call=c9 uri=sip:909@x
         9001 B>A 404 branch=9 call=c9 to=t
         9002 A>B ACK branch=9 call=c9 to=t"],
    accepts: &[
        "0 A>B INVITE branch=0 call=c0 uri=sip:900@x
         1 B>A 404 branch=0 call=c0 to=t
         2 A>B ACK branch=0 call=c0 to=t
         1000 A>B INVITE branch=1 call=c1 uri=sip:901@x
         1001 B>A 404 branch=1 call=c1 to=t
         1002 A>B ACK branch=1 call=c1 to=t
         2000 A>B INVITE branch=2 call=c2 uri=sip:902@x
         2001 B>A 404 branch=2 call=c2 to=t
         2002 A>B ACK branch=2 call=c2 to=t
         3000 A>B INVITE branch=3 call=c3 uri=sip:903@x
         3001 B>A 404 branch=3 call=c3 to=t
         3002 A>B ACK branch=3 call=c3 to=t
         4000 A>B INVITE branch=4 call=c4 uri=sip:904@x
         4001 B>A 404 branch=4 call=c4 to=t
         4002 A>B ACK branch=4 call=c4 to=t
         5000 A>B INVITE branch=5 call=c5 uri=sip:905@x
         5001 B>A 404 branch=5 call=c5 to=t
         5002 A>B ACK branch=5 call=c5 to=t
         6000 A>B INVITE branch=6 call=c6 uri=sip:906@x
         6001 B>A 404 branch=6 call=c6 to=t
         6002 A>B ACK branch=6 call=c6 to=t
         7000 A>B INVITE branch=7 call=c7 uri=sip:907@x
         7001 B>A 404 branch=7 call=c7 to=t
         7002 A>B ACK branch=7 call=c7 to=t
         8000 A>B INVITE branch=8 call=c8 uri=sip:908@x
         8001 B>A 404 branch=8 call=c8 to=t
         8002 A>B ACK branch=8 call=c8 to=t",
        "0 A>B INVITE branch=0 call=c0 uri=sip:900@x
         1 B>A 404 branch=0 call=c0 to=t
         2 A>B ACK branch=0 call=c0 to=t
         7000 A>B INVITE branch=1 call=c1 uri=sip:901@x
         7001 B>A 404 branch=1 call=c1 to=t
         7002 A>B ACK branch=1 call=c1 to=t
         14000 A>B INVITE branch=2 call=c2 uri=sip:902@x
         14001 B>A 404 branch=2 call=c2 to=t
         14002 A>B ACK branch=2 call=c2 to=t
         21000 A>B INVITE branch=3 call=c3 uri=sip:903@x
         21001 B>A 404 branch=3 call=c3 to=t
         21002 A>B ACK branch=3 call=c3 to=t
         28000 A>B INVITE branch=4 call=c4 uri=sip:904@x
         28001 B>A 404 branch=4 call=c4 to=t
         28002 A>B ACK branch=4 call=c4 to=t
         35000 A>B INVITE branch=5 call=c5 uri=sip:905@x
         35001 B>A 404 branch=5 call=c5 to=t
         35002 A>B ACK branch=5 call=c5 to=t
         42000 A>B INVITE branch=6 call=c6 uri=sip:906@x
         42001 B>A 404 branch=6 call=c6 to=t
         42002 A>B ACK branch=6 call=c6 to=t
         49000 A>B INVITE branch=7 call=c7 uri=sip:907@x
         49001 B>A 404 branch=7 call=c7 to=t
         49002 A>B ACK branch=7 call=c7 to=t
         56000 A>B INVITE branch=8 call=c8 uri=sip:908@x
         56001 B>A 404 branch=8 call=c8 to=t
         56002 A>B ACK branch=8 call=c8 to=t
         63000 A>B INVITE branch=9 call=c9 uri=sip:909@x
         63001 B>A 404 branch=9 call=c9 to=t
         63002 A>B ACK branch=9 call=c9 to=t",
        "0 A>B INVITE branch=0 call=c0 uri=sip:900@x
         1 B>A 404 branch=0 call=c0 to=t
         2 A>B ACK branch=0 call=c0 to=t
         1000 A>B INVITE branch=1 call=c1 uri=sip:901@x
         1001 B>A 404 branch=1 call=c1 to=t
         1002 A>B ACK branch=1 call=c1 to=t
         2000 A>B INVITE branch=2 call=c2 uri=sip:902@x
         2001 B>A 404 branch=2 call=c2 to=t
         2002 A>B ACK branch=2 call=c2 to=t
         3000 A>B INVITE branch=3 call=c3 uri=sip:903@x
         3001 B>A 404 branch=3 call=c3 to=t
         3002 A>B ACK branch=3 call=c3 to=t
         4000 A>B INVITE branch=4 call=c4 uri=sip:904@x
         4001 B>A 200 branch=4 call=c4 to=t
         4002 A>B ACK branch=a4 call=c4 to=t
         5000 A>B INVITE branch=5 call=c5 uri=sip:905@x
         5001 B>A 404 branch=5 call=c5 to=t
         5002 A>B ACK branch=5 call=c5 to=t
         6000 A>B INVITE branch=6 call=c6 uri=sip:906@x
         6001 B>A 404 branch=6 call=c6 to=t
         6002 A>B ACK branch=6 call=c6 to=t
         7000 A>B INVITE branch=7 call=c7 uri=sip:907@x
         7001 B>A 404 branch=7 call=c7 to=t
         7002 A>B ACK branch=7 call=c7 to=t
         8000 A>B INVITE branch=8 call=c8 uri=sip:908@x
         8001 B>A 404 branch=8 call=c8 to=t
         8002 A>B ACK branch=8 call=c8 to=t
         9000 A>B INVITE branch=9 call=c9 uri=sip:909@x
         9001 B>A 404 branch=9 call=c9 to=t
         9002 A>B ACK branch=9 call=c9 to=t",
        "0 A>B INVITE branch=0 call=c0 uri=sip:900@x
         1 B>A 404 branch=0 call=c0 to=t
         2 A>B ACK branch=0 call=c0 to=t
         1000 A>B INVITE branch=1 call=c1 uri=sip:900@x
         1001 B>A 404 branch=1 call=c1 to=t
         1002 A>B ACK branch=1 call=c1 to=t
         2000 A>B INVITE branch=2 call=c2 uri=sip:900@x
         2001 B>A 404 branch=2 call=c2 to=t
         2002 A>B ACK branch=2 call=c2 to=t
         3000 A>B INVITE branch=3 call=c3 uri=sip:900@x
         3001 B>A 404 branch=3 call=c3 to=t
         3002 A>B ACK branch=3 call=c3 to=t
         4000 A>B INVITE branch=4 call=c4 uri=sip:900@x
         4001 B>A 404 branch=4 call=c4 to=t
         4002 A>B ACK branch=4 call=c4 to=t
         5000 A>B INVITE branch=5 call=c5 uri=sip:900@x
         5001 B>A 404 branch=5 call=c5 to=t
         5002 A>B ACK branch=5 call=c5 to=t
         6000 A>B INVITE branch=6 call=c6 uri=sip:900@x
         6001 B>A 404 branch=6 call=c6 to=t
         6002 A>B ACK branch=6 call=c6 to=t
         7000 A>B INVITE branch=7 call=c7 uri=sip:900@x
         7001 B>A 404 branch=7 call=c7 to=t
         7002 A>B ACK branch=7 call=c7 to=t
         8000 A>B INVITE branch=8 call=c8 uri=sip:900@x
         8001 B>A 404 branch=8 call=c8 to=t
         8002 A>B ACK branch=8 call=c8 to=t
         9000 A>B INVITE branch=9 call=c9 uri=sip:900@x
         9001 B>A 404 branch=9 call=c9 to=t
         9002 A>B ACK branch=9 call=c9 to=t",
        "0 A>B INVITE branch=0 call=c0 uri=sip:900@x
         1 B>A 486 branch=0 call=c0 to=t
         2 A>B ACK branch=0 call=c0 to=t
         1000 A>B INVITE branch=1 call=c1 uri=sip:901@x
         1001 B>A 486 branch=1 call=c1 to=t
         1002 A>B ACK branch=1 call=c1 to=t
         2000 A>B INVITE branch=2 call=c2 uri=sip:902@x
         2001 B>A 486 branch=2 call=c2 to=t
         2002 A>B ACK branch=2 call=c2 to=t
         3000 A>B INVITE branch=3 call=c3 uri=sip:903@x
         3001 B>A 486 branch=3 call=c3 to=t
         3002 A>B ACK branch=3 call=c3 to=t
         4000 A>B INVITE branch=4 call=c4 uri=sip:904@x
         4001 B>A 486 branch=4 call=c4 to=t
         4002 A>B ACK branch=4 call=c4 to=t
         5000 A>B INVITE branch=5 call=c5 uri=sip:905@x
         5001 B>A 486 branch=5 call=c5 to=t
         5002 A>B ACK branch=5 call=c5 to=t
         6000 A>B INVITE branch=6 call=c6 uri=sip:906@x
         6001 B>A 486 branch=6 call=c6 to=t
         6002 A>B ACK branch=6 call=c6 to=t
         7000 A>B INVITE branch=7 call=c7 uri=sip:907@x
         7001 B>A 486 branch=7 call=c7 to=t
         7002 A>B ACK branch=7 call=c7 to=t
         8000 A>B INVITE branch=8 call=c8 uri=sip:908@x
         8001 B>A 486 branch=8 call=c8 to=t
         8002 A>B ACK branch=8 call=c8 to=t
         9000 A>B INVITE branch=9 call=c9 uri=sip:909@x
         9001 B>A 486 branch=9 call=c9 to=t
         9002 A>B ACK branch=9 call=c9 to=t",
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
