//! Reading a body within its bounds.

use std::fmt::Display;
use std::pin::Pin;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, header};
use http_body_util::BodyExt;
use hyper::body::{Body, Frame};
use tokio::time::{Instant, timeout, timeout_at};

/// The next piece has to come within this: a client that sends nothing for so long
/// has gone.
const PIECE: Duration = Duration::from_secs(15);
/// The whole body has to come within this: 16 MiB over a line of 1 Mbit/s take 134 s,
/// and nobody synchronises a directory over less.
const WHOLE: Duration = Duration::from_secs(180);
/// How long a refused body is still taken off the wire, so that the answer is read
/// before the connection is reset, and how much of it.
const LINGER: Duration = Duration::from_secs(3);
const LINGER_BYTES: usize = 64 << 20;
/// Room made at once on the word of `Content-Length`; the rest grows as bytes come.
const FIRST_ROOM: usize = 64 << 10;

/// What is said to a client that compresses.
pub const COMPRESSED: &str =
    "the body is compressed, which is not accepted here; send it without `content-encoding`";

/// Why a body was not read.
#[derive(Debug, PartialEq, Eq)]
pub enum BodyError {
    /// More bytes than allowed.
    TooLarge,
    /// The client stopped sending.
    TooSlow,
    /// The connection broke, or the framing is wrong.
    Broken(String),
    /// It is compressed. A few hundred bytes may stand for gigabytes, and no identity
    /// provider compresses what it sends.
    Encoded,
}

/// Reads at most `limit` bytes.
pub async fn read<B>(headers: &HeaderMap, mut body: B, limit: usize) -> Result<Bytes, BodyError>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Display,
{
    if encoded(headers) {
        linger(body);
        return Err(BodyError::Encoded);
    }
    let announced = announced(headers, &body);
    // What was announced is refused before a byte of it is read.
    if announced.is_some_and(|length| length > limit as u64) {
        linger(body);
        return Err(BodyError::TooLarge);
    }
    let end = Instant::now() + WHOLE;
    let room = announced.map_or(0, |length| usize::try_from(length).unwrap_or(limit));
    let mut read = BytesMut::with_capacity(room.min(FIRST_ROOM));
    loop {
        let next = Instant::now() + PIECE;
        let frame = match timeout_at(end.min(next), frame(&mut body)).await {
            Err(_) => return Err(BodyError::TooSlow),
            Ok(None) => return Ok(read.freeze()),
            Ok(Some(Err(error))) => return Err(BodyError::Broken(error.to_string())),
            Ok(Some(Ok(frame))) => frame,
        };
        let Ok(piece) = frame.into_data() else {
            continue; // trailers
        };
        if read.len() + piece.len() > limit {
            linger(body);
            return Err(BodyError::TooLarge);
        }
        read.extend_from_slice(&piece);
    }
}

/// The most bytes `read` may have to keep of this body: what is announced, or the
/// limit.
pub fn at_most(headers: &HeaderMap, body: &impl Body, limit: usize) -> usize {
    if body.is_end_stream() {
        return 0;
    }
    announced(headers, body).map_or(limit, |length| {
        usize::try_from(length).unwrap_or(limit).min(limit)
    })
}

/// RFC 9110 8.4: `identity` is no coding, and should not be there at all.
fn encoded(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(header::CONTENT_ENCODING).iter();
    codings.any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"))
}

fn announced(headers: &HeaderMap, body: &impl Body) -> Option<u64> {
    headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok())
        .or_else(|| body.size_hint().exact())
}

async fn frame<B: Body + Unpin>(body: &mut B) -> Option<Result<Frame<B::Data>, B::Error>> {
    Pin::new(body).frame().await
}

/// Takes the rest of a refused body off the wire, in the background and for a
/// moment only. Without it the operating system resets the connection of a client
/// that is still writing, and the client never sees why.
pub fn linger<B>(mut body: B)
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
{
    if body.is_end_stream() {
        return;
    }
    tokio::spawn(async move {
        let drain = async {
            let mut seen = 0_usize;
            while let Some(Ok(frame)) = frame(&mut body).await {
                seen += frame.data_ref().map_or(0, Bytes::len);
                if seen > LINGER_BYTES {
                    break;
                }
            }
        };
        // Either way the body is dropped now.
        let _ = timeout(LINGER, drain).await;
    });
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::collections::VecDeque;
    use std::convert::Infallible;
    use std::task::{Context, Poll};

    use http::HeaderValue;
    use http_body_util::Full;

    use super::*;

    /// Pieces without an announced length, then silence or the end.
    struct Pieces(VecDeque<usize>, bool);

    impl Body for Pieces {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            match self.0.pop_front() {
                Some(size) => Poll::Ready(Some(Ok(Frame::data(Bytes::from(vec![b'x'; size]))))),
                None if self.1 => Poll::Pending,
                None => Poll::Ready(None),
            }
        }
    }

    #[tokio::test]
    async fn a_body_up_to_the_limit_is_read_and_one_byte_more_is_not() {
        let none = HeaderMap::new();
        let body = Pieces(VecDeque::from([6, 4]), false);
        assert_eq!(read(&none, body, 10).await.unwrap().len(), 10);
        let body = Pieces(VecDeque::from([6, 5]), false);
        assert_eq!(read(&none, body, 10).await, Err(BodyError::TooLarge));
        let body = Full::new(Bytes::from_static(b"12345678901"));
        assert_eq!(read(&none, body, 10).await, Err(BodyError::TooLarge));
    }

    #[tokio::test]
    async fn an_announced_length_over_the_limit_is_refused_unread() {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("11"));
        // A body that never sends anything would time out if it were read.
        let body = Pieces(VecDeque::new(), true);
        assert_eq!(read(&headers, body, 10).await, Err(BodyError::TooLarge));
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_stops_sending_is_given_up() {
        let body = Pieces(VecDeque::from([3]), true);
        assert_eq!(
            read(&HeaderMap::new(), body, 10).await,
            Err(BodyError::TooSlow)
        );
    }
}
