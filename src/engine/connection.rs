//! TCP and TLS connections that carry SIP, or try to.

use super::Engine;
use super::dtls::Unanswered;
use super::limits::Limit;
use super::signalling::SipFlow;
use super::table::{Entry, Handle};
use crate::link::Segment;
use crate::net::{Flow, Transport};
use crate::packet::{CapturePoint, PacketRef};
use crate::srtp::{Master, Suite};
use crate::time::Timestamp;
use crate::tls::{Certificate, ClientHello, Closed, DtlsTap, Shown, SrtpKeys};
use crate::websocket::Head;

/// A connection, from the one who opens it to the one who listens.
#[derive(Clone, Debug)]
pub struct Connection {
    /// Unique in the run, in the order of first packets.
    pub serial: u64,
    /// From the client to the server.
    pub flow: Flow,
    /// Its first packet.
    pub first: PacketRef,
    /// Its last packet.
    pub last: Timestamp,
    /// When the SYN was seen.
    pub opening: Option<Timestamp>,
    /// When it was answered.
    pub opened: Option<Timestamp>,
    /// When somebody ended it.
    pub closed: Option<Timestamp>,
    /// Who ended it.
    pub closed_by: Option<Closer>,
    /// Whether it was ended by a reset.
    pub reset: bool,
    /// SYNs that were sent again.
    pub syn_retransmissions: u64,
    /// SIP messages in it.
    pub sip_messages: u64,
    /// Empty lines between messages (RFC 5626, 3.5.1).
    pub keepalives: u64,
    /// Octets between messages that belong to none, runs counted, with the
    /// first packet after which they came.
    pub out_of_step: Option<(u64, PacketRef)>,
    /// What TLS showed.
    pub tls: Option<Tls>,
    /// What it was as a WebSocket, if it became one.
    pub web: Option<Web>,
    /// Whether anything but a SYN came.
    pub has_data: bool,
    /// The call whose media it protects.
    pub call_id: Option<String>,
    /// Hellos of DTLS that nothing answered.
    pub(super) unanswered: Unanswered,
    /// Both directions of DTLS, the client's first.
    dtls: Option<Box<[DtlsTap; 2]>>,
}

/// A WebSocket that carries SIP (RFC 7118).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Web {
    /// Whether the client asked for the protocol `sip`; `None` where its request was not
    /// captured.
    pub is_asked: Option<bool>,
    /// Whether the server granted it.
    pub is_granted: Option<bool>,
    /// Messages of it that hold more than one of SIP: the first, and how many.
    pub crowded: Option<(PacketRef, u64)>,
}

/// A side of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closer {
    /// Who opened it.
    Client,
    /// Who listens.
    Server,
}

/// What TLS showed of itself.
#[derive(Clone, Debug, Default)]
pub struct Tls {
    /// What the client asked for.
    pub client: ClientHello,
    /// The version that was chosen.
    pub version: Option<&'static str>,
    /// The protocol that was chosen, where it can be seen.
    pub alpn: Option<String>,
    /// The server's certificate, where it can be seen.
    pub certificate: Option<Certificate>,
    /// The last alert that could be read.
    pub alert: Option<String>,
    /// Records that could not be read.
    pub closed_records: u64,
    /// Records that were protected and could be opened.
    pub opened_records: u64,
    /// Why the first of those that stay closed does.
    pub why_closed: Option<Closed>,
}

impl Entry for Connection {
    fn last_seen(&self) -> Timestamp {
        self.last
    }

    fn rank(&self) -> u8 {
        u8::from(self.closed.is_none())
    }
}

impl Connection {
    fn show(&mut self, shown: &Shown, closed: u64, opened: u64) {
        let tls = self.tls.get_or_insert_default();
        if let Some(client) = &shown.client {
            tls.client.clone_from(client);
        }
        tls.version = tls.version.or(shown.version);
        // The server's comes first; a client shows one only when asked.
        if tls.certificate.is_none() && shown.client.is_none() {
            tls.certificate.clone_from(&shown.certificate);
        }
        if shown.alpn.is_some() {
            tls.alpn.clone_from(&shown.alpn);
        }
        if shown.alert.is_some() {
            tls.alert.clone_from(&shown.alert);
        }
        tls.closed_records = tls.closed_records.saturating_add(closed);
        tls.opened_records = tls.opened_records.saturating_add(opened);
        tls.why_closed = tls.why_closed.or(shown.why_closed);
    }

