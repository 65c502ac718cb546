//! What was measured, as rows of a name and a value.

use crate::report::{
    AlgMeasurements, CallDirection, CallMeasurements, DnsMeasurements, NatMeasurements,
    OptionsMeasurements, Pings, RegisterMeasurements, Spread, StunMeasurements, TurnMeasurements,
};

pub(super) type Rows = Vec<(&'static str, String)>;

fn known(value: Option<&String>) -> String {
    value.cloned().unwrap_or_else(|| "-".to_owned())
}

fn pings(own: &Pings) -> Rows {
    let server = known(own.server.as_ref());
    let (answers, requests, loss) = (own.answers, own.requests, own.loss_percent);
    let mut rows = vec![
        ("server", format!("{server} ({})", own.transport)),
        ("this host", known(own.local_address.as_ref())),
        ("seen as", known(own.mapped_address.as_ref())),
        (
            "answers",
            format!("{answers} of {requests} ({loss} % lost)"),
        ),
    ];
    rows.extend(round_trips(own.rtt_ms.as_ref()));
    rows
}

pub(super) fn stun(own: &StunMeasurements) -> Rows {
    let mut rows = pings(&own.pings);
    rows.push(("software", known(own.software.as_ref())));
    if !own.supports.is_empty() {
        rows.push(("supports", own.supports.join(", ")));
    }
    if let Some(other) = &own.other_address {
        rows.push(("other address", other.clone()));
    }
    if let Some(other) = &own.alternate_server {
        rows.push(("asks to ask", other.clone()));
    }
    if let Some(code) = own.error_code {
        rows.push(("refused with", code.to_string()));
    }
    if own.is_rewritten {
        rows.push((
            "on the way",
            "addresses in payloads are rewritten (ALG)".to_owned(),
        ));
    }
    rows
}

fn round_trips(rtt: Option<&Spread>) -> Option<(&'static str, String)> {
    let rtt = rtt?;
    let ms = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |own| own.to_string());
    let (least, mean, most) = (ms(rtt.min), ms(rtt.mean), ms(rtt.max));
    Some((
        "round trip in ms",
        format!("{least} least, {mean} mean, {most} most"),
    ))
}

pub(super) fn options(own: &OptionsMeasurements) -> Rows {
    let mut rows = pings(&own.pings);
    if let Some(status) = own.status {
        let reason = own.reason_phrase.as_deref().unwrap_or_default();
        rows.push(("last answer", format!("{status} {reason}")));
    }
    rows.push(("software", known(own.software.as_ref())));
    for (name, values) in [
        ("allows", &own.allow),
        ("supports", &own.supported),
        ("accepts", &own.accept),
    ] {
        if !values.is_empty() {
            rows.push((name, values.join(", ")));
        }
    }
    for hop in &own.hops {
        let status = hop
            .status
            .map_or_else(|| "no answer".to_owned(), |own| own.to_string());
        let software = hop.software.as_deref().unwrap_or("-");
        rows.push((
            "way",
            format!("after {} hops: {status} from {software}", hop.max_forwards),
        ));
    }
    rows
}

pub(super) fn register(own: &RegisterMeasurements) -> Rows {
    let mut rows = vec![
        (
            "registrar",
            format!("{} ({})", known(own.server.as_ref()), own.transport),
        ),
        ("who", own.address_of_record.clone()),
        ("this host", known(own.local_address.as_ref())),
        ("seen as", known(own.mapped_address.as_ref())),
    ];
    if let Some(status) = own.status {
        let reason = own.reason_phrase.as_deref().unwrap_or_default();
        rows.push(("last answer", format!("{status} {reason}")));
    }
    if let (Some(realm), Some(algorithm)) = (&own.realm, &own.algorithm) {
        let qop = own.qop.as_ref().map(|own| format!(", qop {own}"));
        let qop = qop.unwrap_or_default();
        rows.push(("challenge", format!("{algorithm} for {realm}{qop}")));
    } else if own.is_open {
        rows.push(("challenge", "none: anybody may register".to_owned()));
    }
    if let Some(granted) = own.expires_granted_s {
        let asked = own.expires_requested_s;
        rows.push(("granted", format!("{granted} s of {asked} s asked for")));
    }
    for binding in &own.bindings {
        let left = binding.expires_s.map(|own| format!(", {own} s left"));
        let whose = if binding.is_own {
            " (the probe's own)"
        } else {
            ""
        };
        let left = left.unwrap_or_default();
        rows.push(("listed", format!("{}{left}{whose}", binding.contact)));
    }
    let mut more = |name, value: Option<bool>| {
        if let Some(value) = value {
            rows.push((name, if value { "yes" } else { "no" }.to_owned()));
        }
    };
    more("refreshed", own.refreshed);
    more("removed at the end", own.removed);
    rows
}

