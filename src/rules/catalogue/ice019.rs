//! An agent told addresses one after the other, and never that these were all.
//!
//! The other side keeps waiting for more while no pair works, and can't tell that ICE has
//! failed.
//!
//! Fix: send `a=end-of-candidates` when the last address was found.

use crate::rules::ice::called;
use crate::rules::{Check, Findings, IceContext, Rule, Severity};
use crate::time::SECOND;

pub(super) const RULE: Rule = Rule {
    code: "ICE019",
    name: "trickle-end-missing",
    severity: Severity::Info,
    rfc: "RFC 8838",
    section: "13",
    source: include_str!("ice019.rs"),
    flags: &[
        "0 A>B INVITE sdp=4000 line=a=mid:0 line=a=ice-options:trickle line=a=ice-ufrag:aaaa line=a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa line=a=candidate:1_1_UDP_2130706431_10.0.0.1_4000_typ_host
         10 B>A 200 to=t sdp=5000 line=a=mid:0 line=a=ice-options:trickle line=a=ice-ufrag:bbbb line=a=ice-pwd:bbbbbbbbbbbbbbbbbbbbbbbb line=a=candidate:1_1_UDP_2130706431_10.0.0.2_5000_typ_host
         11 A>B ACK to=t
         20 A:4000>B:5000 stun request id=1 username=bbbb:aaaa priority=yes fingerprint=good controlling=yes
         100 A>B INFO to=t cseq=2 branch=2 header=Info-Package:_trickle-ice header=Content-Type:_application/trickle-ice-sdpfrag body=a=ice-ufrag:aaaa\\r\\nm=audio_9_RTP/AVP_0\\r\\na=mid:0\\r\\na=candidate:2_1_UDP_1694498815_198.51.100.9_4000_typ_srflx_raddr_10.0.0.1_rport_4000\\r\\n
         105 B>A 200 to=t cseq=2 branch=2 method=INFO
         60000 A>B BYE to=t cseq=3 branch=3
         60005 B>A 200 to=t cseq=3 branch=3 method=BYE",
    ],
    accepts: &[
        "0 A>B INVITE sdp=4000 line=a=mid:0 line=a=ice-options:trickle line=a=ice-ufrag:aaaa line=a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa line=a=candidate:1_1_UDP_2130706431_10.0.0.1_4000_typ_host
         10 B>A 200 to=t sdp=5000 line=a=mid:0 line=a=ice-options:trickle line=a=ice-ufrag:bbbb line=a=ice-pwd:bbbbbbbbbbbbbbbbbbbbbbbb line=a=candidate:1_1_UDP_2130706431_10.0.0.2_5000_typ_host
         11 A>B ACK to=t
         20 A:4000>B:5000 stun request id=1 username=bbbb:aaaa priority=yes fingerprint=good controlling=yes
         100 A>B INFO to=t cseq=2 branch=2 header=Info-Package:_trickle-ice header=Content-Type:_application/trickle-ice-sdpfrag body=a=ice-ufrag:aaaa\\r\\nm=audio_9_RTP/AVP_0\\r\\na=mid:0\\r\\na=candidate:2_1_UDP_1694498815_198.51.100.9_4000_typ_srflx_raddr_10.0.0.1_rport_4000\\r\\na=end-of-candidates\\r\\n
         105 B>A 200 to=t cseq=2 branch=2 method=INFO
         60000 A>B BYE to=t cseq=3 branch=3
         60005 B>A 200 to=t cseq=3 branch=3 method=BYE",
        "0 A>B INVITE sdp=4000 line=a=mid:0 line=a=ice-options:trickle line=a=ice-ufrag:aaaa line=a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa line=a=candidate:1_1_UDP_2130706431_10.0.0.1_4000_typ_host
         10 B>A 200 to=t sdp=5000 line=a=mid:0 line=a=ice-options:trickle line=a=ice-ufrag:bbbb line=a=ice-pwd:bbbbbbbbbbbbbbbbbbbbbbbb line=a=candidate:1_1_UDP_2130706431_10.0.0.2_5000_typ_host
         11 A>B ACK to=t
         20 A:4000>B:5000 stun request id=1 username=bbbb:aaaa priority=yes fingerprint=good controlling=yes
         100 A>B INFO to=t cseq=2 branch=2 header=Info-Package:_trickle-ice header=Content-Type:_application/trickle-ice-sdpfrag body=a=ice-ufrag:aaaa\\r\\nm=audio_9_RTP/AVP_0\\r\\na=mid:0\\r\\na=candidate:2_1_UDP_1694498815_198.51.100.9_4000_typ_srflx_raddr_10.0.0.1_rport_4000\\r\\n
         105 B>A 200 to=t cseq=2 branch=2 method=INFO
         300 A:4000>B:5000 stun request id=2 username=bbbb:aaaa priority=yes fingerprint=good controlling=yes nominate=yes
         302 B:5000>A:4000 stun success id=2
         60000 A>B BYE to=t cseq=3 branch=3
         60005 B>A 200 to=t cseq=3 branch=3 method=BYE",
        "0 A>B INVITE sdp=4000 line=a=mid:0 line=a=ice-options:trickle line=a=ice-ufrag:aaaa line=a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa line=a=candidate:1_1_UDP_2130706431_10.0.0.1_4000_typ_host
         10 B>A 200 to=t sdp=5000 line=a=mid:0 line=a=ice-options:trickle line=a=ice-ufrag:bbbb line=a=ice-pwd:bbbbbbbbbbbbbbbbbbbbbbbb line=a=candidate:1_1_UDP_2130706431_10.0.0.2_5000_typ_host
         11 A>B ACK to=t
         20 A:4000>B:5000 stun request id=1 username=bbbb:aaaa priority=yes fingerprint=good controlling=yes
         100 A>B INFO to=t cseq=2 branch=2 header=Info-Package:_trickle-ice header=Content-Type:_application/trickle-ice-sdpfrag body=a=ice-ufrag:aaaa\\r\\nm=audio_9_RTP/AVP_0\\r\\na=mid:0\\r\\na=candidate:2_1_UDP_1694498815_198.51.100.9_4000_typ_srflx_raddr_10.0.0.1_rport_4000\\r\\n
         105 B>A 200 to=t cseq=2 branch=2 method=INFO",
    ],
    check: Check::Ice(check),
    ..Rule::BASE
};

/// How long more may be found: servers that don't answer are asked for so long.
const PATIENCE_NS: i64 = 40 * SECOND;

fn check(context: &IceContext<'_>, found: &mut Findings) {
    for agent in &context.session.agents {
        let Some(description) = &agent.description else {
            continue;
        };
        let Some(last) = description.trickled_at else {
            continue;
        };
        let settled = context.session.settled();
        // Once a way is found, no more need be told.
        let needs = settled.is_none_or(|settled| settled.since(last) > PATIENCE_NS);
        if needs && !description.has_all_candidates && context.capture.lasted(last, PATIENCE_NS) {
            found.add(
                format!(
                    "{} told {} addresses after its description, and not that there are no more",
                    called(agent),
                    description.trickled
                ),
                [context.session.first],
            );
        }
    }
}
