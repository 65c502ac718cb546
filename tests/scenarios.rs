//! What is made of small scenes.

mod common;

use common::scene;
use sip_inspect::report::{CallRecord, Record, StreamRecord};

struct Scene {
    calls: Vec<CallRecord>,
    streams: Vec<StreamRecord>,
    transactions: usize,
    /// State of each connection, and who closed it.
    connections: Vec<String>,
    /// Each subscription in short.
    subscriptions: Vec<String>,
    /// Each DNS look-up in short.
    lookups: Vec<String>,
    /// Keep-alives of each registration, and the seconds between two.
    kept_alive: Vec<(u64, Option<f64>)>,
    /// Kinds of ICMP errors that quote requests.
    icmp: Vec<String>,
}

fn play(text: &str) -> Scene {
    let mut scene = Scene {
        calls: Vec::new(),
        streams: Vec::new(),
        transactions: 0,
        icmp: Vec::new(),
        connections: Vec::new(),
        subscriptions: Vec::new(),
        lookups: Vec::new(),
        kept_alive: Vec::new(),
    };
    for record in scene::records(text) {
        match record {
            Record::Call(call) => scene.calls.push(*call),
            Record::RtpStream(stream) => scene.streams.push(*stream),
            Record::Connection(connection) => scene.connections.push(format!(
                "{} {}",
                connection.state,
                connection.closed_by.as_deref().unwrap_or("-")
            )),
            Record::Subscription(own) => scene.subscriptions.push(format!(
                "{} {} {:?} granted {:?} {} NOTIFYs, {} refused, {} refreshes",
                own.event,
                own.state,
                own.last_status,
                own.expires_granted_s,
                own.notifies,
                own.notifies_failed,
                own.refreshes
            )),
            Record::Registration(own) => scene
                .kept_alive
                .push((own.keepalives, own.keepalive_interval_s)),
            Record::DnsLookup(lookup) => scene.lookups.push(format!(
                "{} {} {} [{}] for {}",
                lookup.qtype,
                lookup.name,
                lookup.rcode.as_deref().unwrap_or("-"),
                lookup.answers.join(", "),
                lookup.call_id.as_deref().unwrap_or("-")
            )),
            Record::Transaction(transaction) => {
                scene.transactions += 1;
                scene.icmp.extend(transaction.icmp);
            }
            _ => {}
        }
    }
    scene
}

/// One line that says what was made of the first call.
fn told(scene: &Scene) -> String {
    let Some(call) = scene.calls.first() else {
        return format!("no call, {} transactions", scene.transactions);
    };
    let exchanges: Vec<String> = call
        .exchanges
        .iter()
        .map(|exchange| format!("{}:{}", exchange.purpose, exchange.result))
        .collect();
    let audio: Vec<&str> = call
        .media
        .iter()
        .map(|media| media.audio.as_deref().unwrap_or("-"))
        .collect();
    format!(
        "{} by {} [{}] audio [{}] {}+{}rtx+{}dup",
        call.outcome,
        call.ended_by.as_deref().unwrap_or("-"),
        exchanges.join(" "),
        audio.join(" "),
        call.messages,
        call.retransmissions,
        call.duplicates
    )
}

#[track_caller]
fn check(text: &str, expected: &str) -> Scene {
    let scene = play(text);
    assert_eq!(told(&scene), expected, "{text}");
    scene
}

const MEDIA: &str = "
    1000 A:4000>B:5000 rtp
    1000 B:5000>A:4000 rtp";

#[test]
fn a_plain_call() {
    let scene = check(
        &format!(
            "0 A>B INVITE sdp=4000
            10 B>A 180 to=t
            900 B>A 200 to=t sdp=5000
            910 A>B ACK branch=2 to=t
            {MEDIA}
            3000 B>A BYE tag=t to=f branch=9 cseq=1
            3001 A>B 200 tag=t to=f branch=9 method=BYE"
        ),
        "completed by callee [setup:ok hangup:ok] audio [both] 6+0rtx+0dup",
    );
    assert_eq!(scene.calls[0].pdd_ms, Some(10.0));
    assert_eq!(scene.calls[0].talk_ms, Some(2100.0));
    assert_eq!(scene.streams.len(), 2);
}

