//! Reads SIP, RTP and STUN off a wire or a capture file.

pub mod capture;
pub mod cli;
pub mod engine;
pub mod inspector;
pub mod link;
pub mod metrics;
pub mod net;
mod octets;
pub mod output;
pub mod packet;
pub mod pcap;
pub mod report;
pub mod rtp;
pub mod sdp;
pub mod sip;
pub mod stun;
pub mod time;
pub mod workload;
