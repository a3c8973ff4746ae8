//! Request heads.

use wirespan_core::config::ServerConfig;
use wirespan_core::h1::HeadReader;
use wirespan_core::message::{Request, Version, is_token};

use super::{Verdict, splits, tight_config, verdict};

/// Heads: the same verdict for any split, and a request that, written out again, is read as the same request.
///
/// # Panics
/// Where that does not hold.
pub fn head(data: &[u8]) {
    for config in [tight_config(), ServerConfig::default()] {
        let [whole, others @ ..] = splits(data).map(|cuts| read(data, &cuts, &config));
        for other in others {
            assert_eq!(format!("{whole:?}"), format!("{other:?}"));
        }
        if let Ok(Some(request)) = whole {
            assert!(request.head_len() <= data.len());
            check_parts(&request);
            check_round_trip(&request);
        }
    }
}

fn read(data: &[u8], cuts: &[usize], config: &ServerConfig) -> Result<Option<Request>, Verdict> {
    let mut reader = HeadReader::default();
    for cut in cuts {
        if let Some((request, used)) = reader.read(&data[..*cut], config).map_err(|e| verdict(&e))? {
            assert_eq!(used, request.head_len());
            return Ok(Some(request));
        }
    }
    Ok(None)
}

fn check_parts(request: &Request) {
    assert!(is_token(request.method()));
    assert!(request.target().iter().all(u8::is_ascii_graphic));
    for (name, value) in request.fields() {
        assert!(is_token(name) && !name.iter().any(u8::is_ascii_uppercase));
        assert!(!value.iter().any(|byte| b"\0\r\n\x0b\x0c\x7f".contains(byte)));
        assert_eq!(value.trim_ascii(), value);
    }
    let hosts = request.values(b"host").count();
    assert!(hosts == 1 || (hosts == 0 && request.version() == Version::Http10));
    if hosts == 1 && request.method() != b"CONNECT" {
        assert_eq!(request.value(b"host"), Some(request.authority()));
    }
}

fn written(request: &Request) -> Vec<u8> {
    let line =
        [request.method(), b" ", request.target(), b" HTTP/", request.version().number().as_bytes(), b"\r\n"];
    let mut head = line.concat();
    for (name, value) in request.fields() {
        head.extend_from_slice(&[name, b": ", value, b"\r\n"].concat());
    }
    head.extend_from_slice(b"\r\n");
    head
}

fn check_round_trip(request: &Request) {
    let head = written(request);
    let config =
        ServerConfig { limit_head_bytes: 1 << 24, limit_header_count: 1_000, ..ServerConfig::default() };
    let again =
        read(&head, &[head.len()], &config).ok().flatten().expect("what was accepted is accepted again");
    assert_eq!(written(&again), head);
    assert_eq!(again.head_len(), head.len());
    assert_eq!(
        (
            again.path(),
            again.query(),
            again.authority(),
            again.body(),
            again.keep_alive(),
            again.expects_continue()
        ),
        (
            request.path(),
            request.query(),
            request.authority(),
            request.body(),
            request.keep_alive(),
            request.expects_continue()
        ),
    );
}
