//! Whom an exporter trusts and how it shows who it is.

use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem};

use super::OptionError;

/// Files in PEM format. Without any: the system's certificate authorities, and no certificate of our own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// Certificate authorities to trust instead of the system's.
    pub certificate: Option<PathBuf>,
    /// Our own certificate, then those that link it to an authority.
    pub client_certificate: Option<PathBuf>,
    /// The key of our certificate.
    pub client_key: Option<PathBuf>,
}

impl Tls {
    /// Reads the files, for an endpoint that is encrypted also the system's authorities. Where there are none we go
    /// on: spans are no reason not to serve, and each failing request says what is wrong.
    pub(crate) fn load(&self, endpoint: &str) -> Result<TlsConfig, OptionError> {
        let roots = match &self.certificate {
            Some(path) => certificates("certificate", path)?,
            None if endpoint.starts_with("https:") => system_roots(),
            None => Vec::new(),
        };
        let client = match (&self.client_certificate, &self.client_key) {
            (Some(chain), Some(key)) => {
                let chain = certificates("client_certificate", chain)?;
                Some(ClientCert::new_with_certs(&chain, private_key("client_key", key)?))
            }
            (None, None) => None,
            _ => {
                return Err(OptionError(
                    "client_certificate and client_key are only of use together: give both".to_owned(),
                ));
            }
        };
        Ok(TlsConfig::builder()
            .root_certs(RootCerts::new_with_certs(&roots))
            .client_cert(client)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .build())
    }
}

fn system_roots() -> Vec<Certificate<'static>> {
    let certificates = rustls_native_certs::load_native_certs().certs;
    certificates.iter().map(|certificate| Certificate::from_der(certificate).to_owned()).collect()
}

fn wrong(option: &str, path: &Path, why: impl Display) -> OptionError {
    OptionError(format!("cannot use {} as {option}: {why}", path.display()))
}

fn items(option: &str, path: &Path) -> Result<Vec<PemItem<'static>>, OptionError> {
    let text = fs::read(path).map_err(|error| wrong(option, path, error))?;
    parse_pem(&text).collect::<Result<_, _>>().map_err(|error| wrong(option, path, error))
}

fn certificates(option: &str, path: &Path) -> Result<Vec<Certificate<'static>>, OptionError> {
    let certificates: Vec<_> = items(option, path)?
        .into_iter()
        .filter_map(|item| match item {
            PemItem::Certificate(certificate) => Some(certificate),
            _ => None,
        })
        .collect();
    if certificates.is_empty() {
        return Err(wrong(option, path, "it holds no certificate in PEM format"));
    }
    Ok(certificates)
}

fn private_key(option: &str, path: &Path) -> Result<PrivateKey<'static>, OptionError> {
    let key = items(option, path)?.into_iter().find_map(|item| match item {
        PemItem::PrivateKey(key) => Some(key),
        _ => None,
    });
    key.ok_or_else(|| wrong(option, path, "it holds no private key in PEM format"))
}
