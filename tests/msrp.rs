//! Messages of sessions (MSRP), tied to the call that described them.

mod common;

use common::scene;
use sip_inspect::report::{CallRecord, MsrpRecord, Record, Summary};

const A: &str = "msrp://10.0.0.1:7654/jshA7we;tcp";
const B: &str = "msrp://10.0.0.2:12763/kjhd37s2s;tcp";
const BYE: &str = "\
9000 A>B BYE to=t cseq=9 branch=9
9005 B>A 200 method=BYE to=t cseq=9 branch=9
";

/// A call whose only medium are messages.
fn call() -> String {
    let medium = |port| format!("swap=m=audio_{port}_RTP/AVP_0=>m=message_{port}_TCP/MSRP_*");
    format!(
        "0 A>B INVITE sdp=7654 {} line=a=path:{A}\n\
         10 B>A 200 to=t sdp=12763 {} line=a=path:{B}\n\
         11 A>B ACK to=t branch=2\n",
        medium(7654),
        medium(12763)
    )
}

/// A message on its way, in a segment of its own.
fn sent(ms: u32, by_caller: bool, start: &str, more: &str, flag: char) -> String {
    let (way, to, from) = match by_caller {
        true => ("A:40000>B:12763", B, A),
        false => ("B:12763>A:40000", A, B),
    };
    let transaction = start.split('_').next().expect("a transaction");
    let escaped = format!(
        "MSRP_{start}\\r\\nTo-Path:_{to}\\r\\nFrom-Path:_{from}\\r\\n{more}-------{transaction}{flag}\\r\\n"
    );
    format!("{ms} {way} octets over=tcp text={escaped}\n")
}

fn told(text: &str) -> (CallRecord, Summary) {
    let (mut call, mut summary) = (None, None);
    for record in scene::records(text) {
        match record {
            Record::Call(own) => call = Some(*own),
            Record::Summary(own) => summary = Some(*own),
            _ => {}
        }
    }
    (call.expect("a call"), summary.expect("a summary"))
}

fn session(call: &CallRecord) -> &MsrpRecord {
    let mut sessions = call.media.iter().filter_map(|media| media.msrp.as_deref());
    sessions.next().expect("a session")
}

#[test]
fn messages_are_counted_for_who_sent_them() {
    let text = "Content-Type:_text/plain\\r\\n\\r\\nhello\\r\\n";
    let part = "Content-Type:_image/png\\r\\n\\r\\nabcdefgh\\r\\n";
    let lines = [
        call(),
        sent(100, true, "t1_SEND", text, '$'),
        sent(110, false, "t1_200_OK", "", '$'),
        sent(200, false, "u1_SEND", part, '+'),
        sent(210, false, "u2_SEND", part, '$'),
        sent(220, true, "u2_REPORT", "Status:_000_200_OK\\r\\n", '$'),
        sent(300, true, "t2_SEND", part, '#'),
        sent(310, false, "t2_413_Stop", "", '$'),
        sent(320, true, "t3_SEND", text, '$'),
        sent(330, false, "t3_413_Stop", "", '$'),
        BYE.to_owned(),
    ];
    let (call, summary) = told(&lines.concat());
    let own = session(&call);
    let side = |own: &sip_inspect::report::MsrpSideRecord| {
        [
            own.messages,
            own.chunks,
            own.bytes,
            own.aborted,
            own.reports,
        ]
    };
    assert_eq!(side(&own.caller), [2, 3, 18, 1, 1]);
    assert_eq!(side(&own.callee), [1, 2, 16, 0, 0]);
    assert_eq!(own.caller.refused.iter().collect::<Vec<_>>(), [(&413, &2)]);
    assert!(own.callee.refused.is_empty());
    assert_eq!(own.content_types, ["text/plain", "image/png"]);
    assert_eq!(summary.msrp_messages, 9);
    assert!(summary.not_decoded.is_empty(), "{:?}", summary.not_decoded);
    // Messages have no sound.
    assert_eq!(call.media[0].audio, None);
    assert_eq!(call.media[0].kind, "message");
}

#[test]
fn what_no_description_names_is_counted_and_tied_to_nothing() {
    let (call, summary) = told(&format!(
        "{}{}{BYE}",
        "0 A>B INVITE sdp=4000\n10 B>A 200 to=t sdp=5000\n11 A>B ACK to=t branch=2\n",
        sent(100, true, "t1_SEND", "\\r\\nhello\\r\\n", '$'),
    ));
    assert!(call.media.iter().all(|media| media.msrp.is_none()));
    assert_eq!(summary.msrp_messages, 1);
    let unread = &summary.not_decoded["MSRP of a session that no description names"];
    assert_eq!(*unread, 1);
}

#[test]
fn a_session_without_messages_is_no_session() {
    let (call, summary) = told(&format!("{}{BYE}", call()));
    assert!(call.media.iter().all(|media| media.msrp.is_none()));
    assert_eq!(summary.msrp_messages, 0);
}
