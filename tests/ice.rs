//! ICE sessions: what their pairs come to, by scenes and by what two phones logged.

mod common;

use std::path::PathBuf;

use common::{document, scene};
use serde_json::Value;
use sip_inspect::report::{IceEndRecord, IceSessionRecord, Record};

/// A session in a few words: how it stands, whose roles, and each pair.
fn told(session: &IceSessionRecord) -> Vec<String> {
    let role = |own: usize| session.agents[own].role.as_deref().unwrap_or("-");
    let end = |own: &IceEndRecord| {
        let kind = own.kind.as_deref().unwrap_or("?");
        format!("{}:{} {kind}", own.ip, own.port)
    };
    let mut lines = vec![format!(
        "{} {} {}/{}",
        session.generation,
        session.state,
        role(0),
        role(1)
    )];
    for pair in &session.pairs {
        let [one, other] = &pair.ends;
        let [ours, theirs] = &pair.checks;
        let selected = if pair.selected { " selected" } else { "" };
        let failure = pair.failure.as_deref().unwrap_or_default();
        lines.push(
            format!(
                "{} - {} {}/{} {}/{} {}{selected} {failure}",
                end(one),
                end(other),
                ours.succeeded,
                ours.sent,
                theirs.succeeded,
                theirs.sent,
                pair.state
            )
            .trim_end()
            .to_owned(),
        );
    }
    lines
}

fn sessions(text: &str) -> Vec<IceSessionRecord> {
    let records = scene::records(text).into_iter();
    records
        .filter_map(|record| match record {
            Record::IceSession(session) => Some(*session),
            _ => None,
        })
        .collect()
}

fn check(text: &str, expected: &[&str]) {
    let lines: Vec<String> = sessions(text).iter().flat_map(told).collect();
    assert_eq!(lines, expected, "{text}");
}

/// A check of `A:4000` toward `B:5000`, number `id`, and more.
fn asks(ms: u32, id: u8, more: &str) -> String {
    format!(
        "{ms} A:4000>B:5000 stun request id={id} username=bbbb:aaaa priority=yes controlling=yes {more}\n"
    )
}

/// The other way.
fn asks_back(ms: u32, id: u8, more: &str) -> String {
    format!(
        "{ms} B:5000>A:4000 stun request id={id} username=aaaa:bbbb priority=yes controlled=yes {more}\n"
    )
}

const CALL: &str = "\
0 A>B INVITE sdp=4000 line=a=ice-ufrag:aaaa line=a=ice-pwd:secretA line=a=candidate:1_1_UDP_2130706431_10.0.0.1_4000_typ_host
10 B>A 200 to=t sdp=5000 line=a=ice-ufrag:bbbb line=a=ice-pwd:secretB line=a=candidate:1_1_UDP_2130706431_10.0.0.2_5000_typ_host
11 A>B ACK to=t
";

#[test]
fn how_a_session_stands() {
    let won = "20 B:5000>A:4000 stun success id=1 mapped=A:4000\n";
    let plain = "10.0.0.1:4000 ? - 10.0.0.2:5000 ?";
    check(
        &(asks(0, 1, "nominate=yes") + won),
        &[
            "1 completed controlling/-",
            &format!("{plain} 1/1 0/0 succeeded selected"),
        ],
    );
    check(
        &(asks(0, 1, "") + won),
        &[
            "1 connected controlling/-",
            &format!("{plain} 1/1 0/0 succeeded"),
        ],
    );
    // One side alone says nothing of the other; both do.
    let end = |ms: u32| format!("{ms} A>B crlf\n");
    check(
        &(asks(0, 1, "") + &end(5000)),
        &[
            "1 unanswered controlling/-",
            &format!("{plain} 0/1 0/0 failed no-answer"),
        ],
    );
    check(
        &(asks(0, 1, "") + &asks_back(1, 2, "") + &end(5001)),
        &[
            "1 failed controlling/controlled",
            &format!("{plain} 0/1 0/1 failed no-answer"),
        ],
    );
    // Until then an answer may come.
    check(
        &(asks(0, 1, "") + &asks_back(1, 2, "") + &end(5000)),
        &[
            "1 checking controlling/controlled",
            &format!("{plain} 0/1 0/1 in-progress"),
        ],
    );
    // What is refused is over at once.
    check(
        &(asks(0, 1, "") + "9 B:5000>A:4000 stun error=401 id=1\n"),
        &[
            "1 failed controlling/-",
            &format!("{plain} 0/1 0/0 failed refused"),
        ],
    );
    check(
        &(asks(0, 1, "") + "9 C:5000>A:4000 stun success id=1\n"),
        &[
            "1 failed controlling/-",
            &format!("{plain} 0/1 0/0 failed not-symmetric"),
        ],
    );
}

