//! The arguments of `probe` and `serve`.

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};

use super::args::PlainFormat;
use crate::probe::Carrier;
use crate::probe::target::Family;

/// The mirror's port is so far above that of SIP.
pub(super) const MIRROR_AWAY: u16 = 1000;

/// What is asked.
#[derive(Debug, Subcommand)]
pub(super) enum Probe {
    /// Whether a STUN server answers, how fast, and what it says.
    Stun(ProbeStun),
    /// How the NAT before this host behaves, in the terms of RFC 4787.
    Nat(ProbeNat),
    /// Whether a SIP server is alive, how fast it answers, and what it says of
    /// itself.
    Options(ProbeOptions),
    /// Whether a registrar takes a registration, and keeps its word.
    Register(ProbeRegister),
    /// Where a SIP URI leads, as DNS says.
    Dns(ProbeDns),
    /// Whether a TURN server relays, both ways, and how well.
    Turn(ProbeTurn),
    /// What a middlebox rewrites in SIP.
    Alg(ProbeAlg),
    /// Whether a call is answered, and whether audio goes and comes.
    Call(ProbeCall),
}

/// Asks a STUN server for this host's outside address.
#[derive(Debug, clap::Args)]
#[command(before_help = "\
Examples:
  sip-inspect probe stun stun.example.org
  sip-inspect probe stun 127.0.0.1:3478 --transport tcp --json
  sip-inspect probe stun stun.example.org --count 20 --interval 200 -w stun.pcapng

Exit status: 0 answered, 1 refused, 2 usage, 5 output not written, 7 no answer,
8 ended before it was done.")]
pub(super) struct ProbeStun {
    /// The server: HOST, HOST:PORT or a stun: URI.
    #[arg(value_name = "SERVER")]
    pub server: String,
    /// Over what.
    #[arg(long, value_enum, default_value_t = Stream::Udp, value_name = "TRANSPORT")]
    pub transport: Stream,
    /// The user, where the server wants a password; it stands in the environment as
    /// SIP_INSPECT_PASSWORD, or in a file.
    #[arg(long, value_name = "NAME", default_value = "")]
    pub user: String,
    /// A file whose first line is the password.
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// How many requests.
    #[arg(short = 'c', long, default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub count: u32,
    /// From one request to the next, in milliseconds.
    #[arg(long, default_value_t = 250, value_name = "MS", value_parser = clap::value_parser!(u64).range(20..=60_000))]
    pub interval: u64,
    #[command(flatten)]
    pub tls: TlsArgs,
    #[command(flatten)]
    pub common: ProbeCommon,
}

/// Finds out how the NAT before this host maps, filters, picks ports and turns
/// packets back.
#[derive(Debug, clap::Args)]
#[command(before_help = "\
Examples:
  sip-inspect probe nat --server stun.example.org
  sip-inspect probe nat --server stun.example.org --lifetime 300
  sip-inspect probe nat --server a.example.org --server b.example.org --json

A server with a second address (RFC 5780) shows mapping and filtering. Of
servers without, two show whether the mapping is endpoint-independent; three,
two of them ports of one host, show more. Filtering they can't show.

Exit status: 0 known (UDP blocked, but TCP through, included), 2 usage, 5 output
not written, 7 no answer, 8 inconclusive.")]
pub(super) struct ProbeNat {
    /// A STUN server: HOST, HOST:PORT or a stun: URI; may be repeated.
    #[arg(long = "server", value_name = "SERVER", required = true)]
    pub servers: Vec<String>,
    /// Watch how long unused bindings live, for at most so many seconds each; it
    /// takes up to five times as long.
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u64).range(2..=3600))]
    pub lifetime: Option<u64>,
    /// Look at the mapping of TCP as well.
    #[arg(long)]
    pub tcp: bool,
    #[command(flatten)]
    pub common: ProbeCommon,
}