pub(super) fn call(own: &CallMeasurements) -> Rows {
    let mut rows = vec![
        ("called", own.request_uri.clone()),
        (
            "server",
            format!("{} ({})", known(own.server.as_ref()), own.transport),
        ),
        ("this host", known(own.local_address.as_ref())),
        ("seen as", known(own.mapped_address.as_ref())),
    ];
    for redirect in &own.redirects {
        rows.push(("redirected to", redirect.clone()));
    }
    if let (Some(realm), Some(algorithm)) = (&own.realm, &own.algorithm) {
        rows.push(("challenge", format!("{algorithm} for {realm}")));
    }
    if let Some(status) = own.status {
        let reason = own.reason_phrase.as_deref().unwrap_or_default();
        rows.push(("answer", format!("{status} {reason}")));
    }
    let ms = |own: Option<f64>| own.map_or_else(|| "-".to_owned(), |own| format!("{own:.0} ms"));
    rows.push((
        "times",
        format!(
            "ringing after {}, answered after {}, talked {}",
            ms(own.pdd_ms),
            ms(own.setup_ms),
            ms(own.talk_ms)
        ),
    ));
    if own.forks > 0 {
        rows.push(("forked", format!("{} more answers, each ended", own.forks)));
    }
    let Some(codec) = &own.codec else {
        return rows;
    };
    let (to, from) = (
        known(own.remote_media.as_ref()),
        known(own.heard_from.as_ref()),
    );
    rows.push((
        "media",
        format!("{} ({codec}), to {to}, from {from}", own.media),
    ));
    let hz = own.tone_hz.unwrap_or_default();
    let heard = match own.heard.as_str() {
        "own-tone" => format!("our own tone of {hz} Hz"),
        "other" => format!("something, but not our tone of {hz} Hz"),
        "silence" => "silence".to_owned(),
        _ => "nothing".to_owned(),
    };
    let first = own
        .first_packet_ms
        .map(|own| format!(", first after {own:.0} ms"));
    rows.push(("heard", format!("{heard}{}", first.unwrap_or_default())));
    rows.push(("to the peer", one_way(&own.to_peer)));
    rows.push(("from the peer", one_way(&own.from_peer)));
    if let Some(rtt) = own.rtt_ms {
        rows.push(("round trip", format!("{rtt:.1} ms (RTCP)")));
    }
    if own.dtmf_sent > 0 {
        let (sent, back) = (own.dtmf_sent, own.dtmf_back);
        rows.push(("digits", format!("{sent} sent, {back} came back")));
    }
    if let Some(by) = &own.ended_by {
        let status = own.bye_status.map(|own| format!(", BYE answered {own}"));
        rows.push(("ended by", format!("{by}{}", status.unwrap_or_default())));
    }
    rows
}

pub(super) fn turn(own: &TurnMeasurements) -> Rows {
    let server = known(own.server.as_ref());
    let mut rows = vec![
        ("server", format!("{server} ({})", own.transport)),
        ("software", known(own.software.as_ref())),
        ("this host", known(own.local_address.as_ref())),
        ("seen as", known(own.mapped_address.as_ref())),
    ];
    if let Some(realm) = &own.realm {
        rows.push(("realm", realm.clone()));
    } else if own.is_open {
        rows.push(("realm", "none: anybody may relay".to_owned()));
    }
    if let Some(code) = own.error_code {
        rows.push(("refused with", code.to_string()));
    }
    if let Some(other) = &own.alternate_server {
        rows.push(("asks to ask", other.clone()));
    }
    let Some(relayed) = &own.relayed_address else {
        return rows;
    };
    let lifetime = own.lifetime_s.map(|own| format!(", for {own} s"));
    rows.push((
        "relays from",
        format!("{relayed}{}", lifetime.unwrap_or_default()),
    ));
    rows.push(("peer seen as", known(own.peer_address.as_ref())));
    let ms = |own: Option<f64>| own.map_or_else(|| "-".to_owned(), |own| format!("{own:.1} ms"));
    let (allocate, permission, first) = (own.allocate_ms, own.permission_ms, own.first_ms);
    rows.push((
        "times",
        format!(
            "allocated after {}, permission in {}, first packet after {}",
            ms(allocate),
            ms(permission),
            ms(first)
        ),
    ));
    rows.push(("to the peer", one_way(&own.to_peer)));
    rows.push(("from the peer", one_way(&own.from_peer)));
    rows.extend(round_trips(own.rtt_ms.as_ref()));
    let mut more = |name, value: Option<bool>| {
        if let Some(value) = value {
            rows.push((name, if value { "yes" } else { "no" }.to_owned()));
        }
    };
    more("itself refused", own.loopback_refused);
    more("refreshed", own.refreshed);
    more("given back", own.released);
    more("silent after that", own.silent_after);
    rows
}