#[test]
fn sent_again_it_is_one_check() {
    let session = &sessions(&(asks(0, 1, "") + &asks(500, 1, "") + &asks(900, 2, "")))[0];
    let [own, _] = &session.pairs[0].checks;
    assert_eq!((own.sent, own.retransmissions), (2, 1));
}

#[test]
fn the_call_names_sides_and_candidates() {
    // The callee checks first; the caller stands first all the same.
    let scene = CALL.to_owned()
        + &asks_back(20, 2, "signed=secretA")
        + "22 A:4000>B:5000 stun success id=2 mapped=B:5000 signed=secretA\n"
        + &asks(30, 1, "nominate=yes signed=wrong")
        + "32 B:5000>A:4000 stun success id=1 mapped=A:4444 signed=secretB\n";
    check(
        &scene,
        &[
            "1 completed controlling/controlled",
            "10.0.0.1:4444 prflx - 10.0.0.2:5000 host 1/1 1/1 succeeded selected",
        ],
    );
    let session = &sessions(&scene)[0];
    let [caller, callee] = &session.agents;
    let signed =
        |own: &sip_inspect::report::IceAgentRecord| (own.integrity_good, own.integrity_bad);
    assert_eq!((signed(caller), signed(callee)), ((1, 1), (2, 0)));
    assert_eq!(caller.side.as_deref(), Some("caller"));
    assert_eq!(callee.candidates[0].ip.as_deref(), Some("10.0.0.2"));
    assert_eq!((session.media, session.setup_ms), (Some(0), Some(12.0)));
    assert_eq!(session.call_id.as_deref(), Some("scene"));
}

/// A call whose agents find each other over TCP alone (RFC 6544), media included.
const OVER_TCP: &str = "\
0 A>B INVITE sdp=4000 line=a=ice-ufrag:aaaa line=a=ice-pwd:secretA line=a=candidate:1_1_UDP_2130706431_10.0.0.1_4000_typ_host line=a=candidate:2_1_TCP_1684797951_10.0.0.1_9_typ_host_tcptype_active
10 B>A 200 to=t sdp=5000 line=a=ice-ufrag:bbbb line=a=ice-pwd:secretB line=a=candidate:1_1_UDP_2130706431_10.0.0.2_5000_typ_host line=a=candidate:2_1_TCP_1684797951_10.0.0.2_7000_typ_host_tcptype_passive
11 A>B ACK to=t
20 A:4000>B:5000 stun request id=1 username=bbbb:aaaa priority=yes controlling=yes
30 A:40000>B:7000 stun request id=2 username=bbbb:aaaa priority=yes controlling=yes nominate=yes over=frames
32 B:7000>A:40000 stun success id=2 mapped=A:40000 over=frames
40 A:40000>B:7000 rtp n=100 over=frames
40 B:7000>A:40000 rtp n=98 ssrc=9 over=frames
2100 A>B BYE to=t cseq=2
2110 B>A 200 to=t cseq=2 method=BYE
";

#[test]
fn media_over_tcp_belong_to_their_call() {
    check(
        OVER_TCP,
        &[
            "1 completed controlling/-",
            "10.0.0.1:4000 host - 10.0.0.2:5000 host 0/1 0/0 in-progress",
            "10.0.0.1:40000 host - 10.0.0.2:7000 host 1/1 0/0 succeeded selected",
        ],
    );
    let records = scene::records(OVER_TCP);
    let call = records.iter().find_map(|record| match record {
        Record::Call(call) => Some(call),
        _ => None,
    });
    let media = &call.expect("a call").media[0];
    assert_eq!(media.audio.as_deref(), Some("both"));
    assert_eq!(
        (media.packets_to_callee, media.packets_to_caller),
        (100, 98)
    );
    let streams = records.iter().filter_map(|record| match record {
        Record::RtpStream(own) => Some((own.transport, own.association.as_str())),
        _ => None,
    });
    assert_eq!(streams.collect::<Vec<_>>(), [("tcp", "ice"); 2]);
}

