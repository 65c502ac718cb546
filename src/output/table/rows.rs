//! One record as one line's cells: short, painted, and harmless.

use colored::Colorize as _;

use crate::output::escape::terminal;
use crate::output::verdicts::counted;
use crate::report::{
    CallRecord, ConnectionRecord, DnsLookupRecord, ExchangeRecord, IceSessionRecord, MediaRecord,
    RegistrationRecord, RelayedRecord, StreamRecord, SubscriptionRecord, TurnAllocationRecord,
    TurnConnectionRecord,
};

/// One call, as short as the table needs it.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) index: u64,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) outcome: String,
    pub(super) status: String,
    pub(super) pdd: String,
    pub(super) talk: String,
    pub(super) audio: String,
    pub(super) ended_by: String,
    pub(super) notes: Vec<String>,
    /// Who held the call, from when until when.
    pub(super) holds: Vec<(String, String, Option<String>)>,
    /// To whom it was transferred, and how that went.
    pub(super) transfers: Vec<(String, String)>,
    pub(super) call_id: String,
    /// Kind of tie and the other Call-ID.
    pub(super) legs: Vec<(String, String)>,
    pub(super) started: Option<String>,
    pub(super) detail: Vec<String>,
}

pub(super) fn painted(outcome: &str) -> String {
    match outcome {
        "completed" | "established" => outcome.green(),
        "failed" | "timeout" => outcome.red(),
        "incomplete" => outcome.normal(),
        _ => outcome.yellow(),
    }
    .to_string()
}

/// A duration as short as it can be read.
pub(super) fn short(ms: Option<f64>) -> String {
    match ms {
        None => "-".to_owned(),
        Some(ms) if ms < 1000.0 => format!("{ms:.0} ms"),
        Some(ms) if ms < 100_000.0 => format!("{:.2} s", ms / 1000.0),
        Some(ms) => format!("{:.0} s", ms / 1000.0),
    }
}

fn party<'a>(user: Option<&'a String>, uri: Option<&'a String>) -> String {
    user.or(uri)
        .map_or_else(|| "-".to_owned(), |text| terminal(text).into_owned())
}