#[test]
fn copies_are_told_from_retransmissions() {
    // T1 later with another identification: sent again.
    check(
        "0 A>B INVITE
        500 A>B INVITE
        600 B>A 486 to=t
        700 B>A 486 to=t",
        "busy by callee [setup:rejected] audio [] 2+2rtx+0dup",
    );
    // The same packet, captured twice.
    check(
        "0 A>B INVITE id=7
        1 A>B INVITE id=7
        2 B>A 486 to=t",
        "busy by callee [setup:rejected] audio [] 2+0rtx+1dup",
    );
    // At another capture point, and from another address there; a second copy
    // at both points was sent again once.
    check(
        "0 A>B INVITE
        1 C>B INVITE at=1
        500 A>B INVITE
        501 C>B INVITE at=1
        600 B>A 486 to=t
        601 B>C 486 to=t at=1",
        "busy by callee [setup:rejected] audio [] 2+1rtx+3dup",
    );
}

#[test]
fn icmp_errors_find_what_they_quote() {
    let scene = play("0 A>B OPTIONS\n1 B>A icmp");
    assert_eq!(scene.icmp, ["port-unreachable"]);
    let scene = play(&format!(
        "0 A>B INVITE sdp=4000
        900 B>A 200 to=t sdp=5000
        910 A>B ACK branch=2 to=t
        {MEDIA}
        1500 B:5000>A:4000 icmp
        1520 B:5000>A:4000 icmp"
    ));
    assert_eq!(scene.calls[0].media[0].icmp_errors, 2);
    assert_eq!(
        scene
            .streams
            .iter()
            .map(|stream| stream.icmp_errors)
            .sum::<u64>(),
        2
    );
}

#[test]
fn connections_that_try_to_carry_sip_are_told_of() {
    let states = |text: &str| play(text).connections;
    assert_eq!(
        states("0 A:1000>B:5061 tcp S\n1 B:5061>A:1000 tcp RA"),
        ["refused server"]
    );
    assert_eq!(
        states("0 A:1000>B:5060 tcp S\n1000 A:1000>B:5060 tcp S"),
        ["no-answer -"]
    );
    let opened = "0 A:1000>B:5060 tcp S\n1 B:5060>A:1000 tcp SA\n2 A:1000>B:5060 tcp A\n";
    assert_eq!(states(opened), ["open -"]);
    assert_eq!(
        states(&format!("{opened}9 A:1000>B:5060 tcp FA")),
        ["closed client"]
    );
    // The same ports again are another connection; other ports are none of ours.
    let again = format!("{opened}9 A:1000>B:5060 tcp RA\n20 A:1000>B:5060 tcp S");
    assert_eq!(states(&again), ["closed client", "no-answer -"]);
    assert!(states("0 A:1000>B:80 tcp S\n1 B:80>A:1000 tcp RA").is_empty());
}

#[test]
fn m045_forks_survive() {
    let scene = check(
        "0 A>P INVITE sdp=4000
        1 P>B INVITE via=2 branch=b sdp=4000
        2 P>C INVITE via=2 branch=c sdp=4000
        10 B>P 180 to=tb via=2 branch=b
        11 C>P 180 to=tc via=2 branch=c
        12 P>A 180 to=tb
        13 P>A 180 to=tc
        500 C>P 200 to=tc via=2 branch=c sdp=5000
        501 P>A 200 to=tc sdp=5000
        510 A>C ACK branch=2 to=tc
        520 P>B CANCEL via=1 branch=b
        530 B>P 487 to=tb via=2 branch=b
        4000 A>C BYE cseq=2 to=tc branch=3
        4001 C>A 200 cseq=2 to=tc branch=3 method=BYE",
        "completed by caller [setup:ok cancel:pending hangup:ok] audio [unknown] 14+0rtx+0dup",
    );
    let states: Vec<&str> = scene.calls[0]
        .dialogs
        .iter()
        .map(|dialog| dialog.state.as_str())
        .collect();
    assert_eq!(states, ["terminated", "terminated"]);
    assert_eq!(scene.calls[0].hops.len(), 3);
}