/// Both describe themselves before they know any address; those follow in INFO.
#[test]
fn candidates_that_follow_are_those_of_the_agent() {
    let body = |ufrag: &str, candidate: &str| {
        format!(
            "header=Content-Type:_application/trickle-ice-sdpfrag body=a=ice-ufrag:{ufrag}\\r\\n\
             m=audio_9_RTP/AVP_0\\r\\na=mid:0\\r\\na=candidate:{candidate}\\r\\n"
        )
    };
    let whole = |host| {
        format!(
            "swap=c=IN_IP4_10.0.0.{host}=>c=IN_IP4_0.0.0.0 line=a=mid:0 line=a=ice-options:trickle"
        )
    };
    let scene = format!(
        "0 A>B INVITE sdp=9 {} line=a=ice-ufrag:aaaa line=a=ice-pwd:secretA\n\
         10 B>A 200 to=t sdp=9 {} line=a=ice-ufrag:bbbb line=a=ice-pwd:secretB\n\
         11 A>B ACK to=t\n\
         15 A>B INFO to=t cseq=2 branch=2 {}\n16 B>A 200 to=t cseq=2 branch=2 method=INFO\n\
         17 B>A INFO tag=t to=f cseq=1 branch=3 {}a=end-of-candidates\\r\\n\n\
         18 A>B 200 tag=t to=f cseq=1 branch=3 method=INFO\n{}\
         32 B:5000>A:4000 stun success id=1 mapped=P:4000 signed=secretB\n\
         100 A:4000>B:5000 rtp n=60 pt=0 ssrc=1\n101 B:5000>A:4000 rtp n=60 pt=0 ssrc=2\n\
         2000 A>B BYE to=t cseq=3 branch=4\n2001 B>A 200 to=t cseq=3 branch=4 method=BYE\n",
        whole(1),
        whole(2),
        body(
            "aaaa",
            "2_1_UDP_1694498815_198.51.100.16_4000_typ_srflx_raddr_10.0.0.1_rport_4000"
        ),
        body("bbbb", "1_1_UDP_2130706431_10.0.0.2_5000_typ_host"),
        asks(30, 1, "nominate=yes signed=secretB"),
    );
    check(
        &scene,
        &[
            "1 completed controlling/-",
            "198.51.100.16:4000 srflx - 10.0.0.2:5000 host 1/1 0/0 succeeded selected",
        ],
    );
    let session = &sessions(&scene)[0];
    let said: Vec<_> = (session.agents.iter())
        .map(|own| (own.candidates.len(), own.trickled, own.end_of_candidates))
        .collect();
    assert_eq!(said, [(1, 1, false), (1, 1, true)]);
    let records = scene::records(&scene);
    let call = records.iter().find_map(|own| match own {
        Record::Call(call) => Some(call),
        _ => None,
    });
    let media = &call.expect("a call").media[0];
    // Nobody holds: the address of zero waits for candidates.
    assert_eq!(media.audio.as_deref(), Some("both"), "{media:?}");
}