pub(super) fn row(call: &CallRecord) -> Row {
    let from = party(call.from_user.as_ref(), call.from_uri.as_ref());
    let to = party(call.to_user.as_ref(), call.to_uri.as_ref());
    let spoken = call.media.iter().filter(|media| media.kind == "audio");
    let verdicts: Vec<&MediaRecord> = spoken
        .filter(|media| media.audio.as_deref().is_some_and(|audio| audio != "held"))
        .collect();
    let judged = |media: &&&MediaRecord| media.audio.as_deref() != Some("unknown");
    let worst = verdicts
        .iter()
        .find(|media| !matches!(media.audio.as_deref(), Some("both" | "unknown")))
        .or_else(|| verdicts.iter().rfind(judged))
        .or_else(|| verdicts.last());
    let audio = match worst.and_then(|media| media.audio.as_deref()) {
        None => "-".to_owned(),
        Some("both") => format!("{} {}", "✓".green(), "✓".green()),
        Some("caller-hears-nothing") => format!("{} {from} hears nothing", "✗".red()),
        Some("callee-hears-nothing") => format!("{} {to} hears nothing", "✗".red()),
        Some("none") => format!("{} none", "✗".red()),
        Some(other) => other.to_owned(),
    };
    let ended_by = match call.ended_by.as_deref() {
        None => "-".to_owned(),
        Some("caller") => from.clone(),
        Some("callee") => to.clone(),
        Some(other) => match &call.cause.by_address {
            Some(address) => format!("{other} {address}"),
            None => other.to_owned(),
        },
    };
    let mut notes = Vec::new();
    if call.outcome != "completed"
        && call.outcome != "established"
        && let Some(phrase) = &call.cause.reason_phrase
    {
        notes.push(terminal(phrase).into_owned());
    }
    if let Some(ms) = call.ring_ms.filter(|ms| *ms >= 1000.0) {
        notes.push(format!("rang {}", short(Some(ms))));
    }
    let by = |exchange: &ExchangeRecord| match exchange.by.as_deref() {
        Some("caller") => from.clone(),
        _ => to.clone(),
    };
    let (mut holds, mut transfers) = (Vec::new(), Vec::new());
    for exchange in &call.exchanges {
        match exchange.purpose.as_str() {
            "transfer" => {
                let value = exchange.target.as_deref().unwrap_or_default();
                let target = crate::sip::header::NameAddr::parse(value.as_bytes());
                let user = crate::octets::text(target.parsed_uri().user_name());
                let peer = if by(exchange) == from { &to } else { &from };
                transfers.push((
                    format!("transferred {peer} to {}", terminal(&user)),
                    exchange.result.clone(),
                ));
            }
            "hold" if exchange.result == "ok" => {
                holds.push((by(exchange), exchange.started.clone(), None));
            }
            "resume" if exchange.result == "ok" => {
                if let Some((_, _, until)) = holds.last_mut() {
                    *until = Some(exchange.started.clone());
                }
            }
            "t38" | "codec-change" if exchange.result == "ok" => {
                notes.push(format!("{} by {}", exchange.purpose, by(exchange)));
            }
            _ => {}
        }
    }
    if call.answer_retransmissions > 2 {
        notes.push(format!(
            "answer sent {} times",
            call.answer_retransmissions + 1
        ));
    }
    if call.media.iter().any(|media| media.icmp_errors > 0) && call.outcome != "completed" {
        notes.push("ICMP errors on media".to_owned());
    }
    for own in call.media.iter().filter_map(|media| media.msrp.as_ref()) {
        let messages = own.caller.messages + own.callee.messages;
        notes.push(format!("{messages} messages by MSRP"));
    }
    notes.dedup();
    let mut detail = Vec::new();
    for media in &call.media {
        if let (Some(reason), Some(audio)) = (&media.audio_reason, &media.audio)
            && audio != "unknown"
        {
            detail.push(terminal(reason).into_owned());
        }
    }
    Row {
        index: call.index,
        from,
        to,
        outcome: call.outcome.clone(),
        status: call
            .final_status
            .map_or_else(|| "-".to_owned(), |status| status.to_string()),
        pdd: short(call.pdd_ms),
        talk: short(call.talk_ms),
        audio,
        ended_by,
        notes,
        holds,
        transfers,
        call_id: call.call_id.clone(),
        legs: call
            .legs
            .iter()
            .map(|leg| (leg.kind.clone(), leg.call_id.clone()))
            .collect(),
        started: call.started.clone(),
        detail,
    }
}

