//! Fax by T.38: what was lost, what was made good, and what became of the pages.

mod common;

use common::{scene, testdata};
use serde_json::{Value, json};
use sip_inspect::report::{CallRecord, FaxRecord, Record};

const AUDIO: &str = "\
0 A>B INVITE sdp=4000
10 B>A 200 to=t sdp=5000
11 A>B ACK to=t branch=2
";
/// B asks for fax on other ports.
const SWITCH: &str = "\
100 B>A INVITE tag=t to=f cseq=7 branch=3 sdp=5002 swap=m=audio_5002_RTP/AVP_0=>m=image_5002_udptl_t38
110 A>B 200 tag=t to=f cseq=7 branch=3 sdp=4002 swap=m=audio_4002_RTP/AVP_0=>m=image_4002_udptl_t38
111 A>B ACK tag=t to=f cseq=7 branch=4
";
/// B asks for fax on the ports of the audio.
const SWITCH_IN_PLACE: &str = "\
100 B>A INVITE tag=t to=f cseq=7 branch=3 sdp=5000 swap=m=audio_5000_RTP/AVP_0=>m=image_5000_udptl_t38
110 A>B 200 tag=t to=f cseq=7 branch=3 sdp=4000 swap=m=audio_4000_RTP/AVP_0=>m=image_4000_udptl_t38
111 A>B ACK tag=t to=f cseq=7 branch=4
";
const BYE: &str = "\
9000 A>B BYE to=t cseq=9 branch=9
9005 B>A 200 method=BYE to=t cseq=9 branch=9
";

fn call(text: &str) -> CallRecord {
    let records = scene::records(text).into_iter();
    let mut calls = records.filter_map(|record| match record {
        Record::Call(call) => Some(*call),
        _ => None,
    });
    calls.next().expect("a call")
}

fn fax(text: &str) -> FaxRecord {
    let call = call(text);
    let mut faxes = call.media.iter().filter_map(|media| media.t38.as_deref());
    faxes.next().expect("a fax").clone()
}

/// What became of it: result, pages confirmed, sent and refused, trainings failed, and why.
#[track_caller]
fn check(lines: &str, expected: (&str, [u32; 4], Option<&str>)) {
    let fax = fax(&format!("{AUDIO}{SWITCH}{lines}{BYE}"));
    let pages = [
        fax.pages_confirmed,
        fax.pages_sent,
        fax.pages_refused,
        fax.trainings_failed,
    ];
    let got = (fax.result.as_str(), pages, fax.reason.as_deref());
    assert_eq!(got, expected, "{lines}");
}

#[test]
fn the_recorded_fax_is_what_both_machines_counted() {
    let case = testdata().join("cases/fax-t38");
    let truth = std::fs::read_to_string(case.join("truth.json")).expect("truth.json");
    let truth: Value = serde_json::from_str(&truth).expect("JSON");
    let told = std::fs::read_to_string(case.join("expected.ndjson")).expect("expected.ndjson");
    let mut records = told
        .lines()
        .map(|line| -> Value { serde_json::from_str(line).expect("JSON") });
    let call = records.find(|own| own["type"] == "call").expect("a call");
    let fax = &call["media"][1]["t38"];
    let (caller, callee) = (&truth["caller"], &truth["callee"]);
    assert_eq!(fax["result"], "complete");
    assert_eq!(fax["sender"], "caller");
    assert_eq!(fax["pages_sent"], caller["pages_sent"]);
    assert_eq!(fax["pages_confirmed"], callee["pages_received"]);
    assert_eq!(fax["bit_rate"], callee["bit_rate"]);
    assert_eq!(fax["error_correction_mode"], json!(true));
    assert_eq!(caller["error_correcting_mode"], 1);
    assert_eq!(fax["caller_identity"], callee["far_ident"]);
    assert_eq!(fax["callee_identity"], caller["far_ident"]);
    for (stream, truth) in [(0, caller), (1, callee)] {
        let stream = &fax["streams"][stream];
        assert_eq!(stream["packets"], truth["sent"]);
        assert_eq!(stream["lost"], truth["lost"]);
        assert_eq!(stream["redundancy"], 3);
    }
    // 12; 60 to 62; 205 to 207 of eight in a row.
    assert_eq!(fax["streams"][0]["recovered"], 7);
    assert_eq!(fax["streams"][1]["recovered"], 1);
}

