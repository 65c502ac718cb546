//! The first certificate of a chain (RFC 5280), as far as a person asks: whose
//! it is, for which names, until when.

use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use crate::octets;

/// Names of one certificate that are kept.
const MAX_NAMES: usize = 32;

/// What a certificate says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Certificate {
    /// Whose it is, as `CN=…, O=…`.
    pub subject: String,
    /// For which names: DNS names, addresses and URIs.
    pub names: Vec<String>,
    /// Until when, in seconds since 1970.
    pub not_after: i64,
}

impl Certificate {
    /// Reads DER.
    #[must_use]
    pub fn parse(der: &[u8]) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let names = certificate
            .subject_alternative_name()
            .ok()
            .flatten()
            .map(|extension| {
                let names = extension.value.general_names.iter();
                names.filter_map(name).take(MAX_NAMES).collect()
            })
            .unwrap_or_default();
        Some(Self {
            subject: certificate.subject().to_string(),
            names,
            not_after: certificate.validity().not_after.timestamp(),
        })
    }
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    Some(match name {
        GeneralName::DNSName(name) | GeneralName::URI(name) | GeneralName::RFC822Name(name) => {
            (*name).to_owned()
        }
        GeneralName::IPAddress([a, b, c, d]) => format!("{a}.{b}.{c}.{d}"),
        GeneralName::IPAddress(octets) => {
            let octets: [u8; 16] = (*octets).try_into().ok()?;
            std::net::Ipv6Addr::from(octets).to_string()
        }
        GeneralName::OtherName(_, octets) => octets::text(octets),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use crate::tls::{DtlsTap, TlsTap};

    const TLS: &[u8] = include_bytes!("../../tests/fuzz/seeds/tls/certificate");
    const DTLS: &[u8] = include_bytes!("../../tests/fuzz/seeds/dtls/certificate");

    #[test]
    fn a_certificate_says_whose_it_is() {
        let mut tap = TlsTap::default();
        tap.push(TLS, None);
        assert_eq!(tap.shown.version, Some("TLS 1.2"));
        let certificate = tap.shown.certificate.expect("a certificate");
        assert_eq!(certificate.subject, "CN=sbc.example.org, O=Example");
        assert_eq!(
            certificate.names,
            [
                "sbc.example.org",
                "*.example.org",
                "192.0.2.1",
                "2001:db8::1",
                "sip:example.org"
            ]
        );
        assert!(certificate.not_after > 4_900_000_000);
        assert_eq!(tap.shown.alert.as_deref(), Some("bad_certificate"));
    }

    #[test]
    fn a_certificate_in_fragments_is_the_same() {
        let (mut tls, mut dtls) = (TlsTap::default(), DtlsTap::default());
        tls.push(TLS, None);
        dtls.datagram(DTLS);
        assert_eq!(dtls.shown.version, Some("DTLS 1.2"));
        assert!(dtls.shown.certificate.is_some());
        assert_eq!(dtls.shown.certificate, tls.shown.certificate);
        assert_eq!((dtls.shown.closed_records, dtls.messages), (1, 2));
        assert_eq!(dtls.shown.alert.as_deref(), Some("handshake_failure"));
    }

    #[test]
    fn m055_cut_and_damaged_certificates_are_none() {
        for at in 0..TLS.len() {
            let mut tap = TlsTap::default();
            tap.push(&TLS[..at], None);
            let mut damaged = TLS.to_vec();
            damaged[at] ^= 0xff;
            TlsTap::default().push(&damaged, None);
            let mut damaged = DTLS.to_vec();
            damaged[at] ^= 0xff;
            DtlsTap::default().datagram(&damaged);
            assert!(tap.shown.certificate.is_none() || at > 200, "{at}");
        }
    }
}
