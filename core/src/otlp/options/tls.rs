//! Whom an exporter trusts and how it shows who it is.

use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

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
    pub(crate) fn load(&self, endpoint: &str) -> Result<ClientConfig, OptionError> {
        let authorities = match &self.certificate {
            Some(path) => certificates("certificate", path)?,
            None if endpoint.starts_with("https:") => rustls_native_certs::load_native_certs().certs,
            None => Vec::new(),
        };
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(authorities);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let builder = versions.map_err(useless)?.with_root_certificates(roots);
        match (&self.client_certificate, &self.client_key) {
            (Some(chain), Some(key)) => {
                let chain = certificates("client_certificate", chain)?;
                let secret = private_key("client_key", key)?;
                builder.with_client_auth_cert(chain, secret).map_err(|why| wrong("client_key", key, why))
            }
            (None, None) => Ok(builder.with_no_client_auth()),
            _ => Err(useless("client_certificate and client_key are only of use together: give both")),
        }
    }
}

fn useless(why: impl Display) -> OptionError {
    OptionError(why.to_string())
}

fn wrong(option: &str, path: &Path, why: impl Display) -> OptionError {
    OptionError(format!("cannot use {} as {option}: {why}", path.display()))
}

fn read(option: &str, path: &Path) -> Result<Vec<u8>, OptionError> {
    fs::read(path).map_err(|error| wrong(option, path, error))
}

fn certificates(option: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>, OptionError> {
    let text = read(option, path)?;
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let all = all.map_err(|error| wrong(option, path, error))?;
    if all.is_empty() {
        return Err(wrong(option, path, "it holds no certificate in PEM format"));
    }
    Ok(all)
}

fn private_key(option: &str, path: &Path) -> Result<PrivateKeyDer<'static>, OptionError> {
    use rustls::pki_types::pem::Error;
    PrivateKeyDer::from_pem_slice(&read(option, path)?).map_err(|error| match error {
        Error::NoItemsFound => wrong(option, path, "it holds no private key in PEM format"),
        error => wrong(option, path, error),
    })
}
