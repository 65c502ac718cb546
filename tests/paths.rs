//! One call at two capture points: what passed, how long it took, what was changed and
//! what was lost between.

mod common;

use common::scene;
use sip_inspect::report::{PathRecord, Record};

fn paths(text: &str) -> Vec<PathRecord> {
    let records = scene::records(text).into_iter();
    let calls = records.filter_map(|record| match record {
        Record::Call(call) => Some(call.paths),
        _ => None,
    });
    calls.flatten().collect()
}

/// Messages with what each is, seen at point 0 and so many milliseconds later at point
/// 1; `!` marks one that gets lost between, `<` one that goes the other way.
fn scene_of(later: i64) -> String {
    let lines = [
        "A>B INVITE sdp=4000",
        "<B>A 100",
        "<B>A 200 to=t sdp=5000",
        "A>B ACK branch=2 to=t",
        "A>B INFO branch=3 cseq=2 to=t",
        "!A>B INFO branch=4 cseq=3 to=t",
        "<B>A 200 method=INFO branch=3 cseq=2 to=t",
        "A>B BYE branch=5 cseq=4 to=t",
        "<B>A 200 method=BYE branch=5 cseq=4 to=t",
    ];
    let mut text = String::new();
    for (place, line) in (0_i64..).zip(lines) {
        let what = line.trim_start_matches(['<', '!']);
        let (near, far) = match line.starts_with('<') {
            true => (1, 0),
            false => (0, 1),
        };
        // The clock of point 1 is ahead by `later`; the way takes 2 ms.
        let mut shown = |point: i64, spent: i64, ttl: u8| {
            let ms = 1000 + place * 1000 + spent + point * later;
            text += &format!("{ms} {what} id={} at={point} ttl={ttl}\n", 40 + place);
        };
        shown(near, 0, 64);
        if !line.starts_with('!') {
            shown(far, 2, 63);
        }
    }
    text
}

/// By the hops left, whatever the clocks say: each way, its messages, losses and times,
/// and there and back without the clocks.
#[test]
fn ways_are_told_by_hops_and_clocks_cancel_out() {
    for ahead in [0, 50, -50] {
        let text = scene_of(ahead);
        let told: Vec<_> = (paths(&text).iter())
            .map(|own| {
                (
                    own.messages,
                    own.messages_lost,
                    own.delay_min_ms,
                    own.round_trip_ms,
                )
            })
            .collect();
        let by = ahead as f64;
        let expected = [
            (4, 1, Some(2.0 + by), Some(4.0)),
            (4, 0, Some(2.0 - by), Some(4.0)),
        ];
        assert_eq!(told, expected, "{ahead}: {text}");
    }
}

#[test]
fn what_is_changed_between_is_told_without_secrets() {
    let text = "\
0 A>B INVITE sdp=4000 id=40 at=0 ttl=64 header=Authorization:_Digest_response=\"secret\"
1 A>B INVITE sdp=4001 id=40 at=1 ttl=63 header=Authorization:_Digest_response=\"hidden\"
";
    let paths = paths(text);
    let fields: Vec<&str> = (paths[0].changes.iter())
        .map(|own| own.field.as_str())
        .collect();
    assert_eq!(fields, ["Authorization", "SDP o=", "SDP m="]);
    assert_eq!(paths[0].messages_changed, 1);
    let told = format!("{paths:?}");
    assert!(
        !told.contains("secret") && !told.contains("hidden"),
        "{told}"
    );
}

#[test]
fn packets_that_are_missing_at_the_next_point_are_counted() {
    let call = "\
0 A>B INVITE sdp=4000 id=40 at=0 ttl=64
1 A>B INVITE sdp=4000 id=40 at=1 ttl=63
20 B>A 200 to=t sdp=5000 id=41 at=1 ttl=64
21 B>A 200 to=t sdp=5000 id=41 at=0 ttl=63
30 A>B ACK branch=2 to=t id=42 at=0 ttl=64
31 A>B ACK branch=2 to=t id=42 at=1 ttl=63
";
    let check = |near: &str, far: &str, expected: Option<(u64, u64)>| {
        let text = format!(
            "{call}100 A:4000>B:5000 rtp at=0 ttl=64 {near}\n101 A:4000>B:5000 rtp at=1 ttl=63 {far}\n"
        );
        let paths = paths(&text);
        let own = paths
            .iter()
            .find(|own| own.from != own.to && own.rtp_packets > 0);
        assert_eq!(
            own.map(|own| (own.rtp_packets, own.rtp_packets_lost)),
            expected,
            "{text}"
        );
    };
    check("n=300", "n=300", Some((300, 0)));
    check("n=301", "n=301 skip=30", Some((301, 10)));
    // The nearer one misses more: its capture does.
    check("n=301 skip=30", "n=301", Some((291, 0)));
    // Captured for half of the time alone: nothing can be said.
    check("n=300", "n=150", None);
}
