//! One HTTP request at a time to a server on this machine: enough to ask the management API whether it answers.

use std::fmt::Write as _;
use std::io::{self, Read, Write as _};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

/// A server on loopback that is alive answers within this.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The body, as text.
    pub body: String,
}

/// Sends `method` for `path` to `base` (`http://user:password@host:port`), with a JSON body unless it is empty.
///
/// # Errors
/// When `base` is not such an address, or the server does not answer in time with HTTP.
pub fn request(base: &str, method: &str, path: &str, body: &str) -> io::Result<Answer> {
    let rest = base.strip_prefix("http://").ok_or_else(|| bad("the address is not http"))?;
    let (login, host) = rest.trim_end_matches('/').rsplit_once('@').ok_or_else(|| bad("the address has no login"))?;
    let mut stream = connect(host.to_socket_addrs()?.next().ok_or_else(|| bad("the host has no address"))?)?;
    let login = base64(login.as_bytes());
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.0\r\nHost: {host}\r\nAuthorization: Basic {login}\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    Answer::parse(&text)
}

impl Answer {
    /// Reads all that a server sent until it closed the connection.
    pub(crate) fn parse(text: &str) -> io::Result<Self> {
        let status = text.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status = status.ok_or_else(|| bad("the answer is not HTTP"))?;
        let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body).to_owned();
        Ok(Self { status, body })
    }
}

/// A connection on which nothing waits forever.
pub(crate) fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, ANSWER_MAX)?;
    stream.set_read_timeout(Some(ANSWER_MAX))?;
    stream.set_write_timeout(Some(ANSWER_MAX))?;
    Ok(stream)
}

fn bad(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// RFC 4648, section 4.
pub(crate) fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let three = chunk.iter().chain([&0; 2]).take(3).fold(0_u32, |sum, byte| sum << 8 | u32::from(*byte));
        for place in 0..4 {
            let letter = LETTERS[(three >> (18 - 6 * place) & 63) as usize];
            let _ = text.write_char(if place > chunk.len() { '=' } else { char::from(letter) });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::base64;

    #[test]
    fn base64_gives_the_vectors_of_rfc_4648() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(bytes.as_bytes()), text, "{bytes}");
        }
    }
}
