//! The body of a request, in pieces: spans that were written where they ended are sent from there.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};

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

    /// For the HTTP client.
    pub(crate) fn stream(&self) -> Stream {
        Stream(self.0.iter().filter(|piece| !piece.is_empty()).cloned().collect())
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

/// The pieces of a [`Body`] that were not sent yet.
#[derive(Debug)]
pub(crate) struct Stream(VecDeque<Bytes>);

impl http_body::Body for Stream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.iter().map(|piece| piece.len() as u64).sum())
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Poll, Waker};

    use http_body::Body as _;

    use super::Body;

    #[test]
    fn pieces_are_sent_as_one() {
        let body: Body = ["a", "", "bcd", "", "e"].into_iter().map(Into::into).collect();
        let (mut stream, mut sent) = (body.stream(), Vec::new());
        assert_eq!((stream.size_hint().exact(), body.len()), (Some(5), 5));
        let mut context = Context::from_waker(Waker::noop());
        while let Poll::Ready(Some(Ok(frame))) = Pin::new(&mut stream).poll_frame(&mut context) {
            sent.extend_from_slice(frame.data_ref().unwrap());
        }
        assert_eq!((&sent[..], stream.is_end_stream()), (&b"abcde"[..], true));
        assert_eq!(&body.bytes()[..], b"abcde");
        assert_eq!(&Body::from(b"x".to_vec()).bytes()[..], b"x");
        assert!(Body::default().stream().is_end_stream());
    }
}
