//! The body of a request, in pieces: spans that were written where they ended are sent from there.

use std::borrow::Cow;
use std::io::{self, Read};
use std::slice;

use bytes::Bytes;

/// Bytes in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Body(Vec<Bytes>);

impl Body {
    /// How many bytes.
    pub(crate) fn len(&self) -> usize {
        self.0.iter().map(Bytes::len).sum()
    }

    /// All in one piece, copied where it is not.
    pub(crate) fn bytes(&self) -> Cow<'_, [u8]> {
        match &self.0[..] {
            [one] => Cow::Borrowed(one),
            pieces => Cow::Owned(pieces.concat()),
        }
    }

    /// From the begin.
    pub(crate) fn reader(&self) -> Reader<'_> {
        Reader { piece: &[], rest: self.0.iter() }
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Self(vec![bytes.into()])
    }
}

impl FromIterator<Bytes> for Body {
    fn from_iter<I: IntoIterator<Item = Bytes>>(pieces: I) -> Self {
        Self(pieces.into_iter().collect())
    }
}

/// Reads a [`Body`]. Each read brings what is left of one piece.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    piece: &'a [u8],
    rest: slice::Iter<'a, Bytes>,
}

impl Read for Reader<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty()
            && let Some(next) = self.rest.next()
        {
            self.piece = next;
        }
        self.piece.read(out)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::Body;

    #[test]
    fn pieces_read_as_one() {
        let body: Body = ["a", "", "bcd", "", "e"].into_iter().map(Into::into).collect();
        for room in 1..7 {
            let (mut reader, mut all, mut buffer) = (body.reader(), Vec::new(), vec![0; room]);
            loop {
                let len = reader.read(&mut buffer).unwrap();
                if len == 0 {
                    break;
                }
                all.extend_from_slice(&buffer[..len]);
            }
            assert_eq!((&all[..], body.len()), (&b"abcde"[..], 5), "{room}");
        }
        assert_eq!(&body.bytes()[..], b"abcde");
        assert_eq!(&Body::from(b"x".to_vec()).bytes()[..], b"x");
        assert_eq!(Body::default().bytes().len(), 0);
    }
}
