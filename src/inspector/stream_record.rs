//! Streams as records.

use super::call_record::Milestones;
use super::scribe::{self, Scribe};
use crate::engine::call::ClosedCall;
use crate::engine::frames::Frames;
use crate::engine::limits::Limits;
use crate::engine::rtp_stream::{FarEnd, RtpStream};
use crate::engine::session::Side;
use crate::metrics;
use crate::report::{DtmfEvent, FarMetrics, StreamRecord, milliseconds, rounded};
use crate::rtp::rtcp::VoipMetrics;
use crate::sdp::RtpMap;

impl Scribe {
    /// The record of a stream, in its call or outside any.
    pub(super) fn stream(&self, stream: &RtpStream, closed: Option<&ClosedCall>) -> StreamRecord {
        let point = stream.capture_point;
        let codec_of = |payload_type: u8| -> Option<RtpMap> {
            match (closed, stream.membership) {
                (Some(closed), Some(membership)) => {
                    closed
                        .call
                        .session
                        .codec(membership.to, membership.media, payload_type)
                }
                _ => RtpMap::of_static(payload_type),
            }
        };
        let is_event = |kind| codec_of(kind).is_some_and(|codec| codec.is_telephone_event());
        let main = stream.main_payload_type(is_event);
        let codec = codec_of(main);
        let (clock_rate, jitter) = stream.jitter(codec.as_ref().map(|codec| codec.clock_rate));
        let report = stream.report();
        #[expect(clippy::cast_precision_loss, reason = "packet counts stay below 2^53")]
        let ratio = |part: u64, whole: u64| {
            if whole == 0 {
                0.0
            } else {
                part as f64 / whole as f64
            }
        };
        let loss = ratio(report.lost, report.expected);
        let kind = payload_kind(codec.as_ref());
        let quality = codec
            .as_ref()
            .filter(|_| kind == "audio" && stream.packets >= 10)
            .and_then(|codec| {
                let burst = ratio(report.lost, report.loss_bursts);
                metrics::quality(&codec.encoding, loss, burst)
            });
        let quality_basis = quality.map(|quality| {
            format!(
                "E-model (G.107), {} Ie {} Bpl {}, loss {} % in bursts as captured, no delay, no jitter-buffer loss",
                codec.as_ref().map_or("", |codec| &codec.encoding),
                quality.impairment,
                quality.robustness,
                rounded(loss * 100.0, 2),
            )
        });
        let secure = closed
            .zip(stream.membership)
            .is_some_and(|(closed, membership)| {
                closed.call.session.epochs.iter().any(|epoch| {
                    [Side::Caller, Side::Callee].into_iter().any(|side| {
                        epoch
                            .medium(side, usize::from(membership.media))
                            .is_some_and(crate::sdp::MediaDescription::is_secure)
                    })
                })
            });
        let (srtp_suite, srtp_decrypted, srtp_auth_failures) = stream.opened();
        let milestones = closed.map(|closed| Milestones::of(&closed.call, closed.at));
        let answered = milestones
            .as_ref()
            .and_then(|milestones| milestones.answered);
        let hung_up = milestones
            .as_ref()
            .and_then(|milestones| milestones.hung_up);
        let mut frames = Frames::default();
        frames.add(stream.first, &Limits::default());
        let far = stream.far_end;
        let said = stream.said.as_deref();
        let far_rate = clock_rate.filter(|_| far.reports > 0);
        StreamRecord {
            id: format!("stream-{}", stream.serial + 1),
            transport: stream.flow.transport.name(),
            src_ip: stream.flow.src.ip.to_string(),
            src_port: stream.flow.src.port,
            dst_ip: stream.flow.dst.ip.to_string(),
            dst_port: stream.flow.dst.port,
            ssrc: stream.ssrc,
            ssrc_hex: format!("0x{:08x}", stream.ssrc),
            direction: stream.membership.map(|membership| {
                match membership.to {
                    Side::Caller => "to-caller",
                    Side::Callee => "to-callee",
                }
                .to_owned()
            }),
            tunnel: stream.tunnel.as_ref().map(scribe::tunnel),
            capture_points: vec![self.place_of(point)],
            same_as: stream
                .same_as
                .iter()
                .map(|serial| format!("stream-{}", serial + 1))
                .collect(),
            payload_types: stream.payload_types.iter().map(|(kind, _)| *kind).collect(),
            codec: codec.as_ref().map(|codec| codec.encoding.clone()),
            clock_rate,
            ptime_ms: stream.ptime_ms(clock_rate).map(|ptime| rounded(ptime, 3)),
            payload_kind: kind.to_owned(),
            packets: stream.packets,
            bytes: stream.bytes,
            expected: report.expected,
            lost: report.lost,
            loss_percent: rounded(loss * 100.0, 3),
            duplicates: report.duplicates,
            out_of_order: report.out_of_order,
            jitter_ms: jitter
                .and_then(crate::rtp::Jitter::mean_ms)
                .map(|ms| rounded(ms, 3)),
            jitter_max_ms: jitter
                .and_then(crate::rtp::Jitter::max_ms)
                .map(|ms| rounded(ms, 3)),
            delta_max_ms: milliseconds(stream.delta_max_ns),
            gap_max_ms: milliseconds(stream.gap_max_ns),
            loss_bursts: report.loss_bursts,
            burst_max: report.burst_max,
            r_factor: quality.map(|quality| rounded(quality.r_factor, 1)),
            mos: quality.map(|quality| rounded(quality.mos, 2)),
            quality_basis,
            started: self.stamp(point, stream.first.timestamp),
            ended: self.stamp(point, stream.last),
            start_after_answer_ms: answered
                .map(|answered| milliseconds(stream.first.timestamp.since(answered))),
            after_bye_ms: hung_up
                .map(|hung_up| stream.last.since(hung_up))
                .filter(|after| *after > 0)
                .map(milliseconds),
            call_id: closed.map(|closed| closed.call.call_id.clone()),
            association: stream
                .membership
                .map_or("heuristic", |membership| membership.association.name())
                .to_owned(),
            encrypted: stream.encrypted || secure || srtp_suite.is_some(),
            srtp_suite: srtp_suite.map(str::to_owned),
            srtp_decrypted,
            srtp_auth_failures,
            dscp: stream.dscp.to_vec(),
            far_loss_percent: (far.reports > 0 && far.expected > 0).then(|| {
                #[expect(clippy::cast_precision_loss, reason = "counts stay below 2^53")]
                let share = far.cumulative_lost as f64 / far.expected as f64;
                rounded(share * 100.0, 3)
            }),
            far_jitter_ms: far_rate
                .map(|rate| rounded(f64::from(far.jitter_ticks) * 1000.0 / f64::from(rate), 3)),
            rtt_ms: far.rtt_ms.map(|ms| rounded(ms, 3)),
            lost_at: lost_at(&far).map(str::to_owned),
            rtcp_reports: far.reports,
            far_metrics: far.metrics.as_ref().map(far_metrics),
            video_frames: (kind == "video").then(|| stream.frames()),
            frame_rate: (stream.frame_rate())
                .filter(|_| kind == "video")
                .map(|rate| rounded(rate, 2)),
            nacks: far.nacks,
            picture_requests: far.picture_requests,
            cname: said.and_then(|said| said.cname.clone()),
            tool: said.and_then(|said| said.tool.clone()),
            rtcp_bye: said
                .and_then(|said| said.left)
                .map(|at| self.stamp(point, at)),
            rtcp_bye_reason: said.and_then(|said| said.left_because.clone()),
            rtcp_applications: said
                .map(|said| said.applications.clone())
                .unwrap_or_default(),
            icmp_errors: stream.icmp_errors,
            dtmf: stream
                .digits
                .iter()
                .map(|digit| self.shown(digit.digit))
                .collect(),
            dtmf_events: stream
                .digits
                .iter()
                .map(|digit| DtmfEvent {
                    digit: self.shown(digit.digit).to_string(),
                    at: self.stamp(point, digit.at),
                    duration_ms: clock_rate
                        .map(|rate| rounded(f64::from(digit.ticks) * 1000.0 / f64::from(rate), 3)),
                })
                .collect(),
            points: self
                .points_of(&frames)
                .into_iter()
                .map(|mut point| {
                    point.frames_total = stream.packets;
                    point
                })
                .collect(),
        }
    }

