//! Every bound of the engine, with its reason. Reaching one is counted and
//! becomes a record.

use smallvec::SmallVec;

/// How much the engine may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Octets of state in all. A quarter of a gigabyte fits beside the service
    /// that is being watched.
    pub bytes: usize,
    /// Call-IDs followed at once.
    pub calls: usize,
    /// Transactions of one Call-ID: a flood under one Call-ID must not cost
    /// the others.
    pub transactions_per_call: usize,
    /// Messages of one Call-ID that are kept for its rules.
    pub messages_per_call: usize,
    /// Dialogs of one Call-ID; a forked call has a handful.
    pub dialogs_per_call: usize,
    /// Offer/answer exchanges of one Call-ID that are told apart.
    pub epochs_per_call: usize,
    /// Distinct messages of one Call-ID that later copies are held against;
    /// the oldest gives way, and rarely has copies still to come.
    pub copies_per_call: usize,
    /// Distinct session descriptions of one Call-ID that are kept.
    pub bodies_per_call: usize,
    /// From tags of one Call-ID that count as its caller's; a request that is
    /// sent again with credentials keeps its own.
    pub tags_per_call: usize,
    /// Subscriptions under one Call-ID; a phone has one for each.
    pub subscriptions_per_call: usize,
    /// Handshakes of DTLS of one Call-ID: one for each component of each medium.
    pub dtls_per_call: usize,
    /// Sessions of MSRP of one Call-ID, at each capture point.
    pub msrp_per_call: usize,
    /// Directions of fax of one Call-ID; a capture point sees two of each leg.
    pub faxes_per_call: usize,
    /// Tones and frames of one direction of fax: a page has about six.
    pub signals_per_fax: usize,
    /// Other calls that one is tied to.
    pub ties_per_call: usize,
    /// Media addresses that one Call-ID may claim.
    pub addresses_per_call: usize,
    /// Frame numbers listed per object and capture point; the record tells how
    /// many there are.
    pub frames: usize,
    /// Places at which one object is told apart: capture points, and pairs of
    /// addresses under which its copies are seen.
    pub places: usize,
    /// Transfers and redirections that wait at once for the call they lead to: a
    /// minute of a busy redirect server.
    pub transfers: usize,
    /// Tunnels that are told apart: mirrors, gateways, agents.
    pub tunnels: usize,
    /// Hosts remembered as proxies; one network has few.
    pub proxies: usize,
    /// Claims of one media address; the port of a busy gateway serves call
    /// after call.
    pub claims_per_address: usize,
    /// Flows toward one address that wait for its description.
    pub waiting_per_address: usize,
    /// UDP flows remembered, media or not; a forgotten flow is met as new.
    pub flows: usize,
    /// RTP sources followed at once.
    pub streams: usize,
    /// RTP sources on one flow: more is a spray, not media.
    pub ssrcs_per_flow: usize,
    /// Sources of the same number that are told apart.
    pub same_ssrc: usize,
    /// Digits of one source.
    pub digits: usize,
    /// Addresses whose refused calls are counted: a minute of them.
    pub callers: usize,
    /// Devices at registrars followed at once.
    pub registrations: usize,
    /// Events listed of one device; the record tells how many there are.
    pub events_per_registration: usize,
    /// Bindings of one answer of a registrar.
    pub bindings: usize,
    /// Call-IDs of one device; a restart takes a new one.
    pub call_ids_per_registration: usize,
    /// Connections of SIP followed at once.
    pub connections: usize,
    /// STUN exchanges followed at once.
    pub stun_exchanges: usize,
    /// TURN allocations followed at once.
    pub turn_allocations: usize,
    /// ICE sessions followed at once.
    pub ice_sessions: usize,
    /// Pairs of addresses of all of them.
    pub ice_pairs: usize,
    /// Checks of all of them that may still be answered.
    pub ice_checks: usize,
    /// ICE sessions of one Call-ID: one for each medium, and again for each restart.
    pub ice_sessions_per_call: usize,
    /// DNS look-ups followed at once.
    pub dns_lookups: usize,
    /// Call-IDs met last, which a look-up may be made for; half a minute of a
    /// busy proxy.
    pub recent_calls: usize,
    /// Rows of the translation tables of NATs, for the whole run; a row costs
    /// about 300 octets.
    pub nat_bindings: usize,
    /// Pairs of endpoints whose packets are counted for NATs.
    pub nat_contacts: usize,
    /// Packets that are looked for on the other side of a NAT: two capture
    /// points whose clocks differ need more of them.
    pub nat_twins: usize,
    /// TCP directions followed at once.
    pub tcp_streams: usize,
    /// Octets of unfinished messages of all TCP directions together.
    pub tcp_bytes: usize,
    /// Octets that wait for a gap in one TCP direction to close.
    pub tcp_waiting: usize,
    /// Octets of a TCP direction in which a start line is looked for before it
    /// is given up.
    pub tcp_probe: usize,
    /// Octets of IP fragments that wait.
    pub fragment_bytes: usize,
    /// Fragmented packets that wait at once.
    pub fragment_packets: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self::within(256 * 1024 * 1024)
    }
}