/// Pings a SIP server with OPTIONS: any answer shows that it lives.
#[derive(Debug, clap::Args)]
#[command(before_help = "\
Examples:
  sip-inspect probe options sip:example.org
  sip-inspect probe options sip:bob@192.0.2.1:5070 -c 10 --interval 500
  sip-inspect probe options sip:example.org --transport tcp --trace --json

A host without a port is looked up as RFC 3263 has it (NAPTR, SRV, addresses); any of
its targets that is silent is followed by the next of the same transport.

Exit status: 0 alive, 2 usage, 5 output not written, 7 no answer, 8 ended before
it was done.")]
pub(super) struct ProbeOptions {
    /// The server: a sip: URI, HOST or HOST:PORT.
    #[arg(value_name = "URI")]
    pub uri: String,
    /// Over what, whatever the URI says.
    #[arg(long, value_enum, value_name = "TRANSPORT")]
    pub transport: Option<SipStream>,
    /// How many requests.
    #[arg(short = 'c', long, default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub count: u32,
    /// From one request to the next, in milliseconds.
    #[arg(long, default_value_t = 1000, value_name = "MS", value_parser = clap::value_parser!(u64).range(20..=60_000))]
    pub interval: u64,
    /// Look for the proxies on the way: Max-Forwards 0, 1, 2 and so on.
    #[arg(long, conflicts_with_all = ["count", "interval"])]
    pub trace: bool,
    #[command(flatten)]
    pub tls: TlsArgs,
    #[command(flatten)]
    pub resolver: ResolverArgs,
    #[command(flatten)]
    pub common: ProbeCommon,
}

/// Registers an address of its own, asks what is registered, refreshes, and takes
/// it away again.
#[derive(Debug, clap::Args)]
#[command(before_help = "\
Examples:
  sip-inspect probe register sip:alice@example.org --password-file alice.txt
  SIP_INSPECT_PASSWORD=... sip-inspect probe register sip:alice@192.0.2.1:5070 --json
  sip-inspect probe register sip:alice@example.org --realm example.org --transport tcp

The password is the first line of the file, or stands in the environment as
SIP_INSPECT_PASSWORD; it is never taken from the command line. What others have
registered is listed and never changed.

Exit status: 0 registered and removed, 1 refused or not as it must be, 2 usage, 3
the file can't be read, 5 output not written, 7 no answer, 8 ended before it was
done.")]
pub(super) struct ProbeRegister {
    /// Who: sip:USER@HOST or sip:USER@HOST:PORT.
    #[arg(value_name = "URI")]
    pub uri: String,
    #[command(flatten)]
    pub login: Login,
    /// Over what, whatever the URI says.
    #[arg(long, value_enum, value_name = "TRANSPORT")]
    pub transport: Option<SipStream>,
    /// How long to register for, in seconds.
    #[arg(long, default_value_t = 60, value_name = "S", value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub expires: u32,
    #[command(flatten)]
    pub tls: TlsArgs,
    #[command(flatten)]
    pub resolver: ResolverArgs,
    #[command(flatten)]
    pub common: ProbeCommon,
}

/// Follows a SIP URI through NAPTR, SRV and addresses (RFC 3263), or a number through
/// ENUM.
#[derive(Debug, clap::Args)]
#[command(before_help = "\
Examples:
  sip-inspect probe dns sip:example.org
  sip-inspect probe dns sips:bob@example.org --resolver 192.0.2.53
  sip-inspect probe dns --enum +4930123456 --json

Targets are listed in the order in which they are to be tried. Among those of one
priority a client draws by lot, and the share says how often a host is drawn; here the
heavier is first.

Exit status: 0 located, 1 it leads nowhere, 2 usage, 5 output not written, 7 no answer,
8 ended before it was done.")]
pub(super) struct ProbeDns {
    /// The URI, or a domain.
    #[arg(
        value_name = "URI",
        required_unless_present = "number",
        conflicts_with = "number"
    )]
    pub uri: Option<String>,
    /// The number.
    #[arg(long = "enum", value_name = "NUMBER")]
    pub number: Option<String>,
    #[command(flatten)]
    pub resolver: ResolverArgs,
    #[command(flatten)]
    pub common: ProbeCommon,
}

