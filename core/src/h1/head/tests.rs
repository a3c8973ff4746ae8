use super::*;

const TAIL: &str = " HTTP/1.1\r\nHost: a\r\n\r\n";

fn feed(input: &[u8], step: usize, config: &ServerConfig) -> Result<Option<Head>, Error> {
    let mut reader = HeadReader::default();
    for end in (step..input.len()).step_by(step).chain([input.len()]) {
        if let Some(head) = reader.read(&input[..end], config)? {
            return Ok(Some(head));
        }
    }
    Ok(None)
}

/// Whole and byte by byte; both must agree.
fn read_with(input: &[u8], config: &ServerConfig) -> Result<Option<Request>, (u16, &'static str)> {
    let results = [input.len().max(1), 1, 2, 7].map(|step| {
        feed(input, step, config)
            .map(|head| head.inspect(|(request, used)| assert_eq!(*used, request.head_len())))
            .map(|head| head.map(|(request, _)| request))
            .map_err(|e| (e.status().unwrap(), e.what()))
    });
    for other in &results[1..] {
        assert_eq!(format!("{other:?}"), format!("{:?}", results[0]), "{:?}", String::from_utf8_lossy(input));
    }
    let [whole, ..] = results;
    whole
}

fn read(input: &str) -> Result<Option<Request>, u16> {
    read_with(input.as_bytes(), &ServerConfig::default()).map_err(|(status, _)| status)
}

fn request(input: &str) -> Request {
    read(input).unwrap().unwrap()
}

fn status(input: &str) -> Option<u16> {
    read(input).err()
}

#[test]
fn a_request_is_taken_apart() {
    let request = request(
        "POST /a/b?c=d#e HTTP/1.1\r\nHost: h:80\r\nX-One: 1\r\nx-one:\t2 \r\nEmpty:\r\nContent-Length: 5\r\n\r\nhello",
    );
    assert_eq!(request.method(), b"POST");
    assert_eq!(request.target(), b"/a/b?c=d#e");
    assert_eq!(request.path(), b"/a/b");
    assert_eq!(request.query(), b"c=d");
    assert_eq!(request.authority(), b"h:80");
    assert_eq!(request.version(), Version::Http11);
    assert_eq!(request.body(), BodyLength::Known(5));
    assert!(request.keep_alive() && !request.expects_continue());
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let fields: Vec<_> = request.fields().map(|(name, value)| text(name) + "=" + &text(value)).collect();
    assert_eq!(fields, ["host=h:80", "x-one=1", "x-one=2", "empty=", "content-length=5"]);
    assert_eq!(request.values(b"x-one").count(), 2);
}

#[test]
fn the_head_ends_at_its_blank_line() {
    let one = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    assert_eq!(request(one).head_len(), one.len());
    assert_eq!(request(&one.repeat(2)).head_len(), one.len(), "the next request is left alone");
    assert_eq!(
        request(&format!("\r\n{one}")).head_len(),
        one.len() + 2,
        "one empty line before it is skipped"
    );
    assert_eq!(status(&format!("\r\n\r\n{one}")), Some(400));
    for end in 0..one.len() {
        assert!(read(&one[..end]).unwrap().is_none(), "{end}");
    }
}

#[test]
fn the_reader_is_new_after_each_head() {
    let input = b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\n\r\nGET /2 HTTP/1.0\r\n\r\n";
    let (mut reader, config) = (HeadReader::default(), ServerConfig::default());
    let (first, used) = reader.read(input, &config).unwrap().unwrap();
    let (second, rest) = reader.read(&input[used..], &config).unwrap().unwrap();
    assert_eq!((first.target(), second.target()), (&b"/1"[..], &b"/2"[..]));
    assert_eq!(used + rest, input.len());
}

#[test]
fn what_can_never_be_valid_is_refused_at_once() {
    for input in [
        "\x16",
        "\n",
        " ",
        "\0",
        "\r\r",
        "\r\n\n",
        "\r\n ",
        "(",
        "GET / HTTP/1.1\n",
        "GET / HTTP/1.1\rX",
        "GE\0",
        "GET / HTTP/1.1\r\nA: b\n",
        "GET / HTTP/1.1\r\nA: b\rC",
        "GET / HTTP/1.1\r\nA: \0",
        "GET /\r\n",
        "SSH-2.0-x\r\n",
    ] {
        assert_eq!(status(input), Some(400), "{input:?}");
    }
    assert_eq!(status("PRI * HTTP/2.0\r\n"), Some(505));
}

#[test]
fn host_is_there_once_and_valid() {
    for (fields, expected) in [
        ("", Some(400)),
        ("Host: a\r\nHost: a\r\n", Some(400)),
        ("Host: a b\r\n", Some(400)),
        ("Host: a/b\r\n", Some(400)),
        ("Host: a, b\r\n", Some(400)),
        ("Host: a:x\r\n", Some(400)),
        ("Host: u@a\r\n", Some(400)),
        ("Host:\r\n", None),
        ("HOST: a\r\n", None),
        ("Host: [::1]:80\r\n", None),
    ] {
        assert_eq!(status(&format!("GET / HTTP/1.1\r\n{fields}\r\n")), expected, "{fields:?}");
    }
    assert_eq!(request("GET / HTTP/1.0\r\n\r\n").authority(), b"");
    assert_eq!(request("GET / HTTP/1.0\r\nHost: a\r\n\r\n").authority(), b"a");
    assert_eq!(status("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"), Some(400));
    assert_eq!(status("GET http://a/ HTTP/1.1\r\n\r\n"), Some(400), "also where the target names one");
}