#[test]
fn offers_and_answers_in_any_place() {
    // The offer in the 200, the answer in the ACK.
    check(
        &format!(
            "0 A>B INVITE
            900 B>A 200 to=t sdp=5000
            910 A>B ACK branch=2 to=t sdp=4000
            {MEDIA}"
        ),
        "established by - [setup:ok] audio [both] 3+0rtx+0dup",
    );
    // The answer in a 183, with early media from the callee alone.
    let scene = check(
        "0 A>B INVITE sdp=4000
        10 B>A 183 to=t sdp=5000
        20 B:5000>A:4000 rtp n=40
        1500 B>A 480 to=t",
        "rejected by callee [setup:rejected] audio [-] 3+0rtx+0dup",
    );
    assert_eq!(scene.calls[0].media[0].packets_to_caller, 40);
    // An UPDATE that holds, and one that is refused by glare.
    check(
        &format!(
            "0 A>B INVITE sdp=4000
            900 B>A 200 to=t sdp=5000
            910 A>B ACK branch=2 to=t
            {MEDIA}
            2500 A>B UPDATE cseq=2 branch=3 to=t sdp=4000/sendonly
            2510 B>A 200 cseq=2 branch=3 to=t sdp=5000/recvonly method=UPDATE
            3000 A>B INVITE cseq=3 branch=4 to=t sdp=4002
            3010 B>A 491 cseq=3 branch=4 to=t"
        ),
        "established by - [setup:ok hold:ok resume:glare] audio [both held] 7+0rtx+0dup",
    );
}

#[test]
fn one_way_audio_and_none() {
    check(
        "0 A>B INVITE sdp=4000
        900 B>A 200 to=t sdp=5000
        910 A>B ACK branch=2 to=t
        1000 A:4000>B:5000 rtp
        3000 A>B BYE cseq=2 to=t branch=3
        3001 B>A 200 cseq=2 to=t branch=3 method=BYE",
        "completed by caller [setup:ok hangup:ok] audio [caller-hears-nothing] 5+0rtx+0dup",
    );
    // Symmetric RTP: the callee answers to where packets come from, not to
    // what the offer says.
    let scene = check(
        "0 A>B INVITE sdp=4000
        900 B>A 200 to=t sdp=5000
        910 A>B ACK branch=2 to=t
        1000 D:7777>B:5000 rtp
        1010 B:5000>D:7777 rtp
        3000 A>B BYE cseq=2 to=t branch=3
        3001 B>A 200 cseq=2 to=t branch=3 method=BYE",
        "completed by caller [setup:ok hangup:ok] audio [both] 5+0rtx+0dup",
    );
    let associations: Vec<&str> = scene
        .streams
        .iter()
        .map(|stream| stream.association.as_str())
        .collect();
    assert_eq!(associations, ["sdp", "nat"]);
}

#[test]
fn media_before_and_without_a_description() {
    // RTP first, its SDP later.
    let scene = check(
        "0 A>B INVITE
        5 B:5000>A:4000 rtp n=100
        5 A:4000>B:5000 rtp n=100
        900 B>A 200 to=t sdp=5000
        910 A>B ACK branch=2 to=t sdp=4000",
        "established by - [setup:ok] audio [both] 3+0rtx+0dup",
    );
    assert!(
        scene
            .streams
            .iter()
            .all(|stream| stream.call_id.is_some() && stream.packets == 100)
    );
    // RTP that nobody announced is a stream of no call; fewer packets than
    // prove it are nothing.
    assert_eq!(play("0 A:1000>B:2000 rtp n=7").streams.len(), 1);
    assert_eq!(play("0 A:1000>B:2000 rtp n=6").streams.len(), 0);
    // The answer to OPTIONS describes what could be, not what is.
    let scene =
        play("0 A>B OPTIONS\n1 B>A 200 to=t method=OPTIONS sdp=5000\n9 A:4000>B:5000 rtp n=3");
    assert_eq!(
        (told(&scene).as_str(), scene.streams.len()),
        ("no call, 1 transactions", 0)
    );
}

#[test]
fn captures_that_begin_or_end_inside_a_call() {
    check(
        "0 A>B BYE cseq=2 to=t branch=3
        1 B>A 200 cseq=2 to=t branch=3 method=BYE",
        "incomplete by caller [hangup:ok] audio [] 2+0rtx+0dup",
    );
    check(
        "0 A>B INVITE\n10 B>A 180 to=t",
        "incomplete by - [setup:pending] audio [] 2+0rtx+0dup",
    );
    check(
        "0 A>B INVITE\n500 A>B INVITE\n40000 C>B OPTIONS cseq=5 tag=o branch=o",
        "timeout by - [setup:timeout other:pending] audio [] 2+1rtx+0dup",
    );
}