    /// Both directions of DTLS, the client's first.
    pub(super) fn taps(&self) -> Option<&[DtlsTap; 2]> {
        self.dtls.as_deref()
    }

    /// Whether it runs over UDP.
    #[must_use]
    pub const fn is_dtls(&self) -> bool {
        self.dtls.is_some()
    }

    /// Where it stands.
    #[must_use]
    pub const fn state(&self) -> &'static str {
        match (
            self.opened.is_some() || self.has_data,
            self.closed.is_some(),
        ) {
            (false, true) if self.reset => "refused",
            (_, true) => "closed",
            (true, false) => "open",
            (false, false) => "no-answer",
        }
    }
}

/// The key of a connection: where it was captured, and the client's flow.
pub(super) type ConnectionKey = (CapturePoint, Flow);

/// Ports at which SIP is meant, whatever is said.
const fn is_sip_port(port: u16) -> bool {
    matches!(port, 5060 | 5061)
}

impl Engine {
    /// Follows the opening and closing of connections at ports of SIP.
    pub(super) fn connection_segment(&mut self, at: PacketRef, segment: &Segment<'_>) {
        let flow = segment.flow;
        let to_server = self.connections.find(&(at.capture_point, flow));
        let to_client = self.connections.find(&(at.capture_point, flow.reversed()));
        let is_new_syn = segment.syn && segment.acknowledgment.is_none();
        let known = to_server.or(to_client);
        let handle = match known {
            Some(handle) => {
                let over = self
                    .connections
                    .get(handle)
                    .is_some_and(|connection| connection.closed.is_some());
                if is_new_syn && over {
                    // The ports are used again.
                    self.close_connection(handle);
                    self.begin_connection(at, flow)
                } else {
                    handle
                }
            }
            None if is_sip_port(flow.dst.port) => self.begin_connection(at, flow),
            None if is_sip_port(flow.src.port) => self.begin_connection(at, flow.reversed()),
            None => return,
        };
        let from_client = self
            .connections
            .get(handle)
            .is_some_and(|connection| connection.flow == flow);
        let Some(connection) = self.connections.get_mut(handle) else {
            return;
        };
        connection.last = connection.last.max(at.timestamp);
        connection.has_data |= !segment.payload.is_empty();
        if is_new_syn {
            if connection.opening.is_some() {
                connection.syn_retransmissions += 1;
            }
            connection.opening.get_or_insert(at.timestamp);
        } else if segment.syn {
            connection.opened.get_or_insert(at.timestamp);
        }
        if (segment.rst || segment.fin) && connection.closed.is_none() {
            connection.closed = Some(at.timestamp);
            connection.reset = segment.rst;
            connection.closed_by = Some(if from_client {
                Closer::Client
            } else {
                Closer::Server
            });
            self.close_transaction(at, flow);
        }
    }

    /// Whoever sends on this flow closes it: the request that came the other way last may
    /// have no answer yet.
    fn close_transaction(&mut self, at: PacketRef, flow: Flow) {
        for transport in [
            Transport::Tcp,
            Transport::Tls,
            Transport::Ws,
            Transport::Wss,
        ] {
            let asked = Flow {
                transport,
                ..flow.reversed()
            };
            if let Some(known) = self.sip_flows.find(&asked)
                && let Some(SipFlow {
                    call, transaction, ..
                }) = self.sip_flows.get(known).copied()
                && let Some(call) = self.calls.get_mut(call)
                && let Some(transaction) = call.transactions.get_mut(transaction)
                && transaction.final_response.is_none()
            {
                transaction.closed.get_or_insert(at);
            }
        }
    }