#[test]
fn an_absolute_target_overrides_host() {
    let request = request(&format!("GET http://u@b:8/p?q{TAIL}"));
    assert_eq!((request.path(), request.query()), (&b"/p"[..], &b"q"[..]));
    assert_eq!(request.authority(), b"b:8");
    assert_eq!(request.value(b"host"), Some(&b"b:8"[..]), "nobody downstream may see another host");
}

#[test]
fn connection_decides_by_version() {
    for (version, value, expected) in [
        ("1.1", "", true),
        ("1.1", "close", false),
        ("1.1", "x, CLOSE\t,keep-alive", false),
        ("1.1", "keep-alive", true),
        ("1.1", "closed", true),
        ("1.2", "", true),
        ("1.0", "", false),
        ("1.0", "Keep-Alive", true),
        ("1.0", "keep-alive, close", false),
    ] {
        let request = request(&format!("GET / HTTP/{version}\r\nHost: a\r\nConnection: {value}\r\n\r\n"));
        assert_eq!(request.keep_alive(), expected, "{version} {value}");
    }
}

#[test]
fn expectations() {
    for (version, value, length, expected) in [
        ("1.1", "100-continue", 1, Ok(true)),
        ("1.1", "100-Continue", 1, Ok(true)),
        ("1.1", "100-continue", 0, Ok(false)),
        ("1.1", "", 1, Ok(false)),
        ("1.1", "x", 1, Err(417)),
        ("1.1", "100-continue, x", 1, Err(417)),
        ("1.1", "x, 100-continue", 1, Err(417)),
        ("1.0", "100-continue", 1, Ok(false)),
        ("1.0", "x", 1, Ok(false)),
    ] {
        let head =
            format!("PUT / HTTP/{version}\r\nHost: a\r\nContent-Length: {length}\r\nExpect: {value}\r\n\r\n");
        assert_eq!(read(&head).map(|r| r.unwrap().expects_continue()), expected, "{version} {value}");
    }
}

#[test]
fn framing_reaches_the_request() {
    let chunked =
        request(&format!("PUT /{}", TAIL.replacen("\r\n", "\r\nTransfer-Encoding: chunked\r\n", 1)));
    assert_eq!(chunked.body(), BodyLength::Chunked);
    assert_eq!(request(&format!("PUT /{TAIL}")).body(), BodyLength::Known(0));
    let both = "\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n";
    assert_eq!(status(&format!("PUT /{}", TAIL.replacen("\r\n", both, 1))), Some(400));
    assert_eq!(status("PUT / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), Some(400));
    assert_eq!(
        status(&format!("PUT /{}", TAIL.replacen("\r\n", "\r\nTransfer-Encoding: x\r\n", 1))),
        Some(501)
    );
}

#[test]
fn field_lines_are_strict() {
    for line in ["A : b", " A: b", "A\t: b", ": b", "A", "A: b\u{b}", "A: \u{7f}", "A\u{0}: b", "A: b\r C: d"]
    {
        assert_eq!(status(&format!("GET / HTTP/1.1\r\nHost: a\r\n{line}\r\n\r\n")), Some(400), "{line:?}");
    }
    assert_eq!(status("GET / HTTP/1.1\r\nHost: a\r\nA: b\r\n c\r\n\r\n"), Some(400), "folded");
}

#[test]
fn bounds_are_exact_for_any_split() {
    let config = ServerConfig {
        limit_head_bytes: 1_024,
        limit_target_bytes: 100,
        limit_header_count: 3,
        ..ServerConfig::default()
    };
    let status = |input: String| read_with(input.as_bytes(), &config).err().map(|(status, _)| status);
    let target = |len: usize| format!("GET /{}{TAIL}", "t".repeat(len - 1));
    assert_eq!(status(target(100)), None);
    assert_eq!(status(target(101)), Some(414));
    assert_eq!(status("t".repeat(142)), None, "a method and a target could still be in there");
    assert_eq!(status("t".repeat(143)), Some(414), "without a line end");
    assert_eq!(status(format!("{}\0", "t".repeat(143))), Some(414), "whatever follows");
    let head = |len: usize| {
        let start = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
        format!("{start}{}\r\n\r\n", "x".repeat(len - start.len() - 4))
    };
    assert_eq!(status(head(1_024)), None);
    assert_eq!(status(head(1_025)), Some(431));
    assert_eq!(status(head(2_000)[..1_022].to_owned()), None);
    assert_eq!(status(head(2_000)[..1_023].to_owned()), Some(431), "without an end");
    let fields = |count: usize| format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(count - 1));
    assert_eq!(status(fields(3)), None);
    assert_eq!(status(fields(4)), Some(431));
}

#[test]
fn a_head_that_comes_byte_by_byte_costs_its_length() {
    let config = ServerConfig { limit_head_bytes: 1 << 22, ..ServerConfig::default() };
    let input = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(1 << 21)).into_bytes();
    let mut reader = HeadReader::default();
    for end in 1..input.len() {
        assert!(reader.read(&input[..end], &config).unwrap().is_none());
        assert!(reader.scanned + 1 >= end, "what was scanned is not scanned again");
    }
    assert!(reader.read(&input, &config).unwrap().is_some());
}