impl Limits {
    /// Bounds that fit a budget of so many octets: full tables of flows,
    /// streams and TCP directions leave half of it to calls.
    #[must_use]
    pub fn within(bytes: usize) -> Self {
        Self {
            bytes,
            calls: (bytes / 1300).max(16),
            transactions_per_call: 512,
            messages_per_call: 1024,
            dialogs_per_call: 64,
            epochs_per_call: 64,
            copies_per_call: 256,
            bodies_per_call: 64,
            tags_per_call: 16,
            subscriptions_per_call: 16,
            dtls_per_call: 16,
            msrp_per_call: 16,
            faxes_per_call: 16,
            signals_per_fax: 256,
            ties_per_call: 64,
            addresses_per_call: 512,
            frames: 200,
            places: 64,
            transfers: 4096,
            tunnels: 1024,
            proxies: 4096,
            claims_per_address: 64,
            waiting_per_address: 64,
            flows: (bytes / 1300).max(16),
            streams: (bytes / 5000).max(16),
            ssrcs_per_flow: 64,
            same_ssrc: 256,
            digits: 256,
            callers: 4096,
            registrations: (bytes / 13_000).max(16),
            events_per_registration: 64,
            bindings: 32,
            call_ids_per_registration: 8,
            connections: (bytes / 10_000).max(16),
            stun_exchanges: (bytes / 8000).max(16),
            turn_allocations: (bytes / 100_000).max(16),
            ice_sessions: (bytes / 50_000).max(16),
            ice_pairs: (bytes / 10_000).max(256),
            ice_checks: (bytes / 4000).max(256),
            ice_sessions_per_call: 32,
            dns_lookups: (bytes / 40_000).max(16),
            recent_calls: 256,
            nat_bindings: (bytes / 32_000).max(16),
            nat_contacts: (bytes / 16_000).max(16),
            nat_twins: (bytes / 8000).max(16),
            tcp_streams: (bytes / 5200).max(16),
            tcp_bytes: bytes / 8,
            tcp_waiting: 256 * 1024,
            tcp_probe: 64 * 1024,
            fragment_bytes: (bytes / 64).max(128 * 1024),
            fragment_packets: 4096,
        }
    }
}

/// Which bound was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Limit {
    /// [`Limits::bytes`].
    Bytes,
    /// [`Limits::calls`].
    Calls,
    /// [`Limits::transactions_per_call`].
    TransactionsPerCall,
    /// [`Limits::messages_per_call`]: the oldest is kept no more, and what needs
    /// it is not judged.
    MessagesPerCall,
    /// [`Limits::dialogs_per_call`].
    DialogsPerCall,
    /// [`Limits::epochs_per_call`].
    EpochsPerCall,
    /// [`Limits::copies_per_call`], with copies that may still come.
    CopiesPerCall,
    /// [`Limits::bodies_per_call`].
    BodiesPerCall,
    /// [`Limits::tags_per_call`].
    TagsPerCall,
    /// [`Limits::subscriptions_per_call`].
    SubscriptionsPerCall,
    /// [`Limits::dtls_per_call`].
    DtlsPerCall,
    /// [`Limits::msrp_per_call`].
    MsrpPerCall,
    /// [`Limits::faxes_per_call`].
    FaxesPerCall,
    /// [`Limits::signals_per_fax`].
    SignalsPerFax,
    /// [`Limits::ties_per_call`].
    TiesPerCall,
    /// [`Limits::places`].
    Places,
    /// [`Limits::transfers`].
    Transfers,
    /// [`Limits::tunnels`]: what comes through is read all the same.
    Tunnels,
    /// [`Limits::proxies`].
    Proxies,
    /// Media or attributes of one session description, as many as
    /// [`crate::sdp`] keeps.
    Descriptions,
    /// [`Limits::addresses_per_call`].
    AddressesPerCall,
    /// Claims of media addresses and of ICE user fragments, [`Limits::flows`]
    /// in all and [`Limits::claims_per_address`]: the oldest of an address
    /// gives way.
    Claims,
    /// [`Limits::flows`].
    Flows,
    /// Flows without a description that wait for one, [`Limits::flows`] in all
    /// and [`Limits::waiting_per_address`].
    Unclaimed,
    /// [`Limits::streams`].
    Streams,
    /// [`Limits::ssrcs_per_flow`].
    SsrcsPerFlow,
    /// [`Limits::same_ssrc`].
    SameSsrc,
    /// [`Limits::digits`].
    Digits,
    /// [`Limits::callers`].
    Callers,
    /// [`Limits::registrations`].
    Registrations,
    /// [`Limits::bindings`].
    Bindings,
    /// [`Limits::call_ids_per_registration`].
    CallIdsPerRegistration,
    /// [`Limits::connections`].
    Connections,
    /// [`Limits::stun_exchanges`].
    StunExchanges,
    /// [`Limits::turn_allocations`].
    TurnAllocations,
    /// Peers, channels, kinds of errors or moves of one TURN allocation, as many as
    /// [`crate::engine::turn`] tells apart.
    TurnPeers,
    /// [`Limits::ice_sessions`].
    IceSessions,
    /// [`Limits::ice_pairs`], or as many of one session, or places or kinds of errors of
    /// one pair, as [`crate::engine::ice`] tells apart.
    IcePairs,
    /// [`Limits::ice_checks`], or as many of one session as [`crate::engine::ice`]
    /// remembers.
    IceChecks,
    /// [`Limits::ice_sessions_per_call`]: the others are told without their call.
    IceSessionsPerCall,
    /// [`Limits::dns_lookups`].
    DnsLookups,
    /// Answers of one DNS message, as many as [`crate::dns`] keeps.
    DnsAnswers,
    /// Attributes of one STUN message, as many as [`crate::stun`] looks at.
    StunAttributes,
    /// [`Limits::nat_bindings`].
    NatBindings,
    /// [`Limits::nat_contacts`]: the ones that are silent longest are forgotten.
    NatContacts,
    /// Notes about NATs, as many of a kind as [`crate::engine::nat`] keeps; they
    /// repeat themselves.
    NatNotes,
    /// [`Limits::tcp_streams`].
    TcpStreams,
    /// [`Limits::tcp_bytes`].
    TcpBytes,
    /// [`Limits::fragment_bytes`] or [`Limits::fragment_packets`].
    Fragments,
}

