//! How the keys of a call's media were agreed on by DTLS (RFC 5763, RFC 5764).

use smallvec::SmallVec;

use super::Engine;
use super::connection::Connection;
use super::limits::{Limit, Limits};
use crate::net::Flow;
use crate::packet::PacketRef;
use crate::time::Timestamp;
use crate::tls::{Digests, DtlsTap, Hello};

/// A handshake between two addresses of a call.
#[derive(Clone, Debug)]
pub struct DtlsAssociation {
    /// From the client to the server.
    pub flow: Flow,
    /// Its first packet.
    pub first: PacketRef,
    /// Protection profiles of SRTP that the client offers; `None` where its hello was not seen.
    pub offered: Option<SmallVec<[u16; 4]>>,
    /// The one that the server chose, if any; `None` where its hello was not seen or does
    /// not tell.
    pub chosen: Option<Option<u16>>,
    /// What both certificates are known by, the client's first.
    pub certificates: [Option<Digests>; 2],
    /// Hellos of the client after which nothing came from the server.
    pub unanswered: Unanswered,
    /// The alert that ended it.
    pub alert: Option<String>,
    /// Whether protected records came from both.
    pub is_done: bool,
}

/// Hellos without an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unanswered {
    /// How many.
    pub hellos: u64,
    /// The first and the last of them.
    pub span: Option<(Timestamp, Timestamp)>,
}

impl Unanswered {
    /// The client said hello.
    pub(super) fn hello(&mut self, at: Timestamp) {
        self.hellos += 1;
        let first = self.span.map_or(at, |(first, _)| first);
        self.span = Some((first, at));
    }
}

impl DtlsAssociation {
    /// Octets held, about.
    pub(super) const COST: usize = size_of::<Self>() + 100;

    fn of(connection: &Connection, [client, server]: &[DtlsTap; 2]) -> Self {
        let is_protected = |tap: &DtlsTap| tap.shown.closed_records > 0;
        Self {
            flow: connection.flow,
            first: connection.first,
            offered: client.hello.as_ref().map(|hello| hello.profiles.clone()),
            chosen: server.hello.as_ref().and_then(Hello::chosen),
            certificates: [client, server].map(|tap| tap.certificate.clone()),
            unanswered: connection.unanswered,
            alert: [server, client]
                .into_iter()
                .find_map(|tap| tap.shown.alert.clone()),
            is_done: is_protected(client) && is_protected(server),
        }
    }
}

impl Engine {
    /// Tells the call whose media it protects how a handshake stands.
    pub(super) fn tell_dtls(&mut self, connection: super::table::Handle) {
        let Some(connection) = self.connections.get(connection) else {
            return;
        };
        let (Some(call_id), Some(taps)) = (&connection.call_id, connection.taps()) else {
            return;
        };
        let Some(call) = self.calls.find(call_id.as_bytes()) else {
            return;
        };
        let own = DtlsAssociation::of(connection, taps);
        let Limits { dtls_per_call, .. } = self.config.limits;
        let Some(call) = self.calls.get_mut(call) else {
            return;
        };
        let point = own.first.capture_point;
        let is_same = |known: &&mut DtlsAssociation| {
            known.flow == own.flow && known.first.capture_point == point
        };
        let room = call.dtls.len() < dtls_per_call;
        match call.dtls.iter_mut().find(is_same) {
            Some(known) => *known = own,
            None if room => {
                call.dtls.push(own);
                call.cost += DtlsAssociation::COST;
                self.calls_cost += DtlsAssociation::COST;
            }
            None => self.limit(Limit::DtlsPerCall),
        }
    }
}