    fn begin_connection(&mut self, at: PacketRef, flow: Flow) -> Handle {
        self.tie_lookups_of_connection(at, flow);
        let serial = self.next_connection;
        self.next_connection += 1;
        let connection = Connection {
            serial,
            flow,
            first: at,
            last: at.timestamp,
            opening: None,
            opened: None,
            closed: None,
            closed_by: None,
            reset: false,
            syn_retransmissions: 0,
            sip_messages: 0,
            keepalives: 0,
            out_of_step: None,
            tls: None,
            web: None,
            has_data: false,
            call_id: None,
            unanswered: Unanswered::default(),
            dtls: None,
        };
        let (handle, evicted) = self
            .connections
            .insert((at.capture_point, flow), connection);
        if let Some(evicted) = evicted {
            self.limit(Limit::Connections);
            self.events
                .push_back(super::Event::Connection(Box::new(evicted)));
        }
        handle
    }

    /// The connection of a direction; one at another port is met when SIP is
    /// found in it.
    fn connection_of(&mut self, at: PacketRef, flow: Flow) -> Handle {
        self.known_connection(at, flow)
            .unwrap_or_else(|| self.begin_connection(at, flow))
    }

    /// A SIP message was found in a direction.
    pub(super) fn connection_message(&mut self, at: PacketRef, flow: Flow) {
        let handle = self.connection_of(at, flow);
        if let Some(connection) = self.connections.get_mut(handle) {
            connection.sip_messages += 1;
            connection.has_data = true;
            connection.last = connection.last.max(at.timestamp);
        }
    }

    /// A keep-alive was found in a direction.
    pub(super) fn connection_keepalive(&mut self, at: PacketRef, flow: Flow) {
        let handle = self.connection_of(at, flow);
        if let Some(connection) = self.connections.get_mut(handle) {
            connection.keepalives += 1;
        }
        self.keep_alive(at, flow);
    }

    /// A direction holds octets that are no message where one should begin.
    pub(super) fn connection_out_of_step(&mut self, at: PacketRef, flow: Flow) {
        let handle = self.connection_of(at, flow);
        if let Some(connection) = self.connections.get_mut(handle) {
            connection.out_of_step.get_or_insert((0, at)).0 += 1;
        }
    }

    /// A direction became a WebSocket, opened by this. One without SIP is none of our
    /// business.
    pub(super) fn connection_web(&mut self, at: PacketRef, flow: Flow, head: Head) {
        let handle = self.known_connection(at, flow);
        if let Some(connection) = handle.and_then(|handle| self.connections.get_mut(handle)) {
            let web = connection.web.get_or_insert_default();
            match head.is_request {
                true => web.is_asked = Some(head.names_sip),
                false => web.is_granted = Some(head.names_sip),
            }
        }
    }

    /// A message of a WebSocket held more than one of SIP.
    pub(super) fn connection_crowded(&mut self, at: PacketRef, flow: Flow) {
        let handle = self.known_connection(at, flow);
        let connection = handle.and_then(|handle| self.connections.get_mut(handle));
        if let Some(web) = connection.and_then(|own| own.web.as_mut()) {
            web.crowded.get_or_insert((at, 0)).1 += 1;
        }
    }

    fn known_connection(&self, at: PacketRef, flow: Flow) -> Option<Handle> {
        let point = at.capture_point;
        self.connections
            .find(&(point, flow))
            .or_else(|| self.connections.find(&(point, flow.reversed())))
    }

    /// A direction of TLS showed more of itself, and so many more records that
    /// stay closed. Only what speaks SIP, by its port or by its words, becomes
    /// a connection. Says whether there is one.
    pub(super) fn connection_tls(
        &mut self,
        at: PacketRef,
        flow: Flow,
        shown: &Shown,
        closed: u64,
        opened: u64,
    ) -> bool {
        let speaks_sip = shown
            .client
            .as_ref()
            .is_some_and(|client| client.alpn.iter().any(|name| name.starts_with("sip")));
        let handle = match self.known_connection(at, flow) {
            Some(handle) => handle,
            None if speaks_sip => self.begin_connection(at, flow),
            None => return false,
        };
        if let Some(connection) = self.connections.get_mut(handle) {
            connection.show(shown, closed, opened);
        }
        true
    }

