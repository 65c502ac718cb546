//! Dialogs (RFC 3261, 12).

/// Where a dialog stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DialogState {
    /// Made by a provisional response.
    Early,
    /// Made by a 2xx.
    Confirmed,
    /// Ended by a BYE, or by the failure of its INVITE.
    Terminated,
}

impl DialogState {
    /// The name used in records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Early => "early",
            Self::Confirmed => "confirmed",
            Self::Terminated => "terminated",
        }
    }
}

/// One dialog of a call; a forked INVITE makes several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dialog {
    /// The caller's tag.
    pub from_tag: String,
    /// The callee's tag.
    pub to_tag: String,
    /// Where it stands.
    pub state: DialogState,
    /// Whether it was ever confirmed.
    pub was_confirmed: bool,
}

impl Dialog {
    /// Whether these tags, in either order, name it.
    #[must_use]
    pub fn has_tags(&self, one: &str, other: &str) -> bool {
        (self.from_tag == one && self.to_tag == other)
            || (self.from_tag == other && self.to_tag == one)
    }
}