#[test]
fn pages_count_by_what_both_sides_say() {
    let training = "\
200 B:5002>A:4002 fax say=ced,DIS repeats=2
600 A:4002>B:5002 fax say=cng,TSI,DCS repeats=2
";
    let trained = format!("{training}1000 B:5002>A:4002 fax say=CFR repeats=2\n");
    let then = |lines: &str| format!("{trained}{lines}");
    check(
        &then(
            "1200 A:4002>B:5002 fax say=EOP repeats=2
             1300 B:5002>A:4002 fax say=MCF repeats=2
             1400 A:4002>B:5002 fax say=DCN repeats=2\n",
        ),
        ("complete", [1, 1, 0, 0], None),
    );
    // The second page was never confirmed; what asks twice is one page.
    check(
        &then(
            "1200 A:4002>B:5002 fax say=MPS repeats=2
             1300 B:5002>A:4002 fax say=MCF repeats=2
             1400 A:4002>B:5002 fax say=EOP,EOP,EOP,DCN repeats=2\n",
        ),
        (
            "partial",
            [1, 2, 0, 0],
            Some("the caller hung up after EOP of the caller"),
        ),
    );
    // A part is wanted again, and then all is there.
    check(
        &then(
            "1200 A:4002>B:5002 fax say=PPS-EOP repeats=2
             1300 B:5002>A:4002 fax say=PPR repeats=2
             1400 A:4002>B:5002 fax say=PPS-EOP repeats=2
             1500 B:5002>A:4002 fax say=MCF repeats=2\n",
        ),
        ("complete", [1, 1, 0, 0], None),
    );
    check(
        &then(
            "1200 A:4002>B:5002 fax say=EOP repeats=2
             1300 B:5002>A:4002 fax say=RTN repeats=2
             1400 A:4002>B:5002 fax say=DCN repeats=2\n",
        ),
        (
            "failed",
            [0, 1, 1, 0],
            Some("RTN of the callee: the page could not be read"),
        ),
    );
    check(
        &format!(
            "{training}1000 B:5002>A:4002 fax say=FTT repeats=2
             1100 A:4002>B:5002 fax say=DCS repeats=2
             1200 B:5002>A:4002 fax say=FTT repeats=2\n"
        ),
        (
            "failed",
            [0, 0, 0, 2],
            Some("the receiver could not read the training 2 times"),
        ),
    );
    check(
        &format!("{training}1000 B:5002>A:4002 fax say=bad repeats=2\n"),
        ("unknown", [0, 0, 0, 0], None),
    );
    // Asked three times, or the other side hangs up: there was no answer.
    let dcs = "1000 B:5002>A:4002 fax say=bad repeats=2\n1100 A:4002>B:5002 fax say=TSI,DCS";
    check(
        &format!("{training}{dcs},TSI,DCS repeats=2\n"),
        (
            "failed",
            [0, 0, 0, 0],
            Some("nothing followed DCS of the caller"),
        ),
    );
    check(
        &format!("{training}1000 B:5002>A:4002 fax say=DCN repeats=2\n"),
        (
            "failed",
            [0, 0, 0, 0],
            Some("the callee hung up after DCS of the caller"),
        ),
    );
}

