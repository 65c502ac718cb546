//! Candidates of ICE that follow a description (RFC 8840).

use super::{MediaDescription, SessionDescription};

/// `application/trickle-ice-sdpfrag` (RFC 8840, 9): candidates as they are found, by
/// medium.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IceFragment {
    /// What it says of each medium that it names. One that has no `mid` is that of
    /// its place.
    pub media: Vec<MediaDescription>,
    /// Whether there is more than is kept.
    pub is_cut: bool,
}

impl IceFragment {
    /// The type of such a body.
    pub const MEDIA_TYPE: &str = "application/trickle-ice-sdpfrag";

    /// Reads a body; whatever it holds, something is kept.
    #[must_use]
    pub fn parse(body: &[u8]) -> Self {
        let (description, whole) = SessionDescription::read(body);
        let is_cut = description.is_cut || whole.is_cut;
        let mut media = description.media;
        // Some write candidates without their medium: those of the first.
        match media.first_mut() {
            Some(first) => first.candidates.extend(whole.candidates),
            None if !whole.candidates.is_empty() || whole.has_all_candidates => media.push(whole),
            None => {}
        }
        Self { media, is_cut }
    }
}
