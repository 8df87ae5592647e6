//! How a webhook's endpoint is reached: over which TLS, over plain http or not, in which networks.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use ipnet::IpNet;
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use toml::de::DeValue;
use url::{Host, Url};

use super::load::{STAND_IN, Surroundings, file_path, network};
use super::reader::{Section, Wrong, boolean};
use crate::guard;

/// Certificates of one file: more are a mistake.
const CERTIFICATES_MAX: usize = 1_000;

const CA: &str = "a PEM file with certificates of authorities";
const CERTIFICATE: &str = "a PEM file with our certificate and those that vouch for it";
const KEY: &str = "a PEM file with the private key of client_certificate_file, not encrypted";

/// The text of a PEM file.
#[derive(Clone, PartialEq, Eq)]
pub struct PemFile {
    /// The file.
    pub path: PathBuf,
    /// What it held when the config was read.
    pub text: Arc<str>,
}

impl fmt::Debug for PemFile {
    /// Without its text, which may be a private key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.fmt(f)
    }
}

/// What TLS with an endpoint needs beside the system's own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EndpointTls {
    /// Authorities that are trusted beside those of the system.
    pub authorities: Option<PemFile>,
    /// Our certificate, with those that vouch for it, and its key.
    pub identity: Option<(PemFile, PemFile)>,
}

/// What of the network an endpoint may be in, and how it is spoken to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EndpointNetwork {
    /// Plain http is meant.
    pub plain_http: bool,
    /// Networks in which its name may lie although they are private, loopback, link-local or otherwise special.
    pub allow: Vec<IpNet>,
}

/// Reads and tries the files; whatever is wrong is in the report.
pub(super) fn read_tls(section: &mut Section<'_>, surroundings: &Surroundings<'_>) -> EndpointTls {
    let authorities = read_authorities(section, surroundings);
    let certificate = section.read("client_certificate_file", |value| {
        let file = pem_file(value, surroundings)?;
        file.as_ref().map_or(Ok(()), |file| certificates(file, CERTIFICATE).map(drop))?;
        Ok(file)
    });
    let key = section.read("client_key_file", |value| {
        let file = pem_file(value, surroundings)?;
        if let Some(file) = &file {
            let key = private_key(file)?;
            if let Some(Some(certificate)) = &certificate {
                judge_identity(certificate, key)?;
            }
        }
        Ok(file)
    });
    let lacking = match (section.has("client_certificate_file"), section.has("client_key_file")) {
        (true, false) => Some(("has a client_certificate_file without a key", "client_key_file beside it")),
        (false, true) => Some(("has a client_key_file without a certificate", "client_certificate_file beside it")),
        _ => None,
    };
    if let Some((what, accepted)) = lacking {
        section.problem(Wrong::new(what, accepted));
    }
    EndpointTls { authorities, identity: certificate.flatten().zip(key.flatten()) }
}

/// Reads and tries the file of authorities.
pub(super) fn read_authorities(section: &mut Section<'_>, surroundings: &Surroundings<'_>) -> Option<PemFile> {
    let read = section.read("ca_file", |value| {
        let file = pem_file(value, surroundings)?;
        file.as_ref().map_or(Ok(()), judge_authorities)?;
        Ok(file)
    });
    read.flatten()
}

/// Nothing where files are not looked up.
fn pem_file(value: &DeValue<'_>, surroundings: &Surroundings<'_>) -> Result<Option<PemFile>, Wrong> {
    let path = file_path(value, surroundings)?;
    let text = (surroundings.read)(&path)
        .map_err(|error| Wrong::new(format!("cannot read {}: {error}", path.display()), ""))?;
    Ok((text != STAND_IN).then(|| PemFile { path, text: text.into() }))
}

fn certificates(file: &PemFile, accepted: &str) -> Result<Vec<CertificateDer<'static>>, Wrong> {
    let read: Result<Vec<_>, _> =
        CertificateDer::pem_slice_iter(file.text.as_bytes()).take(CERTIFICATES_MAX + 1).collect();
    let path = file.path.display();
    match read {
        Ok(found) if found.is_empty() => Err(Wrong::new(format!("there is no certificate in {path}"), accepted)),
        Ok(found) if found.len() > CERTIFICATES_MAX => {
            Err(Wrong::new(format!("there are more than {CERTIFICATES_MAX} certificates in {path}"), accepted))
        }
        Ok(found) => Ok(found),
        Err(error) => Err(Wrong::new(format!("{path} is no PEM file: {error}"), accepted)),
    }
}

fn judge_authorities(file: &PemFile) -> Result<(), Wrong> {
    let mut roots = RootCertStore::empty();
    certificates(file, CA)?.into_iter().try_for_each(|certificate| roots.add(certificate)).map_err(|error| {
        Wrong::new(format!("{} holds what cannot be an authority's certificate: {error}", file.path.display()), CA)
    })
}

/// What the parser says of a key could quote it, so it is not repeated.
fn private_key(file: &PemFile) -> Result<PrivateKeyDer<'static>, Wrong> {
    PrivateKeyDer::from_pem_slice(file.text.as_bytes())
        .map_err(|_| Wrong::new(format!("there is no private key in {}", file.path.display()), KEY))
}

fn judge_identity(certificate: &PemFile, key: PrivateKeyDer<'static>) -> Result<(), Wrong> {
    let chain = certificates(certificate, CERTIFICATE)?;
    match CertifiedKey::from_der(chain, key, &rustls::crypto::ring::default_provider()) {
        Ok(_) => Ok(()),
        Err(rustls::Error::InconsistentKeys(_)) => {
            Err(Wrong::new("is not the key of the certificate in client_certificate_file", KEY))
        }
        Err(error) => Err(Wrong::new(format!("cannot be used with client_certificate_file: {error}"), KEY)),
    }
}

/// Reads what the endpoint's network may be, and judges its address by it.
pub(super) fn read_network(section: &mut Section<'_>, url: Option<&Url>) -> EndpointNetwork {
    let plain_http = section.read("plain_http", boolean).unwrap_or_default();
    let allow = section.list("allow_networks", "networks such as \"10.0.0.0/8\"", network).unwrap_or_default();
    if let Some(url) = url {
        judge_address(section, url, plain_http, &allow);
    }
    EndpointNetwork { plain_http, allow }
}

/// An address that is written out is what the operator meant, but for one that hands out credentials or is good on one cable alone.
/// Problems do not repeat it: it may be the secret.
fn judge_address(section: &Section<'_>, url: &Url, plain_http: bool, allow: &[IpNet]) {
    let key = ["url_env", "url_file", "url"].into_iter().find(|key| section.has(key)).unwrap_or("url");
    let literal = literal(url);
    if let Some(what) = literal.and_then(|address| guard::never_meant(address, allow)) {
        let accepted = "another address, or its network in allow_networks";
        section.entry_problem(key, Wrong::new(format!("names {what}"), accepted));
    }
    let is_near = literal.is_some_and(guard::is_near) || url.host() == Some(Host::Domain("localhost"));
    if url.scheme() == "http" && !plain_http && !is_near {
        let what = "is plain http, which anybody on the way can read and change";
        let accepted = "an https address, a loopback or private one, or plain_http = true where plain http is meant";
        section.entry_problem(key, Wrong::new(what, accepted));
    }
}

/// The address that is written out in a URL.
fn literal(url: &Url) -> Option<IpAddr> {
    match url.host()? {
        Host::Ipv4(address) => Some(address.into()),
        Host::Ipv6(address) => Some(address.into()),
        Host::Domain(_) => None,
    }
}
