//! The arguments, as clap reads them.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

#[cfg(feature = "live")]
use crate::capture::hep::HepAddress;

/// Tells what happened to SIP calls and their media, from captures.
///
/// `sip-inspect FILE` is short for `sip-inspect analyze FILE`.
#[derive(Debug, Parser)]
#[command(name = "sip-inspect", version, arg_required_else_help = true)]
pub(super) struct Args {
    /// Whether to use colours; `NO_COLOR`, `CLICOLOR_FORCE` and `TERM=dumb`
    /// are heeded.
    #[arg(long, global = true, value_enum, default_value_t = ColorChoice::Auto, value_name = "WHEN")]
    pub color: ColorChoice,
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Reads captures and tells of calls, media and requests.
    Analyze(Box<Analyze>),
    /// Draws the ladder of a call.
    Flow(Flow),
    /// Watches interfaces and tells the same.
    #[cfg(feature = "live")]
    Capture(Box<CaptureArgs>),
    /// Judges calls against the rules, with an exit status for machines.
    Check(CheckArgs),
    /// Tells what a rule means, and how to fix what it finds.
    Explain(Explain),
    /// Takes one call or stream out of a capture.
    #[command(subcommand)]
    Export(Export),
    /// Tells what NATs did: the translation table, how each behaves, what gets
    /// through.
    Nat(NatArgs),
    /// Tells what many calls have in common: RFC 6076 metrics and spreads.
    Stats(StatsArgs),
    /// Asks a server, and tells what its answers show: how it answers, how the
    /// NAT before it behaves.
    #[cfg(feature = "probe")]
    #[command(subcommand)]
    Probe(super::probe_args::Probe),
    /// Answers probes: STUN with two addresses, OPTIONS of SIP.
    #[cfg(feature = "probe")]
    Serve(super::probe_args::Serve),
    /// Looks at this machine: what can be captured, and what to do where not.
    Doctor {
        /// How to spell it.
        #[arg(long, value_enum, default_value_t = PlainFormat::Table, value_name = "FORMAT")]
        format: PlainFormat,
    },
    /// Prints the JSON Schema of `--format json`.
    Schema {
        /// Of the report on captures, or of a probe's.
        #[arg(value_enum, default_value_t = Described::Document, value_name = "WHAT")]
        what: Described,
    },
    /// Prints the completions of a shell.
    Completions {
        /// Which shell.
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Prints the manual page, in roff.
    Man {
        /// Of this verb alone.
        verb: Option<String>,
    },
}

/// What a schema is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Described {
    /// What is read out of captures.
    Document,
    /// What a probe found.
    Probe,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ColorChoice {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl ColorChoice {
    /// Makes it so.
    pub(super) fn apply(self) {
        match self {
            Self::Always => colored::control::set_override(true),
            Self::Never => colored::control::set_override(false),
            Self::Auto => {
                let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
                if dumb && std::env::var_os("CLICOLOR_FORCE").is_none() {
                    colored::control::set_override(false);
                }
            }
        }
    }
}

/// How records are spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people.
    Table,
    /// One document.
    Json,
    /// One record per line, as it becomes final.
    Ndjson,
    /// One row per record of one section.
    Csv,
}

/// Which records CSV has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Section {
    /// Calls.
    Calls,
    /// RTP streams.
    RtpStreams,
    /// Transactions outside calls; all of them with `--transactions`.
    Transactions,
    /// Diagnostics.
    Diagnostics,
    /// Connections.
    Connections,
    /// DNS look-ups.
    DnsLookups,
    /// Registrations.
    Registrations,
    /// Subscriptions.
    Subscriptions,
    /// STUN exchanges.
    StunExchanges,
    /// TURN allocations.
    TurnAllocations,
    /// ICE sessions.
    IceSessions,
    /// Rows of NATs' translation tables.
    NatMappings,
    /// What is found about NATs.
    NatFindings,
    /// SIP messages.
    Messages,
}

impl Section {
    /// Its name in the document.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Calls => "calls",
            Self::RtpStreams => "rtp_streams",
            Self::Transactions => "transactions",
            Self::Diagnostics => "diagnostics",
            Self::Connections => "connections",
            Self::DnsLookups => "dns_lookups",
            Self::Registrations => "registrations",
            Self::Subscriptions => "subscriptions",
            Self::StunExchanges => "stun_exchanges",
            Self::TurnAllocations => "turn_allocations",
            Self::IceSessions => "ice_sessions",
            Self::NatMappings => "nat_mappings",
            Self::NatFindings => "nat_findings",
            Self::Messages => "messages",
        }
    }
}