/// The selected pairs of a session, or all of them where none was selected.
pub(super) fn ice_rows(session: &IceSessionRecord) -> Vec<[String; 4]> {
    let is_settled = session.pairs.iter().any(|pair| pair.selected);
    let mut name = match session.generation {
        1 => session.id.clone(),
        generation => format!("{} (restart {})", session.id, generation - 1),
    };
    if session.pairs.is_empty() {
        return Vec::new();
    }
    let mut rows = Vec::new();
    for pair in (session.pairs.iter()).filter(|pair| pair.selected || !is_settled) {
        let [one, other] = &pair.ends;
        let [own, peer] = [one, other].map(|end| end.kind.as_deref().map_or("?", |kind| kind));
        let component = match pair.component {
            Some(1) => " RTP".to_owned(),
            Some(2) => " RTCP".to_owned(),
            Some(other) => format!(" {other}"),
            None => String::new(),
        };
        let state = match pair.state.as_str() {
            "failed" => "failed".red(),
            _ if pair.selected => "selected".green(),
            other => other.normal(),
        };
        let mut note = vec![format!("{} to {}", terminal(own), terminal(peer))];
        note.extend(
            pair.reason
                .as_deref()
                .map(|reason| terminal(reason).into_owned()),
        );
        let rtt = pair.checks.iter().filter_map(|own| own.rtt_ms);
        let rtt = rtt.reduce(f64::min);
        let settled = pair.nominated_ms.filter(|_| pair.selected);
        note.extend(settled.map(|ms| format!("after {}", short(Some(ms)))));
        note.extend(rtt.map(|ms| format!("{ms:.1} ms there and back")));
        rows.push([
            format!("{name}{component}"),
            format!(
                "{} - {}",
                address(&one.ip, one.port),
                address(&other.ip, other.port)
            ),
            state.to_string(),
            note.join(", "),
        ]);
        name = " ".repeat(name.chars().count());
    }
    let counted = |state: &str| {
        session
            .pairs
            .iter()
            .filter(|own| own.state == state)
            .count()
    };
    let mut notes = Vec::new();
    let chosen = |component| {
        let mut pairs = session.pairs.iter();
        pairs.any(|own| own.selected && own.component == component)
    };
    if is_settled && session.pairs.iter().any(|own| own.component == Some(2)) && !chosen(Some(2)) {
        notes.push("RTCP has no nominated pair".to_owned());
    }
    if session.role_conflicts > 0 {
        notes.push(format!("{} role conflicts", session.role_conflicts));
    }
    rows.push([
        name,
        format!(
            "{} pairs tried, {} failed",
            session.pairs.len(),
            counted("failed")
        ),
        session.state.clone(),
        notes.join(", "),
    ]);
    rows
}

pub(super) fn turn_row(allocation: &TurnAllocationRecord) -> [String; 4] {
    let end = |ip: &Option<String>, port: Option<u16>| {
        let ends = ip.as_ref().zip(port);
        ends.map_or_else(|| "-".to_owned(), |(ip, port)| address(ip, port))
    };
    let way = format!(
        "{} -> {}",
        address(&allocation.src_ip, allocation.src_port),
        address(&allocation.dst_ip, allocation.dst_port)
    );
    let state = match allocation.state.as_str() {
        "failed" | "expired" | "no-answer" => allocation.state.red(),
        _ => allocation.state.normal(),
    };
    let packets = |own: &RelayedRecord| own.indications + own.channel_packets;
    let connections = &allocation.connections;
    let octets = |of: fn(&TurnConnectionRecord) -> u64| connections.iter().map(of).sum::<u64>();
    let mut notes = vec![match allocation.relays.as_str() {
        "tcp" => format!(
            "{}, {} octets out, {} in",
            counted(connections.len() as u64, "TCP connection"),
            octets(|own| own.bytes_to_peer),
            octets(|own| own.bytes_from_peer)
        ),
        _ => format!(
            "{} packets out, {} in",
            packets(&allocation.to_peers),
            packets(&allocation.from_peers)
        ),
    }];
    if !allocation.channels.is_empty() {
        notes.push(counted(allocation.channels.len() as u64, "channel"));
    }
    match allocation.refreshes {
        0 => {}
        1 => notes.push("1 refresh".to_owned()),
        count => notes.push(format!("{count} refreshes")),
    }
    if let Some(moved) = allocation.moves.last() {
        let from = address(&moved.from_ip, moved.from_port);
        notes.push(format!("moved from {from}"));
    }
    for error in allocation.errors.iter().take(3) {
        notes.push(
            format!("{} {}", terminal(&error.method), error.code)
                .red()
                .to_string(),
        );
    }
    [
        way,
        end(&allocation.relayed_ip, allocation.relayed_port),
        state.to_string(),
        notes.join(", "),
    ]
}

