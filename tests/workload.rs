//! The analysis against traffic whose truth is known.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sip_inspect::engine::Config as EngineConfig;
use sip_inspect::inspector::stats::Stats;
use sip_inspect::inspector::{Config, Inspector, PointInfo};
use sip_inspect::packet::{LinkType, Packet};
use sip_inspect::report::{
    CallRecord, ConnectionRecord, IceSessionRecord, Record, StatsRecord, StreamRecord, Summary,
    TurnAllocationRecord,
};
use sip_inspect::tls::KeyLog;
use sip_inspect::workload::{Plan, Truth, Workload, Wrap, generate};

struct Report {
    stats: StatsRecord,
    calls: Vec<CallRecord>,
    streams: Vec<StreamRecord>,
    connections: Vec<ConnectionRecord>,
    turns: Vec<TurnAllocationRecord>,
    ice: Vec<IceSessionRecord>,
    summary: Summary,
}

fn analyze(workload: &Workload) -> Report {
    let mut keys = KeyLog::default();
    keys.add(workload.truth.keys.as_bytes());
    assert_eq!(keys.unread, 0);
    let mut inspector = Inspector::new(Config {
        show_digits: true,
        engine: EngineConfig {
            keys: Arc::new(keys),
            ..EngineConfig::default()
        },
        ..Config::default()
    });
    let point = inspector.add_point(PointInfo {
        file: "made.pcap".to_owned(),
        interface: "if0".to_owned(),
        link_type: LinkType(1),
        digits: 9,
        dropped: None,
    });
    let (mut calls, mut streams, mut summary) = (Vec::new(), Vec::new(), None);
    let (mut connections, mut turns, mut ice) = (Vec::new(), Vec::new(), Vec::new());
    let mut stats = Stats::default();
    let mut take = |record: Record| {
        stats.add(record.clone());
        match record {
            Record::Call(call) => calls.push(*call),
            Record::RtpStream(stream) => streams.push(*stream),
            Record::Connection(own) => connections.push(*own),
            Record::TurnAllocation(own) => turns.push(*own),
            Record::IceSession(own) => ice.push(*own),
            Record::Summary(found) => summary = Some(*found),
            _ => {}
        }
    };
    for ((at, data), number) in workload.packets.iter().zip(1..) {
        inspector.handle(&Packet {
            number,
            timestamp: *at,
            file: 0,
            capture_point: point,
            link_type: LinkType(1),
            original_length: u32::try_from(data.len()).expect("short"),
            data,
        });
        while let Some(record) = inspector.poll_record() {
            take(record);
        }
    }
    inspector.finish();
    while let Some(record) = inspector.poll_record() {
        take(record);
    }
    Report {
        stats: stats.finish(),
        calls,
        streams,
        connections,
        turns,
        ice,
        summary: summary.expect("a summary"),
    }
}

fn check(plan: &Plan) {
    check_within(plan, None);
}