/// How tables show times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Time {
    /// In UTC, as JSON does.
    Utc,
    /// In the zone of this host.
    Local,
    /// Since the first packet.
    Relative,
    /// Since the call before.
    Delta,
}

/// Reads captures: pcap and pcapng, also compressed by gzip or Zstandard.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  sip-inspect analyze call.pcap                 what happened, at a glance
  sip-inspect call.pcap --json | jq .calls      the same for programs
  sip-inspect inside.pcap outside.pcap          two capture points, merged by time
  zcat day.pcap.gz | sip-inspect -              from standard input
  sip-inspect day.pcap -f 'host 192.0.2.1'      a capture filter, as tcpdump has it
  sip-inspect day.pcap --call alice             only calls of one user
  sip-inspect day.pcap -Y 'call.outcome == busy'
                                                only what a filter holds for
  sip-inspect day.pcap -e call.from_user -e call.outcome
                                                fields as columns
  sip-inspect growing.pcap --follow --format ndjson
                                                a file that tcpdump still writes

Exit status: 0 done, 2 usage, 3 no capture, 4 incomplete (with --strict),
5 output not written, 70 internal error.")]
pub(super) struct Analyze {
    /// Files, folders of files, or `-` for standard input.
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// A file to read; the same as naming it.
    #[arg(short = 'r', short_alias = 'I', long = "read", value_name = "FILE")]
    pub read: Vec<PathBuf>,
    /// What to report, and how.
    #[command(flatten)]
    pub report: ReportArgs,
    /// Only packets that pass this capture filter (libpcap's language).
    #[cfg(feature = "live")]
    #[arg(short = 'f', long = "filter", value_name = "BPF")]
    pub filter: Option<String>,
    /// For tests of the program itself: `panic@frame=N`.
    #[cfg(debug_assertions)]
    #[arg(long, hide = true, value_name = "FAULT")]
    pub inject_fault: Option<String>,
    /// MiB that a compressed file may decompress to.
    #[arg(long, default_value_t = 8192, value_name = "MIB")]
    pub max_decompressed: u64,
    /// Go on as the files grow, as `tail -f` does; Ctrl-C ends. With `--format ndjson` each record is
    /// written when it is final.
    #[cfg(feature = "live")]
    #[arg(long)]
    pub follow: bool,
    /// Threads to work with; as many as there are processors and use for them unless said. The
    /// output is the same with any number.
    #[arg(long, value_name = "N")]
    pub threads: Option<std::num::NonZeroU8>,
}

/// Secrets, to read what is encrypted.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct KeyArgs {
    /// A key log (NSS format) with the secrets of TLS and DTLS sessions; without one, the file that
    /// `SSLKEYLOGFILE` names. Secrets in pcapng files are used too.
    #[arg(long, value_name = "FILE")]
    pub keylog: Vec<PathBuf>,
}

/// How short answers are spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum PlainFormat {
    /// For people.
    Table,
    /// One document.
    Json,
}

/// Tells what NATs did to the traffic.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  sip-inspect nat call.pcap
  sip-inspect nat inside.pcap outside.pcap      both sides of a NAT, joined
  sip-inspect nat call.pcap --format json | jq .nat_mappings

Exit status: 0 done, 2 usage, 3 no capture, 5 output not written.")]
pub(super) struct NatArgs {
    /// Files, folders of files, or `-` for standard input.
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Secrets.
    #[command(flatten)]
    pub keys: KeyArgs,
    /// How to spell it.
    #[arg(long, value_enum, default_value_t = PlainFormat::Table, value_name = "FORMAT")]
    pub format: PlainFormat,
}

/// Tells what many calls have in common.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  sip-inspect stats day.pcap
  sip-inspect stats day.pcap --format json | jq .session_establishment_ratio")]
pub(super) struct StatsArgs {
    /// Files, folders of files, or `-` for standard input.
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Secrets.
    #[command(flatten)]
    pub keys: KeyArgs,
    /// How to spell it.
    #[arg(long, value_enum, default_value_t = PlainFormat::Table, value_name = "FORMAT")]
    pub format: PlainFormat,
}

/// How verdicts are spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum CheckFormat {
    /// For people, as a compiler would.
    Text,
    /// One document.
    Json,
    /// A line for each.
    Ndjson,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// A test case for each call.
    Junit,
    /// Annotations of GitHub's workflows.
    Github,
}