    /// A digit as the user may see it.
    pub(super) const fn shown(&self, digit: char) -> char {
        if self.config.show_digits { digit } else { '*' }
    }
}

/// Where packets were lost: what was captured is held against what the far end
/// counts at the same time. `None` without a loss, or where the two counts are
/// not about the same packets.
fn lost_at(far: &FarEnd) -> Option<&'static str> {
    let (expected, captured) = far.captured;
    let theirs = u64::try_from(far.cumulative_lost).unwrap_or(0);
    let same = far
        .expected
        .unsigned_abs()
        .abs_diff(expected)
        .saturating_mul(10)
        <= expected;
    if far.reports == 0 || !same || captured.max(theirs) == 0 {
        return None;
    }
    // Packets on their way when the report was made are in one count alone.
    let doubt = 2.max(captured.max(theirs) / 10);
    Some(if captured.abs_diff(theirs) <= doubt {
        "before"
    } else if theirs < captured {
        "capture"
    } else if captured <= doubt {
        "after"
    } else {
        "before-and-after"
    })
}

fn far_metrics(metrics: &VoipMetrics) -> FarMetrics {
    let percent = |share: u8| rounded(f64::from(share) * 100.0 / 256.0, 2);
    let mos = |mos: u8| (mos != 127).then(|| rounded(f64::from(mos) / 10.0, 1));
    let delay = |delay: u16| Some(delay).filter(|delay| *delay != 0);
    FarMetrics {
        loss_percent: percent(metrics.loss_rate),
        discard_percent: percent(metrics.discard_rate),
        burst_density_percent: percent(metrics.burst_density),
        rtt_ms: delay(metrics.round_trip_delay),
        end_system_delay_ms: delay(metrics.end_system_delay),
        jitter_buffer_ms: metrics.jitter_buffer_nominal,
        r_factor: Some(metrics.r_factor).filter(|r_factor| *r_factor != 127),
        mos_lq: mos(metrics.mos_lq),
        mos_cq: mos(metrics.mos_cq),
    }
}