/// Holds the report of a plan against its truth, as it is or inside a tunnel.
fn check_within(plan: &Plan, wrap: Option<Wrap>) {
    let workload = generate(plan);
    let workload = match wrap {
        Some(wrap) => workload.within(wrap),
        None => workload,
    };
    let truth = &workload.truth;
    let report = analyze(&workload);
    let seed = format!("{} {wrap:?}", plan.seed);
    let tunnels = report.summary.tunnels.iter();
    let tunnels = tunnels.map(|seen| seen.tunnel.kind.as_str());
    // Relays are told by themselves.
    let tunnels: Vec<&str> = tunnels.filter(|kind| *kind != "turn").collect();
    let expected = wrap.and_then(Wrap::name);
    assert_eq!(tunnels, expected.into_iter().collect::<Vec<_>>(), "{seed}");

    assert_eq!(report.summary.packets, truth.packets, "seed {seed}");
    assert_eq!(
        report.summary.sip_messages, truth.sip_messages,
        "seed {seed}"
    );
    assert_eq!(
        report.summary.retransmissions, truth.retransmissions,
        "seed {seed}"
    );
    assert_eq!(report.summary.duplicates, 0, "seed {seed}");
    assert!(
        report.summary.complete,
        "seed {seed}: {:?}",
        report.summary.incomplete_reasons
    );

    let outcomes = |calls: &[CallRecord]| -> BTreeMap<String, String> {
        calls
            .iter()
            .map(|call| (call.call_id.clone(), call.outcome.clone()))
            .collect()
    };
    let true_outcomes: BTreeMap<String, String> = truth
        .calls
        .iter()
        .map(|(call_id, call)| (call_id.clone(), call.outcome.clone()))
        .collect();
    assert_eq!(outcomes(&report.calls), true_outcomes, "seed {seed}");
    assert_eq!(report.calls.len(), truth.calls.len(), "seed {seed}");
    for call in &report.calls {
        let expected = &truth.calls[&call.call_id];
        let what = format!("seed {seed}, {} {}", call.call_id, call.outcome);
        assert_eq!(call.messages, expected.messages, "{what}");
        assert_eq!(call.retransmissions, expected.retransmissions, "{what}");
        assert_eq!(call.hops.len(), expected.hops, "{what}");
        // What went as it was to go has no root; who was not answered has one,
        // and who heard nothing for long enough.
        // The capture may end while an INVITE is still repeated.
        let given_up = call.outcome == "incomplete" && call.retransmissions >= 5;
        let refused = matches!(call.outcome.as_str(), "timeout" | "failed") || given_up;
        let deaf = |audio: &String| audio.ends_with("hears-nothing");
        let deaf = expected.audio.as_ref().is_some_and(deaf);
        assert!(!refused || call.root_cause.is_some(), "{what}");
        assert!(
            refused || deaf || call.root_cause.is_none(),
            "{what}: {:?}",
            call.symptoms
        );
        let purposes: Vec<&str> = call
            .exchanges
            .iter()
            .map(|exchange| exchange.purpose.as_str())
            .collect();
        assert_eq!(purposes, expected.purposes, "{what}");
        if plan.media {
            // A hold says nothing of who hears whom; what stands before and
            // after it does.
            let spoken: Vec<&str> = call
                .media
                .iter()
                .filter_map(|media| media.audio.as_deref())
                .filter(|audio| *audio != "held")
                .collect();
            for audio in &spoken {
                assert_eq!(Some(*audio), expected.audio.as_deref(), "{what}");
            }
            assert_eq!(spoken.is_empty(), expected.audio.is_none(), "{what}");
        }
    }

    check_ways(truth, &report, &seed);
    check_faxes(truth, &report, &seed);

    let key = |stream: &StreamRecord| {
        let flow = format!(
            "{} -> {} udp",
            address(&stream.src_ip, stream.src_port),
            address(&stream.dst_ip, stream.dst_port)
        );
        (flow, stream.ssrc)
    };
    let found: Vec<_> = report.streams.iter().map(key).collect();
    for stream in &report.streams {
        assert!(
            truth.streams.contains_key(&key(stream)),
            "seed {seed}: phantom {:?}",
            key(stream)
        );
    }
    assert_eq!(found.len(), truth.streams.len(), "seed {seed}");
    for stream in &report.streams {
        let expected = &truth.streams[&key(stream)];
        let what = format!("seed {seed}, {:?}", key(stream));
        assert_eq!(
            stream.call_id.as_deref(),
            Some(expected.call_id.as_str()),
            "{what}"
        );
        assert_eq!(stream.packets, expected.packets, "{what}");
        assert_eq!(stream.lost, expected.lost, "{what}");
        assert_eq!(stream.duplicates, expected.duplicates, "{what}");
        assert_eq!(stream.dtmf, expected.digits, "{what}");
        let jitter = stream.jitter_ms.expect("a jitter");
        assert!(
            (jitter - expected.jitter_ms).abs() < 0.001,
            "{what}: {jitter} for {}",
            expected.jitter_ms
        );
    }
}

fn address(ip: &str, port: u16) -> String {
    match ip.contains(':') {
        true => format!("[{ip}]:{port}"),
        false => format!("{ip}:{port}"),
    }
}

