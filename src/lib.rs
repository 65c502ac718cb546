//! Reads SIP, RTP and STUN off a wire or a capture file.
#![forbid(unsafe_code)]

pub mod link;
pub mod net;
mod octets;
pub mod rtp;
pub mod sdp;
pub mod sip;
pub mod packet;
pub mod pcap;
pub mod stun;
pub mod time;
