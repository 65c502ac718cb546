//! Connections as records.

use super::scribe::Scribe;
use crate::engine::connection::{Closer, Connection};
use crate::report::{ConnectionRecord, milliseconds};

impl Scribe {
    pub(super) fn connection(&self, connection: Connection) -> ConnectionRecord {
        let point = connection.first.capture_point;
        let state = connection.state().to_owned();
        let transport = match (
            connection.is_dtls(),
            &connection.tls,
            connection.web.is_some(),
        ) {
            (true, ..) => "dtls",
            (false, Some(_), false) => "tls",
            (false, None, false) => "tcp",
            (false, Some(_), true) => "wss",
            (false, None, true) => "ws",
        };
        let tls = connection.tls;
        let certificate = tls.as_ref().and_then(|tls| tls.certificate.clone());
        ConnectionRecord {
            id: format!("connection-{}", connection.serial + 1),
            transport: transport.to_owned(),
            src_ip: connection.flow.src.ip.to_string(),
            src_port: connection.flow.src.port,
            dst_ip: connection.flow.dst.ip.to_string(),
            dst_port: connection.flow.dst.port,
            started: self.stamp(point, connection.first.timestamp),
            ended: connection.closed.map(|at| self.stamp(point, at)),
            connect_ms: connection
                .opening
                .zip(connection.opened)
                .map(|(opening, opened)| milliseconds(opened.since(opening))),
            state,
            closed_by: connection.closed_by.map(|side| {
                match side {
                    Closer::Client => "client",
                    Closer::Server => "server",
                }
                .to_owned()
            }),
            syn_retransmissions: connection.syn_retransmissions,
            sni: tls.as_ref().and_then(|tls| tls.client.server_name.clone()),
            alpn: tls.as_ref().and_then(|tls| {
                tls.alpn
                    .clone()
                    .or_else(|| Some(tls.client.alpn.join(" ")).filter(|names| !names.is_empty()))
            }),
            tls_version: tls.as_ref().and_then(|tls| tls.version).map(str::to_owned),
            alert: tls.as_ref().and_then(|tls| tls.alert.clone()),
            cert_subject: certificate.as_ref().map(|own| own.subject.clone()),
            cert_not_after: certificate
                .as_ref()
                .and_then(|own| jiff::Timestamp::from_second(own.not_after).ok())
                .map(|at| at.to_string()),
            cert_names: certificate.map(|own| own.names).unwrap_or_default(),
            call_id: connection.call_id,
            sip_messages: connection.sip_messages,
            keepalives: connection.keepalives,
            encrypted_decoded: tls.as_ref().map_or(0, |tls| tls.opened_records),
            encrypted_not_decoded: tls.as_ref().map_or(0, |tls| tls.closed_records),
            not_decoded_reason: (tls.and_then(|tls| tls.why_closed))
                .map(|why| why.reason().to_owned()),
            capture_point: self.place_of(point),
        }
    }
}