/// Holds connections, relays and pairs of ICE against the truth.
fn check_ways(truth: &Truth, report: &Report, seed: &str) {
    let mut connections: BTreeMap<String, u64> = BTreeMap::new();
    for own in &report.connections {
        assert!(
            own.sip_messages > 0,
            "seed {seed}: {} carries nothing",
            own.id
        );
        assert_eq!(own.encrypted_not_decoded, 0, "seed {seed}: {}", own.id);
        *connections.entry(own.transport.clone()).or_default() += 1;
    }
    assert_eq!(connections, truth.connections, "seed {seed}");

    assert_eq!(report.turns.len(), truth.turns.len(), "seed {seed}");
    for own in &report.turns {
        let call_id = own.call_id.as_deref().expect("a call");
        let expected = &truth.turns[call_id];
        let what = format!("seed {seed}, {call_id}");
        assert_eq!(own.state, expected.state, "{what}");
        let relayed = own.relayed_ip.as_deref().zip(own.relayed_port);
        let relayed = relayed.map(|(ip, port)| address(ip, port));
        assert_eq!(relayed.as_ref(), Some(&expected.relayed), "{what}");
        assert_eq!(
            own.channels.len(),
            usize::from(expected.has_channel),
            "{what}"
        );
        let carried = [&own.to_peers, &own.from_peers].map(|way| match expected.has_channel {
            true => [way.channel_packets, way.indications],
            false => [way.indications, way.channel_packets],
        });
        assert_eq!(
            carried,
            expected.packets.map(|packets| [packets, 0]),
            "{what}"
        );
        assert_eq!((own.challenges, own.errors.len()), (1, 0), "{what}");
    }

    assert_eq!(report.ice.len(), truth.ice.len(), "seed {seed}");
    for own in &report.ice {
        let call_id = own.call_id.as_deref().expect("a call");
        let expected = &truth.ice[call_id];
        let what = format!("seed {seed}, {call_id}");
        assert_eq!(own.state, "completed", "{what}");
        let selected: Vec<_> = own.pairs.iter().filter(|pair| pair.selected).collect();
        let [pair] = selected.as_slice() else {
            panic!("{what}: {} pairs are selected", selected.len());
        };
        let ends = pair.ends.each_ref().map(|end| address(&end.ip, end.port));
        assert_eq!(ends, expected.selected, "{what}");
        let sent = pair.checks.each_ref().map(|own| own.sent);
        let again = pair.checks.each_ref().map(|own| own.retransmissions);
        assert_eq!(
            (sent, again),
            (expected.checks, expected.retransmissions),
            "{what}"
        );
    }
}

/// Holds faxes against the truth.
fn check_faxes(truth: &Truth, report: &Report, seed: &str) {
    let mut faxes = 0;
    for call in &report.calls {
        let told = call.media.iter().filter_map(|media| media.t38.as_deref());
        let told: Vec<_> = told.collect();
        let expected = truth.faxes.get(&call.call_id);
        let what = format!("seed {seed}, {}", call.call_id);
        assert_eq!(told.len(), usize::from(expected.is_some()), "{what}");
        let (Some(fax), Some(expected)) = (told.first(), expected) else {
            continue;
        };
        faxes += 1;
        let mut for_good = 0;
        let mut is_cut = false;
        for (by, way) in ["caller", "callee"].into_iter().zip(&expected.ways) {
            let own: Vec<_> = fax.streams.iter().filter(|own| own.by == by).collect();
            let [own] = own.as_slice() else {
                panic!("{what}: {} streams of the {by}", own.len());
            };
            assert_eq!(own.packets, way.packets, "{what} {by}");
            assert_eq!(own.expected, way.expected, "{what} {by}");
            assert_eq!(
                (own.lost, own.recovered),
                (way.lost, way.recovered),
                "{what} {by}"
            );
            assert_eq!((own.duplicates, own.malformed), (0, 0), "{what} {by}");
            for_good += own.unrecovered;
            is_cut |= way.is_cut;
        }
        // What is lost for good may be a frame, or only a part of a page.
        if for_good == 0 && !is_cut {
            assert_eq!(fax.result, "complete", "{what}: {:?}", fax.reason);
            assert_eq!(
                (fax.pages_sent, fax.pages_confirmed),
                (2, expected.pages),
                "{what}"
            );
        } else {
            assert!(
                matches!(fax.result.as_str(), "complete" | "unknown"),
                "{what}"
            );
        }
    }
    assert_eq!(faxes, truth.faxes.len(), "seed {seed}");
}