pub(super) fn connection_row(connection: &ConnectionRecord) -> [String; 4] {
    let way = format!(
        "{} -> {}",
        address(&connection.src_ip, connection.src_port),
        address(&connection.dst_ip, connection.dst_port)
    );
    let kind = match &connection.tls_version {
        Some(version) => terminal(version).into_owned(),
        None => connection.transport.to_uppercase(),
    };
    let kind = match connection.transport.as_str() {
        "ws" => "WebSocket".to_owned(),
        "wss" => format!("WebSocket, {kind}"),
        _ => kind,
    };
    let state = match connection.state.as_str() {
        "refused" | "no-answer" => connection.state.red(),
        _ => connection.state.normal(),
    };
    let mut notes = Vec::new();
    if connection.sip_messages > 0 {
        notes.push(format!("{} SIP messages", connection.sip_messages));
    }
    if connection.encrypted_not_decoded > 0 {
        let closed = connection.encrypted_not_decoded;
        let all = closed + connection.encrypted_decoded;
        let reason = connection
            .not_decoded_reason
            .as_deref()
            .unwrap_or("no keys");
        notes.push(format!("{closed} of {all} records not decrypted: {reason}"));
    }
    if let Some(name) = &connection.sni {
        notes.push(format!("to {}", terminal(name)));
    }
    if let Some(alert) = connection
        .alert
        .as_ref()
        .filter(|alert| *alert != "close_notify")
    {
        notes.push(format!("alert {alert}").red().to_string());
    }
    if connection.syn_retransmissions > 0 {
        notes.push(format!(
            "SYN sent {} times",
            connection.syn_retransmissions + 1
        ));
    }
    if let Some(side) = &connection.closed_by {
        notes.push(format!("closed by {side}"));
    }
    [way, kind, state.to_string(), notes.join(", ")]
}

pub(super) fn lookup_row(lookup: &DnsLookupRecord) -> [String; 4] {
    let asked = format!("{} {}", lookup.qtype, terminal(&lookup.name));
    let empty = lookup.answers.is_empty();
    let result = match lookup.rcode.as_deref() {
        None => "no answer".red(),
        Some("NOERROR") if empty => "nothing there".red(),
        Some("NOERROR") => "found".normal(),
        Some(other) => other.red(),
    };
    let mut answers: Vec<String> = lookup
        .answers
        .iter()
        .take(3)
        .map(|answer| terminal(answer).into_owned())
        .collect();
    let more = lookup.answers.len().saturating_sub(3);
    if more > 0 {
        answers.push(format!("+{more}"));
    }
    let mut notes = Vec::new();
    if let Some(ms) = lookup.rtt_ms {
        notes.push(short(Some(ms)));
    }
    if lookup.retries > 0 {
        notes.push(format!("asked {} times", lookup.retries + 1));
    }
    if lookup.truncated {
        notes.push("cut, to be asked again over TCP".to_owned());
    }
    notes.push(format!("{} asks {}", lookup.src_ip, lookup.dst_ip));
    [
        asked,
        result.to_string(),
        answers.join(", "),
        notes.join(", "),
    ]
}

pub(super) fn subscription_row(subscription: &SubscriptionRecord) -> [String; 4] {
    let uri = |uri: &Option<String>| terminal(uri.as_deref().unwrap_or("?")).into_owned();
    let who = format!(
        "{} to {}",
        uri(&subscription.from_uri),
        uri(&subscription.to_uri)
    );
    let state = match subscription.state.as_str() {
        "active" => subscription.state.green(),
        "rejected" | "unanswered" | "expired" => subscription.state.red(),
        _ => subscription.state.yellow(),
    };
    let mut notes = Vec::new();
    if let Some(seconds) = subscription.expires_granted_s {
        notes.push(format!("{seconds} s"));
    }
    notes.push(format!("{} NOTIFYs", subscription.notifies));
    if subscription.notifies_failed > 0 {
        let line = format!("{} not accepted", subscription.notifies_failed);
        notes.push(line.red().to_string());
    }
    if !subscription.asked_for {
        notes.push("nobody was seen to ask".to_owned());
    }
    if let Some(status) = subscription.last_status.filter(|status| *status >= 300) {
        notes.push(status.to_string());
    }
    if let Some(reason) = &subscription.reason {
        notes.push(terminal(reason).into_owned());
    }
    [
        who,
        state.to_string(),
        terminal(&subscription.event).into_owned(),
        notes.join(", "),
    ]
}