#[test]
fn what_was_not_heard_is_not_judged() {
    // One direction; no frames at all; a frame lost for good; the call still stands.
    check(
        "200 A:4002>B:5002 fax say=cng,TSI,DCS,EOP repeats=1\n",
        ("unknown", [0, 1, 0, 0], None),
    );
    check(
        "200 A:4002>B:5002 fax say=cng,no-signal
         200 B:5002>A:4002 fax say=ced,no-signal\n",
        ("unknown", [0, 0, 0, 0], None),
    );
    let lossy = "\
200 B:5002>A:4002 fax say=ced,DIS,CFR
600 A:4002>B:5002 fax say=cng,DCS,EOP
1000 B:5002>A:4002 fax say=no-signal,!MCF,no-signal
";
    check(lossy, ("unknown", [0, 1, 0, 0], None));
    // Of what is lost last nothing is seen: asked once, it may have been answered.
    let whole = lossy.replace("!MCF", "no-signal");
    check(&whole, ("unknown", [0, 1, 0, 0], None));
    let whole = whole.replace("DCS,EOP", "DCS,EOP,EOP,EOP");
    check(
        &whole,
        (
            "failed",
            [0, 1, 0, 0],
            Some("nothing followed EOP of the caller"),
        ),
    );
    // By V.34 there are frames that are not read.
    check(
        &whole.replace("say=ced", "say=v8-ansam"),
        ("unknown", [0, 1, 0, 0], None),
    );
    let standing = fax(&format!("{AUDIO}{SWITCH}{whole}"));
    assert_eq!(standing.result, "unknown");
    // What was lost and repeated was heard.
    let repeated = lossy.replace("fax say", "fax repeats=1 say");
    check(&repeated, ("complete", [1, 1, 0, 0], None));
}

#[test]
fn ports_that_carried_audio_carry_fax() {
    let text = format!(
        "{AUDIO}20 A:4000>B:5000 rtp n=4\n{SWITCH_IN_PLACE}\
         200 A:4000>B:5000 fax say=cng,TSI,DCS
         210 B:5000>A:4000 fax say=ced,DIS
         300 A:4000>B:5000 rtp n=4 first=4\n{BYE}"
    );
    let fax = fax(&text);
    let packets: Vec<(&str, u64)> = fax
        .streams
        .iter()
        .map(|own| (own.by.as_str(), own.packets))
        .collect();
    assert_eq!(packets, [("caller", 3), ("callee", 2)]);
    // Both ways of the audio are one stream, before and after.
    let streams = scene::records(&text)
        .into_iter()
        .filter_map(|record| match record {
            Record::RtpStream(stream) => Some(stream.packets),
            _ => None,
        });
    assert_eq!(streams.collect::<Vec<_>>(), [8]);
}

#[test]
fn nothing_is_a_fax_without_a_call_that_takes_one() {
    let text = format!("{AUDIO}200 A:4002>B:5002 fax say=cng,TSI,DCS repeats=1\n{BYE}");
    let records = scene::records(&text);
    let summary = records.iter().find_map(|record| match record {
        Record::Summary(summary) => Some(summary),
        _ => None,
    });
    let summary = summary.expect("a summary");
    assert_eq!(summary.udptl_packets, 0);
    let unread = &summary.not_decoded["UDP that is no SIP, RTP, RTCP or STUN"];
    assert_eq!(*unread, 3);
}

#[test]
fn a_fax_from_behind_a_nat_is_tied_by_where_it_goes_and_where_it_comes_from() {
    // B sends to the address that the NAT of A gave, R; A is seen outside only.
    let text = format!(
        "{AUDIO}{SWITCH}200 R:6002>B:5002 fax say=cng,TSI,DCS
         300 B:5002>R:6002 fax say=ced,DIS\n{BYE}"
    );
    let fax = fax(&text);
    let told: Vec<(&str, &str)> = fax
        .streams
        .iter()
        .map(|own| (own.by.as_str(), own.association.as_str()))
        .collect();
    assert_eq!(told, [("caller", "sdp"), ("callee", "nat")]);
}

#[test]
fn what_is_cut_or_broken_is_counted() {
    let text = format!(
        "{AUDIO}{SWITCH}200 A:4002>B:5002 fax say=cng,TSI,DCS
         600 A:4002>B:5002 octets hex=0003c3000000
         700 A:4002>B:5002 octets hex=0004
         800 A:4002>B:5002 octets hex=00050100\n{BYE}"
    );
    let fax = fax(&text);
    let stream = &fax.streams[0];
    assert_eq!((stream.packets, stream.malformed), (3, 3));
}
