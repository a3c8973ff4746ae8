//! Writes the first inputs of each target: `seeds FOLDER`. Of OTLP they are official messages with something in each
//! field, in both encodings.

#[path = "../../receiver/tests/official/requests.rs"]
mod requests;

use std::path::Path;
use std::{env, fs, io};

use prost::Message as _;
use requests::{deep_span, logs, metrics, span, span_with, traces};

const HEADS: [&[u8]; 4] = [
    b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"POST /a?b=c#d HTTP/1.1\r\nHOST: a:80\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello",
    b"PUT http://u@h:1?q HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    b"CONNECT [::1]:443 HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, close\r\n\r\n",
];
const BODIES: [&[u8]; 2] =
    [b"\x05hello and more", b"\xff5\r\nhello\r\n6;a=b;c=\"d\\\"\"\r\n world\r\n0\r\nA: b\r\n\r\n"];
const RESPONSES: [&[u8]; 2] =
    [b"\x00\xc8\x00\x00value\n\x0111\n\nhello \nworld", b"\x00\xc8\x0a\x0110\n\nhello"];
const CONTEXTS: [&[u8]; 3] = [
    b"\x0000-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\n\x01a=1,b@c=2\n\x02k=v%20w;p=1,l=m",
    b"\x034bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1-00f067aa0ba902b8",
    b"\x044bf92f3577b34da6a3ce929d0e0e4736\n\x0500f067aa0ba902b7\n\x061\n\x071",
];

fn main() -> io::Result<()> {
    let folder = env::args().nth(1).ok_or_else(|| io::Error::other("usage: seeds FOLDER"))?;
    let folder = Path::new(&folder);
    for (target, inputs) in [
        ("head", &HEADS[..]),
        ("body", &BODIES[..]),
        ("response", &RESPONSES[..]),
        ("propagation", &CONTEXTS[..]),
    ] {
        for (index, input) in inputs.iter().enumerate() {
            write(&folder.join(target), index, input)?;
        }
    }
    let spans = traces(&[span(1), span_with(&[("http.url", "http://a/b?c")]), deep_span(20)]);
    let (metrics, logs) = (metrics(), logs());
    let binary = [spans.encode_to_vec(), metrics.encode_to_vec(), logs.encode_to_vec()];
    let text = [serde_json::to_vec(&spans)?, serde_json::to_vec(&metrics)?, serde_json::to_vec(&logs)?];
    for (index, (binary, text)) in binary.iter().zip(&text).enumerate() {
        write(&folder.join("protobuf"), index, binary)?;
        write(&folder.join("json"), index, text)?;
    }
    // What `gzip -n` makes of nothing.
    write(&folder.join("gzip"), 0, b"\x1f\x8b\x08\0\0\0\0\0\0\x03\x03\0\0\0\0\0\0\0\0\0")
}

fn write(folder: &Path, index: usize, input: &[u8]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    fs::write(folder.join(format!("seed-{index}")), input)
}
