//! What fax machines say to each other (ITU-T T.30, 5.3.6): frames of HDLC at 300 bit/s, with
//! the first bit of the line first in an octet, as T.38 carries them.

use crate::octets::{self, u8_at};

/// One frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct T30Frame {
    /// What it says.
    pub signal: Signal,
    /// What follows a part of a page that has error correction: of PPS.
    pub after: Option<Signal>,
    /// The number of the speaker, as it was set in its machine.
    pub identity: Option<String>,
    /// What was chosen for the page: of DCS.
    pub command: Option<Command>,
}

/// How the sender is going to send (ITU-T T.30, table 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Command {
    /// Bits a second.
    pub bit_rate: u32,
    /// Whether errors are corrected.
    pub error_correction: bool,
    /// How fine the lines are.
    pub resolution: Resolution,
}

/// Lines of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// 3.85 a millimetre.
    Standard,
    /// 7.7 a millimetre.
    Fine,
    /// 15.4 a millimetre.
    Superfine,
}

impl Resolution {
    /// The name used in records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Fine => "fine",
            Self::Superfine => "superfine",
        }
    }
}

/// The word of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of T.30")]
pub enum Signal {
    Dis,
    Csi,
    Nsf,
    Dtc,
    Cig,
    Nsc,
    Dcs,
    Tsi,
    Nss,
    Sub,
    Sep,
    Pwd,
    Cfr,
    Ftt,
    Ctr,
    Ctc,
    Eom,
    Mps,
    Eop,
    PriEom,
    PriMps,
    PriEop,
    /// More of the same page follows.
    Null,
    Pps,
    Eor,
    Rr,
    Mcf,
    Rtp,
    Rtn,
    Pip,
    Pin,
    Ppr,
    Rnr,
    Err,
    Dcn,
    Crp,
    /// Any other.
    Other,
}

impl Signal {
    /// By the facsimile control field. The first bit of most says only which of the two
    /// speaks.
    const fn of(field: u8) -> Self {
        match field {
            0x01 => Self::Dis,
            0x02 => Self::Csi,
            0x04 => Self::Nsf,
            0x81 => Self::Dtc,
            0x82 => Self::Cig,
            0x84 => Self::Nsc,
            0x83 => Self::Pwd,
            0x85 => Self::Sep,
            _ => match field & 0x7f {
                0x41 => Self::Dcs,
                0x42 => Self::Tsi,
                0x43 => Self::Sub,
                0x44 => Self::Nss,
                0x48 => Self::Ctc,
                0x21 => Self::Cfr,
                0x22 => Self::Ftt,
                0x23 => Self::Ctr,
                0x00 => Self::Null,
                0x71 => Self::Eom,
                0x72 => Self::Mps,
                0x74 => Self::Eop,
                0x79 => Self::PriEom,
                0x7a => Self::PriMps,
                0x7c => Self::PriEop,
                0x7d => Self::Pps,
                0x73 => Self::Eor,
                0x76 => Self::Rr,
                0x31 => Self::Mcf,
                0x33 => Self::Rtp,
                0x32 => Self::Rtn,
                0x35 => Self::Pip,
                0x34 => Self::Pin,
                0x3d => Self::Ppr,
                0x37 => Self::Rnr,
                0x38 => Self::Err,
                0x5f => Self::Dcn,
                0x58 => Self::Crp,
                _ => Self::Other,
            },
        }
    }