#[test]
fn refusals_and_second_attempts() {
    check(
        "0 A>B INVITE\n1 B>A 302 to=t\n2 A>B ACK to=t\n3 A>C INVITE cseq=2 branch=2\n4 C>A 603 to=u cseq=2 branch=2",
        "declined by callee [setup:redirected setup:rejected] audio [] 5+0rtx+0dup",
    );
    check(
        "0 A>B INVITE\n1 B>A 401 to=t\n2 A>B ACK to=t",
        "rejected by callee [setup:challenged] audio [] 3+0rtx+0dup",
    );
    check(
        "0 A>B INVITE\n10 B>A 180 to=t\n900 A>B CANCEL\n901 B>A 200 method=CANCEL to=t\n902 B>A 487 to=t\n903 A>B ACK to=t",
        "cancelled by caller [setup:cancelled cancel:ok] audio [] 6+0rtx+0dup",
    );
}

#[test]
fn a_redirected_call_is_tied_to_the_one_it_makes() {
    let scene = play(
        "0 A>B INVITE
        1 B>A 302 to=t header=Contact:_<sip:c@y>
        2 A>B ACK to=t
        9 A>C INVITE call=next uri=sip:c@y branch=2 tag=g
        10 C>A 200 call=next branch=2 tag=g to=u",
    );
    let legs: Vec<String> = scene
        .calls
        .iter()
        .flat_map(|call| &call.legs)
        .map(|leg| format!("{} {}", leg.kind, leg.call_id))
        .collect();
    assert_eq!(legs, ["redirected-to next", "redirected-from scene"]);
    // Somebody else who calls there has nothing to do with it.
    let scene = play(
        "0 A>B INVITE
        1 B>A 302 to=t header=Contact:_<sip:c@y>
        9 A>C INVITE call=next uri=sip:d@y branch=2 tag=g",
    );
    assert!(scene.calls.iter().all(|call| call.legs.is_empty()));
}

#[test]
fn subscriptions_are_followed_to_their_end() {
    let check = |text: &str, expected: &[&str]| {
        assert_eq!(play(text).subscriptions, expected, "{text}");
    };
    let event = "header=Event:_presence";
    let asked = format!(
        "0 A>B SUBSCRIBE {event} header=Expires:_600
        1 B>A 200 method=SUBSCRIBE to=t header=Expires:_300
        2 B>A NOTIFY tag=t to=f branch=n1 {event} header=Subscription-State:_active;expires=300
        3 A>B 200 method=NOTIFY tag=t to=f branch=n1"
    );
    let rest = "2 NOTIFYs, 0 refused, 1 refreshes";
    check(
        &asked,
        &["presence active Some(200) granted Some(300) 1 NOTIFYs, 0 refused, 0 refreshes"],
    );
    // Refreshed long after anything else under the Call-ID was heard of.
    check(
        &format!(
            "{asked}
            290000 A>B SUBSCRIBE {event} header=Expires:_600 cseq=2 branch=2 to=t
            290001 B>A 200 method=SUBSCRIBE cseq=2 branch=2 to=t header=Expires:_300
            290009 B>A NOTIFY tag=t to=f cseq=2 branch=n2 {event} header=Subscription-State:_terminated;reason=noresource"
        ),
        &[&format!("presence terminated Some(200) granted Some(300) {rest}")],
    );
    // Not refreshed: both sides of the moment at which it runs out.
    for (ms, state) in [(300_002, "active"), (300_003, "expired")] {
        check(
            &format!("{asked}\n{ms} C>D OPTIONS call=other"),
            &[&format!(
                "presence {state} Some(200) granted Some(300) 1 NOTIFYs, 0 refused, 0 refreshes"
            )],
        );
    }
    check(
        &format!("0 A>B SUBSCRIBE {event}\n1 B>A 489 method=SUBSCRIBE to=t"),
        &["presence rejected Some(489) granted None 0 NOTIFYs, 0 refused, 0 refreshes"],
    );
    check(
        &format!("0 A>B SUBSCRIBE {event}"),
        &["presence unanswered None granted None 0 NOTIFYs, 0 refused, 0 refreshes"],
    );
    // Nobody was seen to ask; and nobody there understands.
    check(
        "0 B>A NOTIFY tag=t header=Event:_message-summary
        1 A>B 481 method=NOTIFY tag=t to=f",
        &["message-summary unknown None granted None 1 NOTIFYs, 1 refused, 0 refreshes"],
    );
    // A transfer tells its own progress.
    check(
        "0 B>A NOTIFY tag=t to=f header=Event:_refer;id=2 header=Subscription-State:_active",
        &[],
    );
}

