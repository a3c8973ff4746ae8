//! Properties of the HTTP layer over generated and mutated messages; the checks are those of the fuzz targets.
#![allow(missing_docs, reason = "the checks' own crate is private")]

#[path = "../../fuzz/src/http/mod.rs"]
mod checks;

/// `SplitMix64`: the same inputs in every run, so that a failure can be had again.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).expect("below a usize")
    }

    fn pick<'a>(&mut self, from: &[&'a [u8]]) -> &'a [u8] {
        from[self.below(from.len())]
    }
}

/// Bytes that mean something somewhere.
const PARTS: [&[u8]; 36] = [
    b"\r\n",
    b"\r",
    b"\n",
    b"\0",
    b" ",
    b"\t",
    b":",
    b",",
    b";",
    b"=",
    b"\"",
    b"\\",
    b"#",
    b"?",
    b"/",
    b"*",
    b"@",
    b"%",
    b"[::1]",
    b"0",
    b"5",
    b"ffffffffffffffff",
    b"chunked",
    b"gzip, ",
    b"Content-Length: 5\r\n",
    b"Content-Length: 6\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Host: b\r\n",
    b"Connection: close\r\n",
    b"Expect: 100-continue\r\n",
    b"X: y\r\n",
    b"HTTP/1.0",
    b"HTTP/1.1",
    b"http://u@h:1",
    b"\xff",
    b"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
];

fn mutated(random: &mut Random, seed: &[u8]) -> Vec<u8> {
    let mut data = seed.to_vec();
    for _ in 0..random.below(5) {
        let at = random.below(data.len() + 1);
        let end = (at + random.below(8)).min(data.len());
        let part = random.pick(&PARTS).to_vec();
        match random.below(4) {
            0 => drop(data.splice(at..at, part)),
            1 => drop(data.splice(at..end, part)),
            2 => drop(data.splice(at..end, [])),
            _ => data[at..end].iter_mut().for_each(|byte| *byte ^= 1 << random.below(8)),
        }
    }
    data
}

fn run(check: fn(&[u8]), seeds: &[&[u8]]) {
    let mut random = Random(1);
    for seed in seeds {
        check(seed);
    }
    for _ in 0..20_000 {
        let seed = random.pick(seeds);
        let data = mutated(&mut random, seed);
        let result = std::panic::catch_unwind(|| check(&data));
        assert!(result.is_ok(), "input: {:?}", data.escape_ascii().to_string());
    }
}

#[test]
fn heads_have_one_reading() {
    run(checks::head, &[
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"\r\nPOST /a?b=c#d HTTP/1.1\r\nHOST: a:80\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello",
        b"PUT http://u@h:1?q HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"CONNECT [::1]:443 HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, close\r\n\r\n",
        b"OPTIONS * HTTP/1.0\r\nA: \x01b\t c \r\nEmpty:\r\nConnection: keep-alive\r\n\r\n",
    ]);
}

#[test]
fn bodies_have_one_reading() {
    run(
        checks::body,
        &[
            b"\x05hello and more",
            b"\x00more",
            b"\xff5\r\nhello\r\n6;a=b;c=\"d\\\"\"\r\n world\r\n0\r\n\r\nmore",
            b"\xffA \t; a = b\r\n0123456789\r\n000\r\nVary: *\r\nX-Sum: 1\r\n\r\n",
        ],
    );
}

#[test]
fn responses_are_one_message() {
    run(
        checks::response,
        &[
            b"\x00\xc8\x00\x00value\n\x0111\n\nhello \nworld",
            b"\x00\xc8\x00\x00value\n\nhello \nworld\n",
            b"\x00\xc8\x01\x03close\n\x04x\n\x05y\n\nhello\n\nworld",
            b"\x00\xc8\x0a\x0110\n\nhello",
            b"\x00\xcc\x00\x010\n\n",
            b"\x01\x30\x00\x017\n\n",
        ],
    );
}
