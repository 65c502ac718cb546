//! What one packet carries of a fax (ITU-T T.38, 7): an indicator of what the modem does, or
//! data with the modulation that they had.

use smallvec::SmallVec;

use crate::octets::u8_at;

/// What one packet carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ifp<'a> {
    /// What is heard on the line, by its number in T.38.
    Indicator(u8),
    /// What came through the modem.
    Data {
        /// By which modulation.
        modulation: Modulation,
        /// What came, in order.
        fields: SmallVec<[(FieldKind, &'a [u8]); 4]>,
    },
}

/// How data came over the line, by its number in T.38.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Modulation(pub u8);

impl Modulation {
    /// 300 bit/s, in which the machines talk to each other.
    pub const V21: Self = Self(0);

    /// Whether it is V.8, or one of V.34.
    #[must_use]
    pub const fn is_v34(self) -> bool {
        matches!(self.0, 9..=12)
    }
}

/// What a field of data is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// Octets of a frame of HDLC.
    Hdlc,
    /// The end of a frame whose check sum was right.
    FrameGood,
    /// The end of a frame whose check sum was wrong.
    FrameBad,
    /// The end of the signal without the end of a frame.
    SignalEnd,
    /// Octets of a page that is sent without error correction, or what only V.34 has.
    Other,
}

/// The most fields of one packet.
const MAX_FIELDS: usize = 64;
/// The most octets of one field.
const MAX_FIELD: usize = 2048;

/// The names of indicators, in the order of T.38.
const INDICATORS: [&str; 23] = [
    "no-signal",
    "cng",
    "ced",
    "v21-preamble",
    "v27-2400-training",
    "v27-4800-training",
    "v29-7200-training",
    "v29-9600-training",
    "v17-7200-short-training",
    "v17-7200-long-training",
    "v17-9600-short-training",
    "v17-9600-long-training",
    "v17-12000-short-training",
    "v17-12000-long-training",
    "v17-14400-short-training",
    "v17-14400-long-training",
    "v8-ansam",
    "v8-signal",
    "v34-cntl-channel-1200",
    "v34-pri-channel",
    "v34-cc-retrain",
    "v33-12000-training",
    "v33-14400-training",
];

impl<'a> Ifp<'a> {
    /// Reads what a packet carries; `None` unless all of it is used. `version` is the one that
    /// the session description names: version 0 writes kinds of fields shorter.
    #[must_use]
    pub fn parse(octets: &'a [u8], version: u8) -> Option<Self> {
        Self::read(octets, version > 0).or_else(|| Self::read(octets, version == 0))
    }

    fn read(octets: &'a [u8], has_extensions: bool) -> Option<Self> {
        let mut bits = Bits { octets, at: 0 };
        let has_data = bits.take(1)? == 1;
        let is_data = bits.take(1)? == 1;
        let is_extended = bits.take(1)? == 1;
        let (own, further): (u8, u8) = if is_data { (9, 6) } else { (16, 7) };
        let kind = if is_extended {
            // The number of an extension is small: a zero and six bits.
            let number = bits.take(7)?;
            own.checked_add(
                u8::try_from(number)
                    .ok()
                    .filter(|number| *number < further)?,
            )?
        } else {
            u8::try_from(bits.take(4)?)
                .ok()
                .filter(|kind| *kind < own)?
        };
        if !is_data {
            return (!has_data && bits.is_over()).then_some(Self::Indicator(kind));
        }
        let mut fields = SmallVec::new();
        if has_data {
            bits.align();
            let count = bits.take(8).filter(|count| *count <= MAX_FIELDS)?;
            for _ in 0..count {
                fields.push(bits.field(has_extensions)?);
            }
        }
        bits.is_over().then_some(Self::Data {
            modulation: Modulation(kind),
            fields,
        })
    }

    /// Whether an indicator is one of V.8 or V.34.
    #[must_use]
    pub const fn is_v34_indicator(number: u8) -> bool {
        matches!(number, 16..=20)
    }

    /// Whether an indicator is the training before data.
    #[must_use]
    pub const fn is_training(number: u8) -> bool {
        matches!(number, 4..=15 | 21 | 22)
    }

    /// The name of an indicator.
    #[must_use]
    pub fn indicator_name(number: u8) -> &'static str {
        INDICATORS
            .get(usize::from(number))
            .copied()
            .unwrap_or("unknown")
    }
}

/// Reads as the aligned packed encoding rules write (ITU-T X.691).
struct Bits<'a> {
    octets: &'a [u8],
    /// In bits.
    at: usize,
}

impl<'a> Bits<'a> {
    fn take(&mut self, count: usize) -> Option<usize> {
        let mut value = 0_usize;
        for _ in 0..count {
            let octet = u8_at(self.octets, self.at / 8)?;
            let shift = 7_usize.saturating_sub(self.at % 8);
            value = value << 1 | usize::from(octet >> shift & 1);
            self.at = self.at.saturating_add(1);
        }
        Some(value)
    }

    fn align(&mut self) {
        self.at = self.at.next_multiple_of(8);
    }

    /// Whether all octets were used, the bits that fill the last one aside.
    fn is_over(&self) -> bool {
        self.at.div_ceil(8) == self.octets.len()
    }

    fn field(&mut self, has_extensions: bool) -> Option<(FieldKind, &'a [u8])> {
        let has_octets = self.take(1)? == 1;
        let is_extended = has_extensions && self.take(1)? == 1;
        let kind = if is_extended {
            self.take(7)?;
            FieldKind::Other
        } else {
            match self.take(3)? {
                0 => FieldKind::Hdlc,
                1 | 7 => FieldKind::SignalEnd,
                2 | 4 => FieldKind::FrameGood,
                3 | 5 => FieldKind::FrameBad,
                _ => FieldKind::Other,
            }
        };
        if !has_octets {
            return Some((kind, &[]));
        }
        self.align();
        // Between 1 and 65,535 octets: what is written is one less.
        let length = self.take(16)?.saturating_add(1);
        let from = self.at / 8;
        let until = from.checked_add(length).filter(|_| length <= MAX_FIELD)?;
        let field = self.octets.get(from..until)?;
        self.at = until.saturating_mul(8);
        Some((kind, field))
    }
}