/// From which severity on a check fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum FailOn {
    /// Errors.
    Error,
    /// Warnings and errors.
    Warning,
    /// Anything.
    Info,
    /// Nothing.
    Never,
}

/// Judges calls against the rules.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  sip-inspect check call.pcap                   what is wrong, and how to fix it
  sip-inspect check call.pcap --fail-on warning --min-calls 1
  sip-inspect check call.pcap --format sarif > sip.sarif
  sip-inspect check call.pcap --ignore SYN --severity DLG009=error

Exit status: 0 nothing at or above --fail-on, 1 something, or too few calls,
2 usage, 3 no capture, 5 output not written.")]
pub(super) struct CheckArgs {
    /// Files, folders of files, or `-` for standard input.
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Secrets.
    #[command(flatten)]
    pub keys: KeyArgs,
    /// How to spell it.
    #[arg(long, value_enum, default_value_t = CheckFormat::Text, value_name = "FORMAT")]
    pub format: CheckFormat,
    /// From which severity on to exit with 1.
    #[arg(long, value_enum, value_name = "SEVERITY")]
    pub fail_on: Option<FailOn>,
    /// How strictly to judge; `interop` unless said otherwise.
    #[arg(long, value_enum, value_name = "PROFILE")]
    pub profile: Option<ProfileName>,
    /// Only these rules: codes, or beginnings of codes.
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    pub select: Vec<String>,
    /// Not these rules: codes, or beginnings of codes.
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    pub ignore: Vec<String>,
    /// Give a rule another severity: CODE=error, CODE=warning or CODE=info.
    #[arg(long, value_name = "CODE=LEVEL", value_delimiter = ',')]
    pub severity: Vec<String>,
    /// Fail if there are fewer calls: an empty capture is no success.
    #[arg(long, value_name = "N")]
    pub min_calls: Option<u64>,
    /// Verify digest responses with the passwords of this file: lines of
    /// USER:REALM:PASSWORD or USER:REALM:ha1=HEX.
    #[arg(long, value_name = "FILE")]
    pub credentials: Option<PathBuf>,
    /// Fail unless the calls went as this file says.
    #[arg(long, value_name = "FILE")]
    pub expect: Option<PathBuf>,
    /// Only what is new counts: findings that this file lists do not.
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// Write what is found to such a file, and do nothing else.
    #[arg(long, value_name = "FILE")]
    pub write_baseline: Option<PathBuf>,
    /// Read this file in place of the .sip-inspect.toml of the folder or the
    /// repository.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Read no .sip-inspect.toml.
    #[arg(long, conflicts_with = "config")]
    pub no_config: bool,
}

/// How strictly is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ProfileName {
    /// By the letter.
    Strict,
    /// What liberal receivers put up with weighs less.
    Interop,
    /// A mobile operator's core.
    Ims,
    /// Browsers and their gateways.
    Webrtc,
}

impl From<ProfileName> for crate::rules::Profile {
    fn from(name: ProfileName) -> Self {
        match name {
            ProfileName::Strict => Self::Strict,
            ProfileName::Interop => Self::Interop,
            ProfileName::Ims => Self::Ims,
            ProfileName::Webrtc => Self::Webrtc,
        }
    }
}

/// Tells what a rule means, or lists all.
#[derive(Debug, clap::Args)]
pub(super) struct Explain {
    /// A code, as TXN014, or a name.
    #[arg(value_name = "CODE", required_unless_present = "list")]
    pub code: Option<String>,
    /// List all rules.
    #[arg(long, conflicts_with = "code")]
    pub list: bool,
    /// How to spell it.
    #[arg(long, value_enum, default_value_t = PlainFormat::Table, value_name = "FORMAT")]
    pub format: PlainFormat,
}

/// What is taken out of a capture.
#[derive(Debug, Subcommand)]
pub(super) enum Export {
    /// The packets of one call: signalling on all hops, media, RTCP, checks and
    /// look-ups; or those of one stream.
    Pcap(ExportPcap),
}

/// Writes the packets of one call or stream as pcapng.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  sip-inspect export pcap day.pcap --call 17 -w call.pcapng
  sip-inspect export pcap day.pcap --call alice -w - | tshark -r -
  sip-inspect export pcap day.pcap --stream stream-3 -w stream.pcapng

Segments of a TCP connection that other calls use too come with them.