impl Limit {
    /// The name used in records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bytes => "bytes",
            Self::Calls => "calls",
            Self::TransactionsPerCall => "transactions-per-call",
            Self::MessagesPerCall => "messages-per-call",
            Self::DialogsPerCall => "dialogs-per-call",
            Self::EpochsPerCall => "epochs-per-call",
            Self::CopiesPerCall => "copies-per-call",
            Self::BodiesPerCall => "bodies-per-call",
            Self::TagsPerCall => "tags-per-call",
            Self::SubscriptionsPerCall => "subscriptions-per-call",
            Self::DtlsPerCall => "dtls-per-call",
            Self::MsrpPerCall => "msrp-per-call",
            Self::FaxesPerCall => "faxes-per-call",
            Self::SignalsPerFax => "signals-per-fax",
            Self::TiesPerCall => "ties-per-call",
            Self::Places => "places",
            Self::Transfers => "transfers",
            Self::Tunnels => "tunnels",
            Self::Proxies => "proxies",
            Self::Descriptions => "descriptions",
            Self::AddressesPerCall => "addresses-per-call",
            Self::Claims => "claims",
            Self::Flows => "flows",
            Self::Unclaimed => "unclaimed-flows",
            Self::Streams => "streams",
            Self::SsrcsPerFlow => "ssrcs-per-flow",
            Self::SameSsrc => "same-ssrc",
            Self::Digits => "digits",
            Self::Callers => "callers",
            Self::Registrations => "registrations",
            Self::Bindings => "bindings",
            Self::CallIdsPerRegistration => "call-ids-per-registration",
            Self::Connections => "connections",
            Self::StunExchanges => "stun-exchanges",
            Self::TurnAllocations => "turn-allocations",
            Self::TurnPeers => "turn-peers",
            Self::IceSessions => "ice-sessions",
            Self::IcePairs => "ice-pairs",
            Self::IceChecks => "ice-checks",
            Self::IceSessionsPerCall => "ice-sessions-per-call",
            Self::DnsLookups => "dns-lookups",
            Self::DnsAnswers => "dns-answers",
            Self::StunAttributes => "stun-attributes",
            Self::NatBindings => "nat-bindings",
            Self::NatContacts => "nat-contacts",
            Self::NatNotes => "nat-notes",
            Self::TcpStreams => "tcp-streams",
            Self::TcpBytes => "tcp-bytes",
            Self::Fragments => "fragments",
        }
    }

    /// Whether results are incomplete once it is reached. Flows that are not
    /// media are forgotten without loss, and need no description; the Call-IDs
    /// of a device are listed for the reader alone; the call says itself what
    /// could not be judged without its messages; who sent to whom is evidence about
    /// NATs that there is enough of where it is much.
    #[must_use]
    pub const fn costs_results(self) -> bool {
        !matches!(
            self,
            Self::Flows
                | Self::Unclaimed
                | Self::CallIdsPerRegistration
                | Self::MessagesPerCall
                | Self::NatContacts
                | Self::NatNotes
                | Self::Tunnels
        )
    }
}

/// Bounds that an object passed since the engine last asked: objects know no
/// counters, and count through this.
#[derive(Clone, Debug, Default)]
pub(super) struct Passed(SmallVec<[Limit; 2]>);

impl Passed {
    /// Adds it unless there was room.
    pub(super) fn unless(&mut self, room: bool, limit: Limit) {
        if !room && !self.0.contains(&limit) {
            self.0.push(limit);
        }
    }
}

impl IntoIterator for Passed {
    type Item = Limit;
    type IntoIter = smallvec::IntoIter<[Limit; 2]>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
