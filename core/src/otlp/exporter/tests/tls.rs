//! TLS: an authority of our own, and our own certificate.

use std::collections::VecDeque;
use std::fs;
use std::io::{BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use super::receiver::{PATIENCE, Request, serve};
use super::{Folder, exporter, names, options, push, wait_until};
use crate::otlp::exporter::status::Receiver as State;
use crate::otlp::options::{Options, Tls};

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn issue(&self) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        (params.signed_by(&key, &self.0).unwrap(), key)
    }
}

/// A receiver that wants a certificate of this authority from its clients.
fn start(authority: &Authority) -> (SocketAddr, mpsc::Receiver<Request>) {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(authority.0.der().to_vec())).unwrap();
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    let (certificate, key) = authority.issue();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    let (config, listener) = (Arc::new(config), TcpListener::bind("127.0.0.1:0").unwrap());
    let addr = listener.local_addr().unwrap();
    let (sender, requests) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let stream = StreamOwned::new(connection, stream);
            serve(&mut BufReader::new(stream), &sender, &Mutex::new(VecDeque::new()));
        }
    });
    (addr, requests)
}

#[test]
fn own_authority_and_client_certificate() {
    let (folder, authority) = (Folder::new(), Authority::new());
    let (addr, requests) = start(&authority);
    let (certificate, key) = authority.issue();
    let file = |name: &str, text: String| {
        let path = folder.0.join(name);
        fs::write(&path, text).unwrap();
        Some(path)
    };
    let tls = Tls {
        certificate: file("ca.pem", authority.0.pem()),
        client_certificate: file("client.pem", certificate.pem()),
        client_key: file("client.key", key.serialize_pem()),
    };
    let endpoint = format!("https://localhost:{}/v1/traces", addr.port());
    let (trusting, _) = exporter(&Options { tls: tls.clone(), ..options(&endpoint) });
    push(&trusting, 0..10);
    assert_eq!(requests.recv_timeout(PATIENCE).unwrap().names(), names(0..10));
    assert!(trusting.shutdown(PATIENCE));
    // A stranger's authority, and no certificate of our own.
    let stranger = file("other.pem", Authority::new().0.pem());
    let bare = Tls { certificate: tls.certificate.clone(), ..Tls::default() };
    for tls in [Tls { certificate: stranger, ..tls }, bare, Tls::default()] {
        let (exporter, _) = exporter(&Options { tls, ..options(&endpoint) });
        push(&exporter, 0..10);
        wait_until(&exporter, "down", |status| status.receiver == State::Down);
    }
    assert!(requests.try_recv().is_err());
}

#[test]
fn files_that_are_no_certificates_are_refused() {
    let folder = Folder::new();
    let path = folder.0.join("text");
    fs::write(&path, "hello").unwrap();
    let missing = folder.0.join("missing");
    for (tls, why) in [
        (
            Tls { certificate: Some(path.clone()), ..Tls::default() },
            "as certificate: it holds no certificate",
        ),
        (Tls { certificate: Some(missing), ..Tls::default() }, "No such file"),
        (Tls { client_key: Some(path.clone()), ..Tls::default() }, "only of use together"),
    ] {
        let options = Options { tls, ..options("https://localhost/") };
        let log = Arc::new(|_: &str| ());
        let error = super::Exporter::otlp(&options, &super::Resource::default(), log).unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
    }
}

#[test]
fn a_receiver_without_tls_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            _ = stream.read(&mut [0; 1_024]);
            _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let (exporter, lines) = exporter(&options(format!("https://{addr}/v1/traces")));
    push(&exporter, 0..10);
    wait_until(&exporter, "told", |_| lines.count("it does not speak TLS there") == 1);
}
