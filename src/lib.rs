//! Reads SIP, RTP and STUN out of captures and tells what happened to a call.
//!
//! # The map
//!
//! Layers import downward only:
//!
//! | layer | modules | what they know |
//! |---|---|---|
//! | 6 | [`cli`] | arguments, exit status |
//! | 5 | [`capture`], [`output`], [`probe`], [`serve`] | files, standard streams and sockets: nothing else touches them |
//! | 4 | [`inspector`], [`report`], [`expect`] | records, and how they follow from what was observed |
//! | 3 | [`metrics`], [`nat`], [`rules`], [`workload`] | the E-model; what NATs did; what breaks the RFCs; made-up traffic with its truth |
//! | 2 | [`engine`] | passive observation: calls, dialogs, transactions, streams |
//! | 1 | [`pcap`], [`link`], [`sip`], [`sdp`], [`stun`], [`rtp`], [`tls`], [`dns`], [`port_mapping`], [`hep`], [`websocket`], [`srtp`], [`t38`], [`msrp`] | one protocol each, pure |
//! | 0 | [`time`], [`net`], [`packet`] | the words that all share |
//!
//! # How a packet travels
//!
//! [`capture`] reads it, [`link::decode`] takes it apart without any state,
//! [`engine::Engine::handle`] puts it where it belongs, and what that leads to
//! comes out as [`engine::Event`]s, which [`inspector::Inspector`] makes into
//! [`report::Record`]s for each [`output::Sink`].
//!
//! With more threads a [`capture::Desk`] lets helpers read ahead and judge what
//! ended, an [`inspector::Case`] each; all state stays with the one that follows.
//!
//! # What always holds
//!
//! - Below layer 5 nothing reads a clock, opens or prints. Time is the capture's.
//! - A broken message is a value: it keeps its octets, and says what is odd.
//! - Octets off the wire are reached by checked reads; none can cause a panic.
//! - Every table has a bound (`engine::limits`), and whatever leaves is told of.
//! - Equal input gives equal bytes.
//!
//! # Example
//!
//! ```
//! use sip_inspect::inspector::{Config, Inspector, PointInfo};
//! use sip_inspect::packet::{LinkType, Packet};
//! use sip_inspect::report::Record;
//! use sip_inspect::workload::{Plan, generate};
//!
//! let workload = generate(&Plan::mix(1, 14));
//! let mut inspector = Inspector::new(Config::default());
//! let capture_point = inspector.add_point(PointInfo {
//!     file: "made".to_owned(),
//!     interface: "if0".to_owned(),
//!     link_type: LinkType(1),
//!     digits: 9,
//!     dropped: None,
//! });
//! for ((timestamp, data), number) in workload.packets.iter().zip(1..) {
//!     inspector.handle(&Packet {
//!         number,
//!         timestamp: *timestamp,
//!         file: 0,
//!         capture_point,
//!         link_type: LinkType(1),
//!         original_length: data.len() as u32,
//!         data,
//!     });
//! }
//! inspector.finish();
//! let mut calls = 0;
//! while let Some(record) = inspector.poll_record() {
//!     calls += usize::from(matches!(record, Record::Call(_)));
//! }
//! assert_eq!(calls, workload.truth.calls.len());
//! ```

pub mod capture;
pub mod cli;
pub mod dns;
pub mod engine;
pub mod expect;
pub mod filter;
pub mod hep;
pub mod inspector;
pub mod link;
pub mod metrics;
pub mod msrp;
pub mod nat;
pub mod net;
mod octets;
pub mod output;
pub mod packet;
pub mod pcap;
pub mod port_mapping;
#[cfg(feature = "probe")]
pub mod probe;
pub mod report;
pub mod rtp;
pub mod rules;
pub mod sdp;
#[cfg(feature = "probe")]
pub mod serve;
pub mod sip;
pub mod srtp;
pub mod stun;
pub mod t38;
pub mod time;
pub mod tls;
pub mod websocket;
pub mod workload;