pub(super) fn device(registration: &RegistrationRecord) -> [String; 4] {
    let state = match registration.state.as_str() {
        "registered" => registration.state.green(),
        "failed" | "expired" => registration.state.red(),
        _ => registration.state.yellow(),
    };
    let granted = registration
        .expires_granted_s
        .map_or_else(String::new, |seconds| format!(" {seconds} s"));
    let uri = registration.contact.as_deref().unwrap_or_default();
    let parsed = crate::sip::Uri::parse(uri.as_bytes());
    let host = crate::octets::text(parsed.host);
    let contact = match parsed.port {
        Some(port) => address(&host, port),
        None => host,
    };
    let seen = match (&registration.received_ip, registration.received_port) {
        (Some(ip), Some(port)) => format!(", seen from {}", address(ip, port)),
        _ => String::new(),
    };
    let mut notes = Vec::new();
    if let Some(algorithm) = &registration.auth_algorithm {
        notes.push(format!("digest {}", terminal(algorithm)));
    }
    if let Some(ms) = registration.register_delay_ms {
        notes.push(short(Some(ms)));
    }
    if registration.auth_failures > 0 {
        notes.push(format!("{} times refused", registration.auth_failures));
    }
    if let Some(seconds) = registration.keepalive_interval_s {
        notes.push(format!("kept alive every {seconds:.0} s"));
    }
    if registration.refreshes > 0 {
        notes.push(format!("{} refreshes", registration.refreshes));
    }
    if let Some(gap) = registration.gap_s {
        notes.push(format!("had run out for {gap:.0} s"));
    }
    if let Some(status) = registration.last_status.filter(|status| *status >= 300) {
        notes.push(format!("last {status}"));
    }
    [
        terminal(&registration.address_of_record).into_owned(),
        format!("{state}{granted}"),
        format!("{}{seen}", terminal(&contact)),
        notes.join(", "),
    ]
}

pub(super) fn address(ip: &str, port: u16) -> String {
    if ip.contains(':') {
        format!("[{ip}]:{port}")
    } else {
        format!("{ip}:{port}")
    }
}

pub(super) fn stream_row(stream: &StreamRecord) -> [String; 10] {
    let points = stream.capture_points.join(" ");
    let ptime = match (stream.frame_rate, stream.ptime_ms) {
        (Some(rate), _) => format!(" {rate:.0} fps"),
        (None, Some(ptime)) => format!(" {ptime:.0} ms"),
        (None, None) => String::new(),
    };
    let codec = match &stream.codec {
        Some(codec) => format!("{}{ptime}", terminal(codec)),
        None => format!(
            "type {}{ptime}",
            stream.payload_types.first().copied().unwrap_or_default()
        ),
    };
    let place = match stream.lost_at.as_deref() {
        Some("capture") => " in the capture alone",
        Some("after") => ", more after this point",
        _ => "",
    };
    let lost = format!("{} ({} %){place}", stream.lost, stream.loss_percent);
    [
        match &stream.direction {
            Some(direction) => format!("{direction} @{}", terminal(&points)),
            None => format!("no call @{}", terminal(&points)),
        },
        format!(
            "{} -> {}",
            address(&stream.src_ip, stream.src_port),
            address(&stream.dst_ip, stream.dst_port)
        ),
        codec,
        stream.ssrc_hex.clone(),
        stream.packets.to_string(),
        if stream.lost > 0 {
            lost.red().to_string()
        } else {
            lost
        },
        stream
            .jitter_ms
            .map_or_else(|| "-".to_owned(), |ms| format!("{ms:.1} ms")),
        if stream.payload_kind == "audio" {
            format!("{:.0} ms", stream.gap_max_ms)
        } else {
            "-".to_owned()
        },
        stream
            .mos
            .map_or_else(|| "-".to_owned(), |mos| format!("{mos:.2}")),
        stream.dtmf.clone(),
    ]
}