Exit status: 0 done, 1 no such call, 2 usage, 3 no capture, 5 output not
written.")]
pub(super) struct ExportPcap {
    /// Files or folders of files; they are read three times.
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Secrets.
    #[command(flatten)]
    pub keys: KeyArgs,
    /// The call: its #, its Call-ID or the beginning of it, or a user. Calls
    /// that it led to, or that led to it, come with it.
    #[arg(long, value_name = "CALL", required_unless_present = "stream")]
    pub call: Option<String>,
    /// The stream, by its id.
    #[arg(long, value_name = "ID", conflicts_with = "call")]
    pub stream: Option<String>,
    /// Where to write; `-` is standard output. An existing file is replaced.
    #[arg(short = 'w', long, value_name = "FILE")]
    pub write: PathBuf,
    /// Leave out the secrets of TLS that the files hold or `--keylog` gives; else they are written
    /// with the packets.
    #[arg(long)]
    pub strip_secrets: bool,
}

/// How a ladder is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum FlowFormat {
    /// With characters.
    Text,
    /// As one picture.
    Svg,
    /// As a page with all of them.
    Html,
}

/// Draws the ladder of a call: all hops, all legs that are tied, media as
/// spans.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  sip-inspect flow call.pcap                    up to five calls, else a list
  sip-inspect flow day.pcap 17                  the call with this #
  sip-inspect flow day.pcap alice               calls of one user
  sip-inspect flow day.pcap 17 --format svg > call.svg

Exit status: 0 done, 1 no such call, 2 usage, 3 no capture, 5 output not
written.")]
pub(super) struct Flow {
    /// Captures; a last word that is no file is the call.
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Secrets.
    #[command(flatten)]
    pub keys: KeyArgs,
    /// The call: its #, its Call-ID or the beginning of it, or a user.
    #[arg(long, value_name = "CALL")]
    pub call: Option<String>,
    /// How to draw.
    #[arg(long, value_enum, default_value_t = FlowFormat::Text, value_name = "FORMAT")]
    pub format: FlowFormat,
    /// Show digits as they are; they may be PINs.
    #[arg(long)]
    pub show_digits: bool,
}

/// What to report, and how: the same for files and for interfaces.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub(super) struct ReportArgs {
    /// Secrets.
    #[command(flatten)]
    pub keys: KeyArgs,
    /// How to spell the records.
    #[arg(long, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    pub format: Format,
    /// The same as `--format json`.
    #[arg(long, conflicts_with = "format")]
    pub json: bool,
    /// Write to a file in place of standard output.
    #[arg(short = 'o', long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// How strictly to judge.
    #[arg(long, value_enum, default_value_t = ProfileName::Interop, value_name = "PROFILE")]
    pub profile: ProfileName,
    /// Hold nothing against the rules: no diagnostics, no symptoms, no root causes
    #[arg(long)]
    pub no_rules: bool,
    /// Only records that this filter holds for, by the names of `schema` or of
    /// Wireshark: 'call.outcome == "busy" and call.from_uri ~ "alice"'.
    #[arg(short = 'Y', long = "display-filter", value_name = "EXPR")]
    pub display_filter: Option<String>,
    /// Print this field of each record that can have it, as a column; may be
    /// repeated.
    #[arg(short = 'e', long = "field", value_name = "FIELD", conflicts_with_all = ["format", "json"])]
    pub fields: Vec<String>,
    /// Add a record for each SIP message.
    #[arg(long)]
    pub messages: bool,
    /// Add a record for each transaction on each hop.
    #[arg(long)]
    pub transactions: bool,
    /// Add this header field to calls and messages; may be repeated.
    #[arg(long = "header", value_name = "NAME")]
    pub headers: Vec<String>,
    /// Only calls and their streams.
    #[arg(long)]
    pub calls_only: bool,
    /// Only one call: its #, its Call-ID or the beginning of it, or a user.
    #[arg(long, value_name = "CALL")]
    pub call: Option<String>,
    /// Show digits as they are; they may be PINs.
    #[arg(long)]
    pub show_digits: bool,
    /// Which records CSV has.
    #[arg(long, value_enum, default_value_t = Section::Calls, value_name = "SECTION")]
    pub section: Section,
    /// Leave CSV cells that begin like a formula as they are.
    #[arg(long)]
    pub csv_raw: bool,
    /// How tables show times.
    #[arg(long, value_enum, default_value_t = Time::Utc, value_name = "STYLE")]
    pub time: Time,
    /// Stop after so many packets.
    #[arg(short = 'c', long = "count", value_name = "N")]
    pub count: Option<u64>,
    /// Exit with 4 if the results are incomplete.
    #[arg(long)]
    pub strict: bool,
    /// Say nothing on standard error but errors.
    #[arg(short = 'q', long)]
    pub quiet: bool,
    /// Accepted for users of tcpdump: names are never looked up.
    #[arg(short = 'n', hide = true)]
    pub no_names: bool,
    /// MiB of state to hold at most; the oldest leaves first.
    #[arg(long, default_value_t = 256, value_name = "MIB", value_parser = clap::value_parser!(u32).range(1..=1_048_576))]
    pub memory: u32,
}

