//! SIP messages (RFC 3261), read tolerantly and written strictly.
//!
//! [`SipMessage`] never refuses what can be framed: it keeps octets, order and
//! spelling, and a list of [`Anomaly`]s. Each header field is judged when it is
//! asked for.

#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unwrap_used
    )
)]

pub mod build;
mod framing;
pub mod header;
mod message;
mod method;
pub mod mirror;
pub mod reply;
mod start_line;
pub mod transaction;
mod uri;

pub use framing::{Framed, Framer, MAX_BODY, MAX_HEADER, message_length};
pub use message::{Anomaly, HeaderField, SipMessage};
pub use method::Method;
pub use start_line::{StartLine, looks_like_sip};
pub use uri::{Uri, split_host_port};

/// The cookie that begins every branch of RFC 3261 (8.1.1.7).
pub const MAGIC_COOKIE: &str = "z9hG4bK";

/// The standard reason phrase of a status code, for what is written.
#[must_use]
pub const fn reason_phrase(status_code: u16) -> &'static str {
    match status_code {
        100 => "Trying",
        180 => "Ringing",
        183 => "Session Progress",
        200 => "OK",
        202 => "Accepted",
        302 => "Moved Temporarily",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        480 => "Temporarily Unavailable",
        481 => "Call/Transaction Does Not Exist",
        486 => "Busy Here",
        487 => "Request Terminated",
        488 => "Not Acceptable Here",
        491 => "Request Pending",
        500 => "Server Internal Error",
        503 => "Service Unavailable",
        600 => "Busy Everywhere",
        603 => "Decline",
        _ => "Unknown",
    }
}