    /// The name in T.30.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dis => "DIS",
            Self::Csi => "CSI",
            Self::Nsf => "NSF",
            Self::Dtc => "DTC",
            Self::Cig => "CIG",
            Self::Nsc => "NSC",
            Self::Dcs => "DCS",
            Self::Tsi => "TSI",
            Self::Nss => "NSS",
            Self::Sub => "SUB",
            Self::Sep => "SEP",
            Self::Pwd => "PWD",
            Self::Cfr => "CFR",
            Self::Ftt => "FTT",
            Self::Ctr => "CTR",
            Self::Ctc => "CTC",
            Self::Eom => "EOM",
            Self::Mps => "MPS",
            Self::Eop => "EOP",
            Self::PriEom => "PRI-EOM",
            Self::PriMps => "PRI-MPS",
            Self::PriEop => "PRI-EOP",
            Self::Null => "NULL",
            Self::Pps => "PPS",
            Self::Eor => "EOR",
            Self::Rr => "RR",
            Self::Mcf => "MCF",
            Self::Rtp => "RTP",
            Self::Rtn => "RTN",
            Self::Pip => "PIP",
            Self::Pin => "PIN",
            Self::Ppr => "PPR",
            Self::Rnr => "RNR",
            Self::Err => "ERR",
            Self::Dcn => "DCN",
            Self::Crp => "CRP",
            Self::Other => "other",
        }
    }

    /// Whether it says that a page is over and asks whether it came.
    #[must_use]
    pub const fn ends_page(self) -> bool {
        matches!(
            self,
            Self::Eom | Self::Mps | Self::Eop | Self::PriEom | Self::PriMps | Self::PriEop
        )
    }

    /// Whether it is said beside another signal, or ends all.
    #[must_use]
    pub const fn goes_along(self) -> bool {
        matches!(
            self,
            Self::Csi
                | Self::Nsf
                | Self::Cig
                | Self::Nsc
                | Self::Tsi
                | Self::Nss
                | Self::Sub
                | Self::Sep
                | Self::Pwd
                | Self::Dcn
        )
    }

    /// Whether it answers a question.
    #[must_use]
    pub const fn answers(self) -> bool {
        matches!(
            self,
            Self::Cfr
                | Self::Ftt
                | Self::Ctr
                | Self::Mcf
                | Self::Rtp
                | Self::Rtn
                | Self::Pip
                | Self::Pin
                | Self::Ppr
                | Self::Rnr
                | Self::Err
        )
    }

    /// Whether it says that a page came. PIP and RTP do, and ask for more.
    #[must_use]
    pub const fn confirms_page(self) -> bool {
        matches!(self, Self::Mcf | Self::Rtp | Self::Pip)
    }
}

impl T30Frame {
    /// Reads a frame without its check sum (ITU-T T.30, 5.3.4): an address of ones, a control
    /// field, a word.
    #[must_use]
    pub fn parse(octets: &[u8]) -> Option<Self> {
        let [0xff, 0xc0 | 0xc8, field, information @ ..] = octets else {
            return None;
        };
        let signal = Signal::of(*field);
        let after = (signal == Signal::Pps)
            .then(|| u8_at(information, 0).map(Signal::of))
            .flatten();
        let identity = matches!(signal, Signal::Csi | Signal::Tsi | Signal::Cig)
            .then(|| identity(information))
            .flatten();
        let command = (signal == Signal::Dcs)
            .then(|| Command::parse(information))
            .flatten();
        Some(Self {
            signal,
            after,
            identity,
            command,
        })
    }
}

impl Command {
    fn parse(information: &[u8]) -> Option<Self> {
        let bit_rate = match u8_at(information, 1)? >> 2 & 0b1111 {
            0b0000 => 2400,
            0b0100 => 4800,
            0b1000 | 0b1001 => 9600,
            0b1100 | 0b1101 => 7200,
            0b0101 => 12000,
            0b0001 => 14400,
            _ => return None,
        };
        // Bits count from 1 at the left; each octet from the third on says whether one follows.
        let bit = |number: usize| {
            let place = number.saturating_sub(1);
            let octet = u8_at(information, place / 8).unwrap_or_default();
            octet << (place % 8) & 0x80 != 0
        };
        let resolution = match (bit(41), bit(15)) {
            (true, _) => Resolution::Superfine,
            (false, true) => Resolution::Fine,
            (false, false) => Resolution::Standard,
        };
        Some(Self {
            bit_rate,
            error_correction: bit(27),
            resolution,
        })
    }
}

/// Twenty characters, the last one first, the last bit of each first.
fn identity(information: &[u8]) -> Option<String> {
    let digits: Vec<u8> = octets::span(information, 0, 20)
        .iter()
        .rev()
        .map(|octet| octet.reverse_bits())
        .collect();
    let text = octets::text(digits.trim_ascii());
    (!text.is_empty()).then_some(text)
}
