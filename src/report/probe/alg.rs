//! What is rewritten on the way.

use schemars::JsonSchema;
use serde::Serialize;

/// What is rewritten on the way to a mirror and back.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct AlgMeasurements {
    /// The address of the host itself.
    pub local_address: Option<String>,
    /// The address that the mirror saw.
    pub source: Option<String>,
    /// Header fields and lines of descriptions that were changed, either way.
    pub changed: Vec<String>,
    /// Ways on which nothing was changed.
    pub unaltered: Vec<String>,
    /// Each message, to each port.
    pub tries: Vec<AlgTry>,
}

/// One message, to one port.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct AlgTry {
    /// `udp`, `tcp`.
    pub transport: String,
    /// To which port.
    pub port: u16,
    /// Whether that is not the port of SIP.
    pub is_control: bool,
    /// `OPTIONS REGISTER INVITE`.
    pub method: String,
    /// `mirrored`, `other` (somebody else answered), `none`.
    pub answer: String,
    /// The status.
    pub status: Option<u16>,
    /// The address that the mirror saw.
    pub source: Option<String>,
    /// What was changed on the way there.
    pub changed_outward: Vec<AlgChange>,
    /// What was changed on the way back.
    pub changed_inward: Vec<AlgChange>,
}

/// A line that was changed.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct AlgChange {
    /// Which: `via contact sdp-c` and so on.
    pub field: String,
    /// As it was sent; empty where it was put in.
    pub sent: String,
    /// As it came; empty where it was taken out.
    pub received: String,
}