/// Who is asked for names.
#[derive(Debug, clap::Args)]
pub(super) struct ResolverArgs {
    /// The resolver: IP or IP:PORT; the system's unless told otherwise.
    #[arg(long, value_name = "RESOLVER")]
    pub resolver: Option<String>,
}

/// Asks a TURN server for a relayed address, and sends through it to a second socket of
/// this host and back.
#[derive(Debug, clap::Args)]
#[command(before_help = "\
Examples:
  sip-inspect probe turn turn.example.org --user alice --password-file alice.txt
  sip-inspect probe turn turn.example.org --user alice --secret-file secret.txt
  SIP_INSPECT_PASSWORD=... sip-inspect probe turn 192.0.2.1:3478 --user alice --transport tcp --json

The password is the first line of the file, or stands in the environment as
SIP_INSPECT_PASSWORD. With --secret-file user and password are made from a secret that
the server shares (coturn's use-auth-secret), and hold for an hour. The allocation is
given back at the end, also on Ctrl-C.

Exit status: 0 it relays, 1 refused, or it does not, 2 usage, 3 the file can't be read,
5 output not written, 7 no answer, 8 ended before it was done.")]
pub(super) struct ProbeTurn {
    /// The server: HOST, HOST:PORT or a turn: URI.
    #[arg(value_name = "SERVER")]
    pub server: String,
    /// The user.
    #[arg(long, value_name = "NAME", default_value = "")]
    pub user: String,
    /// A file whose first line is the password.
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// A file whose first line is the secret that the server shares.
    #[arg(long, value_name = "FILE", conflicts_with = "password_file")]
    pub secret_file: Option<PathBuf>,
    /// Answer challenges for this realm alone.
    #[arg(long, value_name = "REALM")]
    pub realm: Option<String>,
    /// Over what the server is asked.
    #[arg(long, value_enum, default_value_t = Stream::Udp, value_name = "TRANSPORT")]
    pub transport: Stream,
    /// How many packets go through it and back, one each 20 ms.
    #[arg(short = 'c', long, default_value_t = 100, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=3000))]
    pub count: u32,
    #[command(flatten)]
    pub tls: TlsArgs,
    #[command(flatten)]
    pub common: ProbeCommon,
}

/// Sends SIP to a mirror, at the port of SIP and at another, and tells what was
/// rewritten on the way there and back.
#[derive(Debug, clap::Args)]
#[command(before_help = "\
Examples:
  sip-inspect probe alg 192.0.2.1
  sip-inspect probe alg 192.0.2.1:5060 --control 6060 --json

The other end is sip-inspect serve --sip 192.0.2.1:5060 on the far side of the NAT. What is rewritten at the port of SIP alone is the work of an ALG
that knows the port: another port, or TLS, goes around it.

Exit status: 0 known, 1 nobody there is a mirror, 2 usage, 5 output not written, 7 no
answer, 8 ended before it was done.")]
pub(super) struct ProbeAlg {
    /// The mirror: HOST or HOST:PORT.
    #[arg(value_name = "SERVER")]
    pub server: String,
    /// Its port where nobody expects SIP; a thousand above that of SIP unless told
    /// otherwise.
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub control: Option<u16>,
    #[command(flatten)]
    pub common: ProbeCommon,
}

/// Places a test call, sends a tone, and tells what comes back.
#[derive(Debug, clap::Args)]
#[command(before_help = "\
Examples:
  sip-inspect probe call sip:echo@example.org
  sip-inspect probe call sip:echo@127.0.0.1 --duration 5 --dtmf 123# --json
  sip-inspect probe call sip:echo@example.org --expect media=both --expect 'mos>=4.0'
  sip-inspect probe call sip:200@pbx.example.org --allow '2*' --from sip:alice@pbx.example.org --password-file alice.txt

A number is called only where --allow names it, or its beginning and *. The call is
always ended: cancelled while it rings, by BYE after that, also on Ctrl-C. It takes
at most 60 s in all, unless --timeout says otherwise.

Expectations are FIELD OPERATOR VALUE with = != < <= > >=; the fields are those of
the JSON's measurements (media, mos, loss_percent, jitter_ms, heard, status,
setup_ms, to_peer.lost and so on).

