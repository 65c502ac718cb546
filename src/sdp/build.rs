//! Descriptions to be sent: one stream of G.711, with digits where they are wanted.

use std::fmt::Write as _;
use std::net::IpAddr;

/// What is described.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audio {
    /// The session; and its version, which stays while the description does.
    pub session: u32,
    /// Where it is received.
    pub ip: IpAddr,
    /// The port of RTP.
    pub port: u16,
    /// The port of RTCP.
    pub rtcp_port: u16,
    /// Payload types of G.711: 0 is PCMU, 8 is PCMA; the best first.
    pub payload_types: Vec<u8>,
    /// The payload type of telephone-event (RFC 4733).
    pub dtmf: Option<u8>,
}

impl Audio {
    /// It, as it is written (RFC 8866).
    #[must_use]
    pub fn written(&self) -> String {
        let kind = if self.ip.is_ipv4() { "IP4" } else { "IP6" };
        let (ip, session) = (self.ip, self.session);
        let formats = self.payload_types.iter().chain(&self.dtmf);
        let formats: String = formats.map(|own| format!(" {own}")).collect();
        let mut text = format!(
            "v=0\r\no=sip-inspect {session} {session} IN {kind} {ip}\r\ns=-\r\nc=IN {kind} {ip}\r\n\
             t=0 0\r\nm=audio {} RTP/AVP{formats}\r\n",
            self.port
        );
        // Text never refuses to be written to.
        for own in &self.payload_types {
            let name = if *own == 8 { "PCMA" } else { "PCMU" };
            let _ = write!(text, "a=rtpmap:{own} {name}/8000\r\n");
        }
        if let Some(dtmf) = self.dtmf {
            let _ = write!(
                text,
                "a=rtpmap:{dtmf} telephone-event/8000\r\na=fmtp:{dtmf} 0-15\r\n"
            );
        }
        let _ = write!(
            text,
            "a=ptime:20\r\na=rtcp:{}\r\na=sendrecv\r\n",
            self.rtcp_port
        );
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Endpoint;
    use crate::sdp::SessionDescription;

    #[test]
    fn what_is_written_reads_back() {
        for ip in ["192.0.2.1", "2001:db8::1"] {
            let ip: IpAddr = ip.parse().expect("an address");
            let audio = Audio {
                session: 7,
                ip,
                port: 4000,
                rtcp_port: 4001,
                payload_types: vec![8, 0],
                dtmf: Some(101),
            };
            let read = SessionDescription::parse(audio.written().as_bytes());
            assert_eq!((read.malformed, read.media.len()), (0, 1));
            let media = &read.media[0];
            assert_eq!(media.endpoint(), Some(Endpoint::new(ip, 4000)));
            assert_eq!(media.rtcp_endpoint(), Some(Endpoint::new(ip, 4001)));
            assert_eq!(media.payload_types[..], [8, 0, 101]);
            assert_eq!(media.dtmf_payload_type(), Some(101));
        }
    }
}
