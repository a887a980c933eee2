//! Bytes by hand, for what no client library would send.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A connection on which these bytes were sent.
pub(super) async fn sending(address: &str, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The other side may have heard enough before everything is sent.
    let _refused = stream.write_all(bytes).await;
    stream
}

/// Everything the other side says before it closes.
pub(super) async fn rest(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    // A reset after the answer is as good as an end.
    let _cut = tokio::time::timeout(Duration::from_secs(25), stream.read_to_end(&mut answer))
        .await
        .expect("the connection ends");
    String::from_utf8_lossy(&answer).into_owned()
}

/// Sends bytes and reads until the other side closes.
pub(super) async fn exchange(address: &str, bytes: &[u8]) -> String {
    rest(sending(address, bytes).await).await
}

/// The status of an answer; empty if there was none.
pub(super) fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or_default()
}

/// Reads up to the end of the headers.
pub(super) async fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("the answer ends within its headers"));
    }
    String::from_utf8(head).unwrap()
}