/// Watches interfaces, and tells the same as `analyze` at the end.
#[cfg(feature = "live")]
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  sip-inspect capture -i eth0                   until Ctrl-C
  sip-inspect capture -i eth0 -a duration:60    for a minute
  sip-inspect capture -i any -w calls.pcapng    and keep the packets
  sip-inspect capture -i eth0 --events          each message as it comes
  sip-inspect capture -i eth0 udp and host 192.0.2.1

Without root: sudo setcap cap_net_raw+ep FILE, where FILE is this program.

Exit status: 0 done (also after Ctrl-C), 2 usage, 5 output not written,
6 can't capture, 70 internal error, 130 a second Ctrl-C.")]
pub(super) struct CaptureArgs {
    /// The interface to watch; may be repeated. `any` is all of them.
    #[arg(
        short = 'i',
        short_alias = 'd',
        long = "interface",
        value_name = "IFACE"
    )]
    pub interfaces: Vec<String>,
    /// List the interfaces.
    #[arg(short = 'D', long)]
    pub list_interfaces: bool,
    /// Only packets that pass this capture filter; words at the end do the
    /// same.
    #[arg(
        short = 'f',
        long = "filter",
        value_name = "BPF",
        conflicts_with = "expression"
    )]
    pub filter: Option<String>,
    /// Take what capture agents send (HEP 1 to 3), beside interfaces or alone: `udp:HOST:PORT` or
    /// `tcp:HOST:PORT`; without a host only from this one. May be repeated.
    #[arg(short = 'L', long, value_name = "ADDRESS")]
    pub hep_listen: Vec<HepAddress>,
    /// Send signalling, RTCP reports and a report on each stream on to a collector such as Homer
    /// (HEP 3): `udp:HOST:PORT` or `tcp:HOST:PORT`. May be repeated.
    #[arg(short = 'H', long, value_name = "ADDRESS")]
    pub hep_send: Vec<HepAddress>,
    /// The number by which the collector knows this agent.
    #[arg(long, default_value_t = 2001, value_name = "NUMBER")]
    pub hep_id: u32,
    /// Leave the interface as it is: only packets for this host.
    #[arg(short = 'p', long)]
    pub no_promiscuous: bool,
    /// Octets kept of a packet.
    #[arg(short = 's', long, default_value_t = 262_144, value_name = "OCTETS", value_parser = clap::value_parser!(i32).range(64..=262_144))]
    pub snap_length: i32,
    /// MiB of buffer in the kernel.
    #[arg(short = 'B', long, default_value_t = 16, value_name = "MIB", value_parser = clap::value_parser!(i32).range(1..=1024))]
    pub buffer: i32,
    /// Stop by itself: `duration:SECONDS` or `packets:N`; may be repeated.
    #[arg(short = 'a', long = "autostop", value_name = "WHEN")]
    pub autostop: Vec<String>,
    /// Keep the packets in a file: pcap where its name says so, else pcapng.
    #[arg(short = 'w', long, value_name = "FILE")]
    pub write: Option<PathBuf>,
    /// Begin a new file at `filesize:KB`; keep only the last `files:N`.
    #[arg(short = 'b', long = "ring", value_name = "HOW", requires = "write")]
    pub ring: Vec<String>,
    /// Go on as this user once the interfaces are open, when started as root;
    /// by default whoever called sudo, else nobody. `root` keeps root.
    #[arg(short = 'Z', long = "relinquish-privileges", value_name = "USER")]
    pub relinquish_privileges: Option<String>,
    /// Print each SIP message as a line of JSON when it comes; implies
    /// `--format ndjson`.
    #[arg(long)]
    pub events: bool,
    /// What to report, and how.
    #[command(flatten)]
    pub report: ReportArgs,
    /// A capture filter, as in tcpdump.
    #[arg(value_name = "BPF")]
    pub expression: Vec<String>,
}