#[test]
fn a_restart_is_another_generation_and_a_fork_is_none() {
    let answer = |tag: &str, ufrag: &str, ms: u32| {
        format!(
            "{ms} B>A 183 to={tag} sdp=5000 line=a=ice-ufrag:{ufrag} line=a=ice-pwd:x \
             line=a=candidate:1_1_UDP_2130706431_10.0.0.2_5000_typ_host\n"
        )
    };
    let lone = |ms: u32, id: u8, names: &str| {
        format!(
            "{ms} A:4000>B:5000 stun request id={id} username={names} priority=yes controlling=yes\n"
        )
    };
    let generations =
        |text: &str| -> Vec<u32> { sessions(text).iter().map(|own| own.generation).collect() };
    let invite = CALL.lines().next().expect("a line").to_owned() + "\n";
    let forked = invite
        + &answer("t1", "b1", 5)
        + &answer("t2", "b2", 6)
        + &lone(20, 1, "b1:aaaa")
        + &lone(21, 2, "b2:aaaa");
    assert_eq!(generations(&forked), [1, 1]);
    let again = "\
1000 A>B INVITE cseq=2 to=t sdp=4000 line=a=ice-ufrag:cccc line=a=ice-pwd:x line=a=candidate:1_1_UDP_2130706431_10.0.0.1_4000_typ_host
1005 B>A 200 cseq=2 to=t sdp=5000 line=a=ice-ufrag:dddd line=a=ice-pwd:x line=a=candidate:1_1_UDP_2130706431_10.0.0.2_5000_typ_host
";
    let restarted = CALL.to_owned() + &asks(20, 1, "") + again + &lone(1010, 2, "dddd:cccc");
    assert_eq!(generations(&restarted), [1, 2]);
}

#[test]
fn several_capture_points_see_one_check() {
    // A is behind a NAT, seen at point 0 inside and at point 1 outside as P.
    let asked = asks(0, 1, "at=0")
        + "1 P:6000>B:5000 stun request id=1 username=bbbb:aaaa priority=yes controlling=yes at=1\n";
    let answered = "3 B:5000>P:6000 stun success id=1 mapped=P:6000 at=1\n";
    let arrived = "4 B:5000>A:4000 stun success id=1 mapped=P:6000 at=0\n";
    let outside = "198.51.100.16:6000 ? - 10.0.0.2:5000 ?";
    check(
        &(asked.clone() + answered + arrived),
        &[
            "1 connected controlling/-",
            &format!("{outside} 1/1 0/0 succeeded"),
        ],
    );
    let end = "9000 A>B crlf at=0\n";
    check(
        &(asked.clone() + answered + end),
        &[
            "1 unanswered controlling/-",
            "10.0.0.1:4000 ? - 10.0.0.2:5000 ? 0/1 0/0 failed answer-lost",
        ],
    );
    // What the other side tries toward P is the same pair, since it is that outside.
    let back = "6 B:5000>P:6000 stun request id=2 username=aaaa:bbbb priority=yes controlled=yes at=1\n\
                7 B:5000>A:4000 stun request id=2 username=aaaa:bbbb priority=yes controlled=yes at=0\n\
                8 A:4000>B:5000 stun success id=2 mapped=B:5000 at=0\n\
                9 P:6000>B:5000 stun success id=2 mapped=B:5000 at=1\n";
    check(
        &(asked.clone() + answered + arrived + back),
        &[
            "1 connected controlling/controlled",
            &format!("{outside} 1/1 1/1 succeeded"),
        ],
    );
    // Seen inside first, it was another pair until the check from inside came by.
    let late =
        "0 B:5000>P:6000 stun request id=2 username=aaaa:bbbb priority=yes controlled=yes at=1\n"
            .to_owned()
            + &asks(10, 1, "at=0")
            + "11 P:6000>B:5000 stun request id=1 username=bbbb:aaaa priority=yes controlling=yes at=1\n\
           13 B:5000>P:6000 stun success id=1 mapped=P:6000 at=1\n\
           14 B:5000>A:4000 stun success id=1 mapped=P:6000 at=0\n";
    check(
        &late,
        &[
            "1 connected controlled/controlling",
            "10.0.0.2:5000 ? - 198.51.100.16:6000 ? 0/1 1/1 succeeded",
        ],
    );
}

#[test]
fn an_icmp_error_says_why() {
    let scene =
        CALL.to_owned() + &asks(20, 1, "") + "21 B:5000>A:4000 icmp\n6000 A>B BYE to=t cseq=2\n";
    check(
        &scene,
        &[
            "1 unanswered controlling/-",
            "10.0.0.1:4000 host - 10.0.0.2:5000 host 0/1 0/0 failed unreachable",
        ],
    );
}