    /// A datagram of DTLS: one at a port of SIP, or between the media addresses
    /// of a call (RFC 5763).
    pub(super) fn dtls(&mut self, at: PacketRef, flow: Flow, payload: &[u8]) {
        let mut tap = DtlsTap::default();
        let handle = match self.known_connection(at, flow) {
            Some(handle) => handle,
            None => {
                let claimant = self
                    .media
                    .claimant(flow.dst)
                    .or_else(|| self.media.claimant(flow.src));
                let call = claimant.and_then(|call| self.calls.get(call));
                let call_id = call.map(|call| call.call_id.clone());
                let at_port = is_sip_port(flow.dst.port) || is_sip_port(flow.src.port);
                tap.datagram(payload);
                // Only a hello shows who is the client.
                let is_keyed = !self.keys.is_empty();
                if tap.shown.client.is_none() || (call_id.is_none() && !at_port && !is_keyed) {
                    return;
                }
                let handle = self.begin_connection(at, flow);
                if let Some(connection) = self.connections.get_mut(handle) {
                    connection.call_id = call_id;
                    connection.opening = Some(at.timestamp);
                }
                handle
            }
        };
        let Some(connection) = self.connections.get_mut(handle) else {
            return;
        };
        connection.last = connection.last.max(at.timestamp);
        let from_client = connection.flow == flow;
        let [client, server] = connection.dtls.get_or_insert_default().as_mut();
        let tap = if from_client { client } else { server };
        let (closed, hellos) = (tap.shown.closed_records, tap.hellos);
        tap.datagram(payload);
        match from_client {
            true if tap.hellos > hellos => connection.unanswered.hello(at.timestamp),
            true => {}
            false => connection.unanswered = Unanswered::default(),
        }
        let shown = tap.shown.clone();
        connection.show(&shown, shown.closed_records - closed, 0);
        if !from_client && shown.version.is_some() {
            connection.opened.get_or_insert(at.timestamp);
        }
        if shown.alert.is_some() && connection.closed.is_none() {
            connection.closed = Some(at.timestamp);
            connection.closed_by = Some(if from_client {
                Closer::Client
            } else {
                Closer::Server
            });
        }
        if closed == 0 {
            // Of what is protected nothing more is to be learned.
            self.tell_dtls(handle);
        }
        self.dtls_keys(at, handle);
    }

    /// Takes the keys of SRTP that DTLS agreed on, where its secrets are known.
    fn dtls_keys(&mut self, at: PacketRef, handle: Handle) {
        if self.keys.is_empty() {
            return;
        }
        let Some(connection) = self.connections.get(handle) else {
            return;
        };
        let Some([client, server]) = connection.dtls.as_deref() else {
            return;
        };
        let flow = connection.flow;
        let (Some(client), Some(server)) = (&client.hello, &server.hello) else {
            return;
        };
        if (self.media.dtls_keys).contains_key(&(at.capture_point, flow)) {
            return;
        }
        let Some(keys) = SrtpKeys::of(client, server, &self.keys) else {
            return;
        };
        let Some(suite) = Suite::of_profile(keys.profile) else {
            return;
        };
        for (is_client, flow) in [(true, flow), (false, flow.reversed())] {
            let (key, salt) = keys.of_side(is_client, suite.lengths());
            if self.media.dtls_keys.len() >= 2 * self.config.limits.connections {
                self.limit(Limit::Connections);
                return;
            }
            if let Some(master) = Master::new(suite, key, salt) {
                self.media
                    .dtls_keys
                    .insert((at.capture_point, flow), master);
            }
            for stream in self.media.streams_of(at.capture_point, self.stretch, flow) {
                self.secure(stream);
            }
        }
    }

    pub(super) fn close_connection(&mut self, handle: Handle) {
        if let Some(connection) = self.connections.remove(handle) {
            if connection.is_dtls() {
                let point = connection.first.capture_point;
                for flow in [connection.flow, connection.flow.reversed()] {
                    self.media.dtls_keys.remove(&(point, flow));
                }
            }
            self.events
                .push_back(super::Event::Connection(Box::new(connection)));
        }
    }
}