Exit status: 0 answered, and audio came, 1 refused, not answered, no audio, or not
as expected, 2 usage or a number that may not be called, 3 the file can't be read, 5
output not written, 7 no answer, 8 ended before it was done.")]
pub(super) struct ProbeCall {
    /// Who: sip:USER@HOST or sip:USER@HOST:PORT.
    #[arg(value_name = "URI")]
    pub uri: String,
    /// Who calls.
    #[arg(long, value_name = "URI")]
    pub from: Option<String>,
    #[command(flatten)]
    pub login: Login,
    /// A number that may be called, or its beginning and *; may be repeated.
    #[arg(long, value_name = "NUMBER")]
    pub allow: Vec<String>,
    /// Over what, whatever the URI says.
    #[arg(long, value_enum, value_name = "TRANSPORT")]
    pub transport: Option<SipStream>,
    /// How long to talk, in seconds.
    #[arg(long, default_value_t = 10, value_name = "S", value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub duration: u64,
    /// How long to let it ring, in seconds.
    #[arg(long, default_value_t = 30, value_name = "S", value_parser = clap::value_parser!(u64).range(1..=180))]
    pub ring: u64,
    /// The codec that is asked for first.
    #[arg(long, value_enum, default_value_t = Codec::Pcmu, value_name = "CODEC")]
    pub codec: Codec,
    /// Digits to send: 0 to 9, *, #, A to D.
    #[arg(long, value_name = "DIGITS")]
    pub dtmf: Option<String>,
    /// What must be so; may be repeated.
    #[arg(long, value_name = "EXPECTATION")]
    pub expect: Vec<String>,
    #[command(flatten)]
    pub tls: TlsArgs,
    #[command(flatten)]
    pub resolver: ResolverArgs,
    #[command(flatten)]
    pub common: ProbeCommon,
}

/// A codec of G.711.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Codec {
    /// µ-law.
    Pcmu,
    /// A-law.
    Pcma,
}

/// What answers challenges.
#[derive(Debug, clap::Args)]
pub(super) struct Login {
    /// A file whose first line is the password.
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// The user's name for the challenge, where it is another.
    #[arg(long, value_name = "NAME")]
    pub auth_user: Option<String>,
    /// Answer challenges for this realm alone.
    #[arg(long, value_name = "REALM")]
    pub realm: Option<String>,
}

/// Over what a server is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Stream {
    /// Datagrams.
    Udp,
    /// A connection.
    Tcp,
    /// TLS over TCP.
    Tls,
}

impl Stream {
    /// As probes know it.
    pub(super) const fn carrier(self) -> Carrier {
        match self {
            Self::Udp => Carrier::Udp,
            Self::Tcp => Carrier::Tcp,
            Self::Tls => Carrier::Tls,
        }
    }
}

/// Over what a SIP server is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum SipStream {
    /// Datagrams.
    Udp,
    /// A connection.
    Tcp,
    /// TLS over TCP.
    Tls,
    /// WebSocket.
    Ws,
    /// WebSocket over TLS.
    Wss,
}

impl SipStream {
    /// As probes know it.
    pub(super) const fn carrier(self) -> Carrier {
        match self {
            Self::Udp => Carrier::Udp,
            Self::Tcp => Carrier::Tcp,
            Self::Tls => Carrier::Tls,
            Self::Ws => Carrier::Ws,
            Self::Wss => Carrier::Wss,
        }
    }
}

