//! What is wrong with TLS to an endpoint, in words for the operator.

use jiff::Timestamp;
use rustls::pki_types::UnixTime;
use rustls::{AlertDescription, CertificateError, Error};

/// What happened, where it is known; `None` for what the library itself says best.
pub(super) fn in_words(error: &Error) -> Option<String> {
    match error {
        Error::InvalidCertificate(error) => Some(certificate(error)),
        Error::AlertReceived(alert) => answered(*alert).map(str::to_owned),
        _ => None,
    }
}

fn certificate(error: &CertificateError) -> String {
    match error {
        CertificateError::Expired => "its certificate has expired".to_owned(),
        CertificateError::ExpiredContext { not_after, .. } => {
            format!("its certificate expired on {}", moment(*not_after))
        }
        CertificateError::NotValidYet => "its certificate is not valid yet".to_owned(),
        CertificateError::NotValidYetContext { not_before, .. } => {
            format!("its certificate is valid from {} on", moment(*not_before))
        }
        CertificateError::UnknownIssuer => {
            "its certificate is of an authority that is not trusted here; ca_file can name it".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "its certificate is for another name".to_owned()
        }
        CertificateError::Revoked => "its certificate was revoked".to_owned(),
        other => format!("its certificate cannot be trusted: {other}"),
    }
}

/// What the endpoint says of us when it breaks off.
fn answered(alert: AlertDescription) -> Option<&'static str> {
    match alert {
        AlertDescription::CertificateRequired => {
            Some("it wants a certificate of ours; client_certificate_file can name it")
        }
        AlertDescription::CertificateExpired => Some("our certificate (client_certificate_file) has expired"),
        AlertDescription::CertificateRevoked => Some("our certificate (client_certificate_file) was revoked"),
        AlertDescription::UnknownCA
        | AlertDescription::BadCertificate
        | AlertDescription::CertificateUnknown
        | AlertDescription::AccessDenied => Some("it does not trust our certificate (client_certificate_file)"),
        _ => None,
    }
}

fn moment(time: UnixTime) -> Timestamp {
    i64::try_from(time.as_secs()).ok().and_then(|second| Timestamp::from_second(second).ok()).unwrap_or(Timestamp::MAX)
}
