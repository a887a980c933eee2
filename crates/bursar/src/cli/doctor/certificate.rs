//! Who signed a certificate, in words: the name tells a company's or an antivirus' interception from anything else.

use rustls::pki_types::CertificateDer;

/// The issuer's common name, else its organisation; `None` if the certificate says neither in readable text.
pub(super) fn issuer(certificate: &CertificateDer<'_>) -> Option<String> {
    let certificate = webpki::EndEntityCert::try_from(certificate).ok()?;
    let name = certificate.issuer();
    part(name, COMMON_NAME).or_else(|| part(name, ORGANISATION))
}

/// One part of a distinguished name (RFC 5280 §4.1.2.4): a sequence of sets of pairs of a type and a text.
fn part(name: &[u8], wanted: &[u8]) -> Option<String> {
    let mut sets = name;
    while let Some((SET, mut pairs, rest)) = element(sets) {
        sets = rest;
        while let Some((SEQUENCE, pair, rest)) = element(pairs) {
            pairs = rest;
            let Some((OBJECT_IDENTIFIER, kind, value)) = element(pair) else { continue };
            let Some((_, text, _)) = element(value) else { continue };
            if kind == wanted {
                return readable(text);
            }
        }
    }
    None
}

/// Tag and content of the first element, and what follows it (X.690 §8.1); `None` if it is cut short.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[tag, first], rest) = bytes.split_first_chunk::<2>()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81 => (usize::from(*rest.first()?), rest.get(1..)?),
        0x82 => (usize::from(u16::from_be_bytes(*rest.first_chunk::<2>()?)), rest.get(2..)?),
        // No name is longer than 64 KiB.
        _ => return None,
    };
    Some((tag, rest.get(..length)?, rest.get(length..)?))
}

/// Text for a terminal: whoever made the certificate chose it.
fn readable(text: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(text).ok()?;
    let shown: String =
        text.chars().filter(|letter| !letter.is_control() && *letter != '`').take(LONGEST).collect();
    (!shown.trim().is_empty()).then_some(shown)
}

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OBJECT_IDENTIFIER: u8 = 0x06;

/// 2.5.4.3 and 2.5.4.10 (RFC 5280 appendix A.1).
const COMMON_NAME: &[u8] = &[0x55, 4, 3];
const ORGANISATION: &[u8] = &[0x55, 4, 10];

/// The upper bound of a common name (RFC 5280 appendix A.1).
const LONGEST: usize = 64;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn certificate(kind: rcgen::DnType, name: &str) -> CertificateDer<'static> {
        let mut parameters = rcgen::CertificateParams::new(vec!["host.test".to_owned()]).unwrap();
        parameters.distinguished_name = rcgen::DistinguishedName::new();
        parameters.distinguished_name.push(rcgen::DnType::CountryName, "DE");
        parameters.distinguished_name.push(kind, name);
        parameters.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap().der().clone()
    }

    #[test]
    fn the_issuer_is_named() {
        let long = "x".repeat(200);
        for (kind, name, shown) in [
            (rcgen::DnType::CommonName, "Zscaler Root CA", Some("Zscaler Root CA")),
            (rcgen::DnType::OrganizationName, "Bürsar GmbH", Some("Bürsar GmbH")),
            (rcgen::DnType::CommonName, "a\u{1b}[31m`red`", Some("a[31mred")),
            (rcgen::DnType::CommonName, &long, Some(&long[..64])),
            (rcgen::DnType::LocalityName, "somewhere", None),
        ] {
            assert_eq!(issuer(&certificate(kind, name)).as_deref(), shown, "{name}");
        }
        assert_eq!(issuer(&CertificateDer::from(vec![0x30, 0x03, 1, 2])), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = (part(&bytes, COMMON_NAME), element(&bytes));
            let der = certificate(rcgen::DnType::CommonName, "name");
            let cut = der.len() * bytes.len() / 200;
            prop_assert!(part(&der[..cut], &bytes).is_none());
        }
    }
}
