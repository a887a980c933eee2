//! Requests of clients, as bytes.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::form_urlencoded::Serializer;

/// A form that is sent to an endpoint.
#[derive(Clone, Debug)]
pub(crate) struct Question<'a> {
    /// The endpoint.
    pub(crate) path: &'a str,
    /// Who proves itself, by id and secret (RFC 6749 §2.3.1).
    pub(crate) client: Option<(&'a str, &'a str)>,
    /// What is asked.
    pub(crate) fields: Vec<(&'a str, &'a str)>,
}

impl Question<'_> {
    /// One of several on a connection.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.with("")
    }

    /// The whole answer to it, which must be a good one.
    pub(crate) fn ask(&self, address: SocketAddr) -> Result<Vec<u8>> {
        let mut stream = TcpStream::connect(address)?;
        stream.write_all(&self.with("connection: close\r\n"))?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        ensure!(answer.starts_with(b"HTTP/1.1 200 "), "refused: {}", String::from_utf8_lossy(&answer));
        Ok(answer)
    }

    fn with(&self, header: &str) -> Vec<u8> {
        let body = Serializer::new(String::new()).extend_pairs(&self.fields).finish();
        let proof = self.client.map_or_else(String::new, |(id, secret)| {
            format!("authorization: Basic {}\r\n", STANDARD.encode(format!("{id}:{secret}")))
        });
        format!(
            "POST {} HTTP/1.1\r\nhost: localhost\r\n{header}{proof}content-type: application/x-www-form-urlencoded\r\n\
             content-length: {}\r\n\r\n{body}",
            self.path,
            body.len(),
        )
        .into_bytes()
    }
}

/// A member of a JSON object whose value is a text without escapes, as all tokens are.
pub(crate) fn member<'a>(body: &'a [u8], name: &str) -> Result<&'a str> {
    let text = std::str::from_utf8(body)?;
    let start = text.find(&format!("\"{name}\":\"")).with_context(|| format!("no {name} in {text}"))?;
    let value = &text[start + name.len() + 4..];
    value.split('"').next().with_context(|| format!("no end of {name}"))
}