/// A relay of A at P, and a check that goes through it to B, as a Send indication.
#[test]
fn a_relay_without_permission_passes_nothing_on() {
    let relay = "\
0 A:4000>C:3478 stun request id=1 method=3
5 C:3478>A:4000 stun success id=1 method=3 relayed=P:6000 mapped=A:4000
";
    let permission = "\
10 A:4000>C:3478 stun request id=2 method=8 peer=B:5000
15 C:3478>A:4000 stun success id=2 method=8
";
    // A Binding request with USERNAME bbbb:aaaa and PRIORITY, within DATA.
    let check_hex = "000100182112a442030303030303030303030303\
                     0006000962626262 3a616161 61000000 00240004 00000000"
        .replace(' ', "");
    let sent = format!(
        "20 A:4000>C:3478 octets hex=0016003c2112a4420404040404040404040404040012000800013\
         29a2b12a440{}\n6000 A:4000>C:3478 crlf\n",
        format_args!("0013002c{check_hex}")
    );
    let failure = |text: &str| {
        let session = &sessions(text)[0];
        (
            session.pairs[0].failure.clone().expect("a failure"),
            session.pairs[0].ends[0].kind.clone(),
        )
    };
    let relayed = Some("relay".to_owned());
    assert_eq!(
        failure(&format!("{relay}{sent}")),
        ("not-permitted".to_owned(), relayed.clone())
    );
    assert_eq!(
        failure(&format!("{relay}{permission}{sent}")),
        ("no-answer".to_owned(), relayed)
    );
}

/// Of several nominated pairs the one that both sides like best counts, and priorities
/// beyond those of the RFC break nothing.
#[test]
fn the_best_of_several_nominated_pairs_is_selected() {
    let nominated = asks(20, 1, "nominate=yes")
        + "22 B:5000>A:4000 stun success id=1 mapped=A:4000\n\
           30 A:4002>B:5000 stun request id=2 username=bbbb:aaaa priority=yes controlling=yes nominate=yes\n\
           32 B:5000>A:4002 stun success id=2 mapped=A:4002\n";
    let other = |priority: &str| {
        let line = format!(" line=a=candidate:2_1_UDP_{priority}_10.0.0.1_4002_typ_host");
        let (invite, rest) = CALL.split_once('\n').expect("lines");
        let call = format!("{invite}{line}\n{rest}").replace("2130706431", "4294967294");
        let session = sessions(&(call + &nominated)).remove(0);
        let selected = session.pairs.iter().filter(|own| own.selected);
        selected.map(|own| own.ends[0].port).collect::<Vec<_>>()
    };
    assert_eq!(other("4294967295"), [4002]);
    assert_eq!(other("4294967293"), [4000]);
}

/// Both sides may give their checks one number, by chance or to confuse: what becomes of
/// one is not held against the other.
#[test]
fn one_number_of_both_sides_is_two_checks() {
    let relays = "\
0 A:4000>C:3478 stun request id=1 method=3
1 C:3478>A:4000 stun success id=1 method=3 relayed=P:6000 mapped=A:4000
2 B:5000>C:3478 stun request id=2 method=3
3 C:3478>B:5000 stun success id=2 method=3 relayed=Q:7000 mapped=B:5000
4 A:4000>C:3478 stun request id=3 method=8 peer=Q:7000
5 C:3478>A:4000 stun success id=3 method=8
";
    // A Send indication to the other's relay, with a check in it: USERNAME, PRIORITY.
    let sent = |ms: u32, from: &str, peer: &str, names: &str| {
        let names: String = names.bytes().map(|own| format!("{own:02x}")).collect();
        let check = format!(
            "000100182112a442{}00060009{names}0000000024000400000000",
            "03".repeat(12)
        );
        format!(
            "{ms} {from}>C:3478 octets hex=0016003c2112a442{}001200080001{peer}0013002c{check}\n",
            "04".repeat(12)
        )
    };
    let text = relays.to_owned()
        + &sent(20, "A:4000", "3a4ae721c053", "bbbb:aaaa")
        + &sent(21, "B:5000", "3662e721c052", "aaaa:bbbb")
        + &sent(22, "A:4000", "3a4ae721c053", "bbbb:aaaa");
    check(
        &text,
        &[
            "1 checking -/-",
            "198.51.100.16:6000 relay - 198.51.100.17:7000 relay 0/1 0/1 in-progress",
        ],
    );
}