#[test]
fn tls_websockets_ice_turn_and_fax_are_told_exactly() {
    let mut transports = BTreeSet::new();
    let (mut relays, mut sessions, mut faxes) = (0, 0, 0);
    for seed in 1..=8 {
        let plan = Plan::rich(seed, 112);
        check(&plan);
        let made = generate(&plan).truth;
        transports.extend(made.connections.into_keys());
        relays += made.turns.len();
        sessions += made.ice.len();
        faxes += made.faxes.len();
    }
    let transports: Vec<&str> = transports.iter().map(String::as_str).collect();
    assert_eq!(transports, ["tcp", "tls", "ws", "wss"]);
    let counts = [relays, sessions, faxes];
    assert!(counts.iter().all(|count| *count > 15), "{counts:?}");
    // Half of all is noise, and all of it inside a tunnel.
    let noisy = Plan {
        noise: 0.5,
        ..Plan::rich(41, 84)
    };
    check(&noisy);
    check_within(&noisy, Some(Wrap::Vxlan));
}

#[test]
fn a_mix_of_everything_is_told_exactly() {
    for seed in 1..=12 {
        check(&Plan::mix(seed, 56));
    }
}

#[test]
fn any_tunnel_around_it_changes_nothing() {
    for wrap in Wrap::ALL {
        let plan = Plan {
            noise: 0.5,
            talk_s: 2,
            ..Plan::mix(31, 56)
        };
        check_within(&plan, Some(wrap));
    }
}

#[test]
fn noise_makes_no_phantoms() {
    check(&Plan {
        noise: 0.9,
        talk_s: 1,
        ..Plan::mix(77, 28)
    });
    let silent = Plan {
        calls: 0,
        noise: 1.0,
        ..Plan::mix(78, 0)
    };
    let mut workload = generate(&Plan {
        noise: 0.9,
        ..Plan::mix(79, 14)
    });
    // Only what is noise: nothing may be found in it.
    let sip_free: Vec<_> = generate(&Plan {
        noise: 0.0,
        ..Plan::mix(79, 14)
    })
    .packets;
    workload.packets.retain(|packet| !sip_free.contains(packet));
    let report = analyze(&workload);
    assert!(!workload.packets.is_empty());
    assert_eq!((report.calls.len(), report.streams.len()), (0, 0));
    assert_eq!(generate(&silent).packets.len(), 0);
}

#[test]
fn the_same_seed_gives_the_same_packets() {
    let packets = |seed| generate(&Plan::mix(seed, 14)).packets;
    assert_eq!(packets(5), packets(5));
    assert_ne!(packets(5), packets(6));
}

#[test]
fn signalling_alone_and_media_alone() {
    check(&Plan::sip(9, 140));
    check(&Plan {
        talk_s: 5,
        ..Plan::rtp(10, 20)
    });
}

#[test]
fn statistics_equal_the_truth() {
    let workload = generate(&Plan::sip(21, 1400));
    let stats = analyze(&workload).stats;
    let count = |wanted: &[&str]| {
        let calls = workload.truth.calls.values();
        calls
            .filter(|call| wanted.contains(&call.outcome.as_str()))
            .count() as u64
    };
    let all = workload.truth.calls.len() as u64;
    let answered = count(&["completed", "established"]);
    let attempts = all - count(&["redirected"]);
    assert_eq!(stats.calls, all);
    let ratio = &stats.session_establishment_ratio;
    assert_eq!((ratio.counted, ratio.of), (answered, attempts));
    let ratio = &stats.session_establishment_effectiveness_ratio;
    assert_eq!(
        (ratio.counted, ratio.of),
        (answered + count(&["busy", "declined"]), attempts)
    );
    let ratio = &stats.ineffective_session_attempts;
    assert_eq!(
        (ratio.counted, ratio.of),
        (count(&["failed", "timeout"]), all)
    );
    let ratio = &stats.session_completion_ratio;
    assert_eq!((ratio.counted, ratio.of), (count(&["completed"]), all));
    assert_eq!(stats.session_duration_time.count, count(&["completed"]));
    // Every callee rings after 20 ms, on one hop, unless challenged first.
    let delay = stats.session_request_delay_successful.p50.expect("delays");
    assert!((20.0..21.0).contains(&delay), "{delay}");
    let register = stats.ineffective_registration_attempts;
    assert_eq!((register.counted, register.of), (0, 100));
}