#[test]
fn look_ups_are_tied_to_what_they_lead_to() {
    let check = |text: &str, expected: &[&str]| {
        assert_eq!(play(text).lookups, expected, "{text}");
    };
    // RFC 3263: NAPTR, then SRV, then the address, then the call.
    check(
        "0 A:900>D:53 dns NAPTR x
        1 D:53>A:900 dns NAPTR x answer=NAPTR:_sip._udp.x
        2 A:901>D:53 dns SRV _sip._udp.x id=2
        3 D:53>A:901 dns SRV _sip._udp.x id=2 answer=SRV:edge.x
        4 A:902>D:53 dns A edge.x id=3
        4 A:902>D:53 dns A elsewhere.x id=9
        5 D:53>A:902 dns A edge.x id=3 answer=A:B
        5 D:53>A:902 dns A elsewhere.x id=9 answer=A:C
        6 A>B INVITE",
        &[
            "NAPTR x NOERROR [1 1 \"s\" \"SIP+D2U\" \"\" _sip._udp.x] for scene",
            "SRV _sip._udp.x NOERROR [1 1 5060 edge.x] for scene",
            "A edge.x NOERROR [10.0.0.2] for scene",
        ],
    );
    // Another host's look-up is not this call's.
    check(
        "0 C:900>D:53 dns A b.x\n1 D:53>C:900 dns A b.x answer=A:B\n2 A>B INVITE",
        &[],
    );
    // What was found long ago is not what led here.
    for (ms, told) in [(32_001, 1), (32_002, 0)] {
        let text =
            format!("0 A:900>D:53 dns A b.x\n1 D:53>A:900 dns A b.x answer=A:B\n{ms} A>B INVITE");
        assert_eq!(play(&text).lookups.len(), told, "{text}");
    }
    // A proxy asks once it has the request; nothing is there.
    check(
        "0 A>B INVITE uri=sip:b@far.org
        1 B:900>D:53 dns SRV _sip._udp.far.org
        2 D:53>B:900 dns SRV _sip._udp.far.org rcode=3
        3 B:900>D:53 dns A far.org id=2
        4 D:53>B:900 dns A far.org id=2 rcode=3
        5 B:900>D:53 dns A near.org id=3
        6 D:53>B:900 dns A near.org id=3 rcode=3",
        &[
            "SRV _sip._udp.far.org NXDOMAIN [] for scene",
            "A far.org NXDOMAIN [] for scene",
        ],
    );
    // Nothing of SIP came: the look-up alone tells why.
    check(
        "0 A:900>D:53 dns SRV _sips._tcp.x\n1 D:53>A:900 dns SRV _sips._tcp.x rcode=2\n2 A:900>D:53 dns A pbx1.x id=2",
        &["SRV _sips._tcp.x SERVFAIL [] for -", "A pbx1.x - [] for -"],
    );
    // A connection for SIP counts as well.
    check(
        "0 A:900>D:53 dns A b.x\n1 D:53>A:900 dns A b.x answer=A:B\n2 A:4000>B:5061 tcp S",
        &["A b.x NOERROR [10.0.0.2] for -"],
    );
}

#[test]
fn keep_alives_are_the_devices_whose_flow_they_hold_open() {
    let check = |text: &str, expected: &[(u64, Option<f64>)]| {
        assert_eq!(play(text).kept_alive, expected, "{text}");
    };
    let registered = "0 A>B REGISTER header=Contact:_<sip:a@10.0.0.1>;expires=60
        1 B>A 200 method=REGISTER to=t header=Contact:_<sip:a@10.0.0.1>;expires=60";
    check(registered, &[(0, None)]);
    check(&format!("{registered}\n15000 A>B crlf"), &[(1, None)]);
    check(
        &format!("{registered}\n15000 A>B crlf\n30000 A>B crlf\n47000 A>B crlf"),
        &[(3, Some(16.0))],
    );
    // The server's count where the device sends none; another flow's do not.
    check(
        &format!("{registered}\n15000 B>A crlf\n35000 B>A crlf\n36000 A:5062>B crlf"),
        &[(2, Some(20.0))],
    );
    // A device that registers from another port is met there alone.
    check(
        &format!(
            "{registered}
            100 A:5070>B REGISTER cseq=2 branch=2 header=Contact:_<sip:a@10.0.0.1>;expires=60
            15000 A>B crlf
            30000 A:5070>B crlf
            40000 A:5070>B crlf"
        ),
        &[(2, Some(10.0))],
    );
}