#[test]
fn a_session_of_many_pairs_is_bounded() {
    let flood: String = (0..150)
        .map(|number| {
            let port = 7000 + number;
            format!(
                "{number} A:{port}>B:5000 stun request id={number} username=bbbb:aaaa priority=yes\n\
                 {number} B:{port}>A:4000 stun request id={number} username=aaaa:bbbb priority=yes\n"
            )
        })
        .collect();
    let records = scene::records(&flood);
    let reached = records
        .iter()
        .any(|record| matches!(record, Record::Limit(limit) if limit.limit == "ice-pairs"));
    let pairs = records.iter().find_map(|record| match record {
        Record::IceSession(session) => Some(session.pairs.len()),
        _ => None,
    });
    assert!(
        reached && pairs.is_some_and(|pairs| pairs <= 256),
        "{pairs:?}"
    );
}

/// A pair whose checks are refused in so many ways: is it said that some are not told?
fn errors_dropped(kinds: u32) -> bool {
    let refused: String = (0..kinds)
        .map(|number| {
            let ask = asks(number * 10, u8::try_from(number).expect("few"), "");
            let (at, code) = (number * 10 + 5, 400 + number);
            format!("{ask}{at} B:5000>A:4000 stun error={code} id={number}\n")
        })
        .collect();
    let records = scene::records(&refused);
    let mut limits = records.iter().filter_map(|record| match record {
        Record::Limit(limit) => Some(limit.limit.as_str()),
        _ => None,
    });
    limits.any(|limit| limit == "ice-pairs")
}

#[test]
fn kinds_of_errors_beyond_those_that_are_told_are_counted() {
    assert!(!errors_dropped(8));
    assert!(errors_dropped(9));
}

fn trace(name: &str) -> Option<Value> {
    let folder = std::env::var_os("SIP_INSPECT_TRACES")?;
    Some(document(&PathBuf::from(folder).join(name), &[]))
}

/// What both phones logged as the addresses that media went between, of RTP.
#[test]
fn the_selected_pair_is_the_one_that_the_phones_logged() {
    for (name, expected, state) in [
        (
            "ice-direct",
            ["203.0.113.1:13138 srflx", "203.0.113.2:17318 srflx"],
            // RTCP had no nominated pair: the check that nominates it was not answered.
            "connected",
        ),
        (
            "ice-relay",
            ["203.0.113.10:49207 relay", "203.0.113.10:49239 relay"],
            "completed",
        ),
    ] {
        for point in ["all.pcapng", "nat1lan.pcap", "nat1wan.pcap", "nat2wan.pcap"] {
            let Some(report) = trace(&format!("{name}.{point}")) else {
                return;
            };
            let sessions = report["ice_sessions"].as_array().expect("a list");
            assert_eq!(sessions.len(), 1, "{name}.{point}");
            let session = &sessions[0];
            assert_eq!(session["state"], state, "{name}.{point}");
            let pairs = session["pairs"].as_array().expect("a list");
            let selected: Vec<&Value> = (pairs.iter())
                .filter(|own| own["selected"] == true && own["component"] == 1)
                .collect();
            let end = |own: &Value| {
                let text = |name: &str| own[name].as_str().expect("text").to_owned();
                format!("{}:{} {}", text("ip"), own["port"], text("kind"))
            };
            let ends = [0, 1].map(|own| end(&selected[0]["ends"][own]));
            assert_eq!(selected.len(), 1, "{name}.{point}");
            assert_eq!(ends, expected, "{name}.{point}");
            for agent in session["agents"].as_array().expect("a list") {
                assert_eq!(agent["integrity_bad"], 0, "{name}.{point}");
                assert!(
                    agent["integrity_good"].as_u64() > Some(10),
                    "{name}.{point}"
                );
                assert_eq!(agent["candidates"].as_array().map(Vec::len), Some(6));
            }
            let [caller, callee] = [0, 1].map(|own| &session["agents"][own]);
            assert_eq!(caller["role"], "controlling");
            assert_eq!(callee["role"], "controlled");
        }
    }
}