fn payload_kind(codec: Option<&RtpMap>) -> &'static str {
    match codec {
        None => "unknown",
        Some(codec) if codec.is_telephone_event() => "dtmf",
        Some(codec) if codec.is_comfort_noise() => "comfort-noise",
        Some(codec) if codec.clock_rate == 90_000 => "video",
        Some(_) => "audio",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_are_placed_where_both_counts_agree() {
        for (expected, captured, far_expected, theirs, place) in [
            (1000, 0, 1000, 0, None),
            (1000, 50, 1000, 50, Some("before")),
            (1000, 50, 1000, 46, Some("before")),
            (1000, 50, 1000, 44, Some("capture")),
            (1000, 50, 1000, 0, Some("capture")),
            (1000, 50, 1000, -3, Some("capture")),
            (1000, 0, 1000, 50, Some("after")),
            (1000, 20, 1000, 50, Some("before-and-after")),
            // The far end joined later, or the capture did.
            (1000, 50, 899, 0, None),
            (1000, 50, 900, 0, Some("capture")),
            (1000, 50, 1100, 0, Some("capture")),
            (1000, 50, 1101, 0, None),
        ] {
            let far = FarEnd {
                reports: 1,
                expected: far_expected,
                cumulative_lost: theirs,
                captured: (expected, captured),
                ..FarEnd::default()
            };
            assert_eq!(lost_at(&far), place, "{far:?}");
        }
        assert_eq!(lost_at(&FarEnd::default()), None);
    }
}