pub(super) fn alg(own: &AlgMeasurements) -> Rows {
    let mut rows = vec![
        ("this host", known(own.local_address.as_ref())),
        ("seen as", known(own.source.as_ref())),
    ];
    if !own.changed.is_empty() {
        rows.push(("rewritten", own.changed.join(", ")));
    }
    if !own.unaltered.is_empty() {
        rows.push(("left alone", own.unaltered.join(", ")));
    }
    for one in &own.tries {
        let way = format!("{} {} to port {}", one.method, one.transport, one.port);
        if one.answer != "mirrored" {
            rows.push(("not mirrored", way.clone()));
        }
        let there = one.changed_outward.iter().map(|own| (own, "there"));
        let back = one.changed_inward.iter().map(|own| (own, "back"));
        for (change, direction) in there.chain(back) {
            let (sent, received) = (&change.sent, &change.received);
            let text = format!("{way}, {direction}: {sent} -> {received}");
            rows.push(("rewritten", text));
        }
    }
    rows
}

pub(super) fn dns(own: &DnsMeasurements) -> Rows {
    let mut rows = vec![("resolver", own.resolver.clone())];
    rows.extend(own.uris.iter().map(|own| ("number leads to", own.clone())));
    for name in &own.certificate_names {
        rows.push(("certificate for", name.clone()));
    }
    for (place, target) in own.targets.iter().enumerate() {
        let at = match target.ip.contains(':') {
            true => format!("[{}]:{}", target.ip, target.port),
            false => format!("{}:{}", target.ip, target.port),
        };
        let share = match (target.priority, target.share) {
            (Some(priority), Some(share)) => {
                format!(", priority {priority}, {:.0} % of it", share * 100.0)
            }
            (Some(priority), None) => format!(", priority {priority}"),
            _ => String::new(),
        };
        let (host, transport) = (&target.host, &target.transport);
        let name = if place == 0 { "try first" } else { "then" };
        rows.push((
            name,
            format!("{transport} {at} ({host}{share}), by {}", target.by),
        ));
    }
    for service in &own.refused_services {
        rows.push(("not there", service.clone()));
    }
    rows
}

fn one_way(own: &CallDirection) -> String {
    let packets = own.packets;
    let (Some(lost), Some(percent)) = (own.lost, own.loss_percent) else {
        return format!("{packets} packets; what became of them is not known");
    };
    let jitter = own.jitter_ms.map(|own| format!(", jitter {own} ms"));
    let mos = own.mos.map(|own| format!(", MOS {own}"));
    let (jitter, mos) = (jitter.unwrap_or_default(), mos.unwrap_or_default());
    let basis = own.basis.as_deref().unwrap_or_default();
    format!("{packets} packets, {lost} lost ({percent} %){jitter}{mos}; by {basis}")
}

pub(super) fn nat(own: &NatMeasurements) -> Rows {
    let or_unknown = |value: &str, values: &[String]| match (value, values.len()) {
        ("unknown", 2) => format!("unknown: {}", values.join(" or ")),
        _ => value.to_owned(),
    };
    let mut rows = vec![
        ("server", known(own.server.as_ref())),
        ("this host", known(own.local_address.as_ref())),
        ("seen as", known(own.mapped_address.as_ref())),
        ("mapping", or_unknown(&own.mapping, &own.mapping_values)),
        ("mapping of TCP", known(own.tcp_mapping.as_ref())),
        (
            "filtering",
            or_unknown(&own.filtering, &own.filtering_values),
        ),
    ];
    if let Some(name) = &own.nickname {
        rows.push(("RFC 3489 would say", name.clone()));
    }
    let kept = own
        .port_preservation
        .map(|own| format!(", {:.0} % kept", own * 100.0));
    rows.push((
        "ports",
        format!("{}{}", own.allocation, kept.unwrap_or_default()),
    ));
    let mut more = |name, value: Option<bool>| {
        if let Some(value) = value {
            rows.push((name, if value { "kept" } else { "not kept" }.to_owned()));
        }
    };
    more("parity", own.port_parity);
    more("neighbours", own.port_contiguity);
    rows.push(("pooling", own.pooling.clone()));
    rows.push(("hairpinning", own.hairpinning.clone()));
    let span = match (own.lifetime_at_least_s, own.lifetime_at_most_s) {
        (Some(least), Some(most)) => Some(format!("{least} to {most} s")),
        (Some(least), None) => Some(format!("{least} s at least")),
        (None, Some(most)) => Some(format!("{most} s at most")),
        (None, None) => None,
    };
    rows.extend(span.map(|span| ("binding lives", span)));
    rows.push(("fragments pass", own.fragments.clone()));
    if own.is_rewritten {
        rows.push((
            "on the way",
            "addresses in payloads are rewritten (ALG)".to_owned(),
        ));
    }
    rows
}