/// Whom TLS trusts.
#[derive(Debug, clap::Args)]
pub(super) struct TlsArgs {
    /// Trust the authorities of this file (PEM), in place of the system's.
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// The name that the certificate must bear; that of the server unless told
    /// otherwise.
    #[arg(long, value_name = "NAME")]
    pub tls_name: Option<String>,
    /// Go on with a certificate that is not trusted, and say so.
    #[arg(long)]
    pub insecure: bool,
}

/// What all probes know.
#[derive(Debug, clap::Args)]
pub(super) struct ProbeCommon {
    /// Send from this address.
    #[arg(long, value_name = "IP")]
    pub source: Option<std::net::IpAddr>,
    /// Send on this interface (Linux).
    #[arg(short = 'i', long, value_name = "IFACE")]
    pub interface: Option<String>,
    /// Only addresses of IPv4.
    #[arg(short = '4', long, conflicts_with = "ipv6")]
    pub ipv4: bool,
    /// Only addresses of IPv6.
    #[arg(short = '6', long)]
    pub ipv6: bool,
    /// Packets in a second, at most 50.
    #[arg(long, default_value_t = 50, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=50))]
    pub rate: u32,
    /// Packets in all; 1000 unless told otherwise, and the media of a call beside.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub max_packets: Option<u64>,
    /// End after so many seconds, whatever is known by then.
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u64).range(1..))]
    pub timeout: Option<u64>,
    /// Write each packet sent and received to this file.
    #[arg(short = 'w', long, value_name = "FILE")]
    pub write: Option<PathBuf>,
    /// How to spell it.
    #[arg(long, value_enum, default_value_t = PlainFormat::Table, value_name = "FORMAT")]
    pub format: PlainFormat,
    /// The same as --format json.
    #[arg(long)]
    pub json: bool,
    /// Write to this file in place of standard output.
    #[arg(short = 'o', long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Say nothing beside the data.
    #[arg(short = 'q', long)]
    pub quiet: bool,
}

impl ProbeCommon {
    /// Which addresses of a name are wanted.
    pub(super) const fn family(&self) -> Family {
        match (self.ipv4, self.ipv6) {
            (true, _) => Family::Four,
            (_, true) => Family::Six,
            _ => Family::Any,
        }
    }
}

/// The other end for probes, on this host alone unless told otherwise.
#[derive(Debug, clap::Args)]
#[command(before_help = "\
Examples:
  sip-inspect serve
  sip-inspect serve --stun 203.0.113.1:3478 --alternate 203.0.113.2:3479
  sip-inspect serve --stun 127.0.0.1:5000 --no-alternate --sip 127.0.0.1:5070
  sip-inspect serve --credentials users.txt

Calls are taken as the user says: echo answers and sends back what it hears, slow
answers after 2 s, early sends media before that, ring only rings, busy and decline
refuse, moved redirects to echo, secret wants a password, others are not found. What
comes for mirror is sent back octet by octet.

It answers until it is interrupted (Ctrl-C), and sends nothing by itself.
Exit status: 0 interrupted, 2 usage, 3 the file can't be read, 6 an address can't be
opened.")]
pub(super) struct Serve {
    /// Where STUN is answered, over UDP and TCP.
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:3478")]
    pub stun: std::net::SocketAddr,
    /// The other address and port (RFC 5780).
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.2:3479")]
    pub alternate: Option<std::net::SocketAddr>,
    /// Have no other address.
    #[arg(long)]
    pub no_alternate: bool,
    /// Where SIP is answered, over UDP and TCP.
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:5060")]
    pub sip: std::net::SocketAddr,
    /// Where all SIP is mirrored, over UDP and TCP, for `probe alg`; a thousand ports
    /// above --sip unless told otherwise. At --sip the user `mirror` is mirrored too.
    #[arg(long, value_name = "IP:PORT")]
    pub mirror: Option<std::net::SocketAddr>,
    /// A file of USER:PASSWORD lines: only these register, each itself, and only
    /// they reach `secret`.
    #[arg(long, value_name = "FILE")]
    pub credentials: Option<PathBuf>,
}
