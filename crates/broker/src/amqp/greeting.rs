//! What a broker says of itself before any login.

use std::io;

use contract::broker_object::Release;
use futures::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use lapin::protocol::connection::AMQPMethod;
use lapin::protocol::{AMQPClass, parse_class};

/// What a client says first.
const HELLO: &[u8] = b"AMQP\x00\x00\x09\x01";

/// The kind of a frame with a method in it.
const METHOD: u8 = 1;

/// Longest greeting that is read. RabbitMQ's has about 500 bytes.
const LEN_MAX: u32 = 16 * 1024;

/// Says hello and listens; whoever answers something else is of no known release.
pub(super) async fn release(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> io::Result<Release> {
    stream.write_all(HELLO).await?;
    stream.flush().await?;
    let mut header = [0; 7];
    stream.read_exact(&mut header).await?;
    let [kind, _, _, len @ ..] = header;
    let len = u32::from_be_bytes(len);
    if kind != METHOD || len > LEN_MAX {
        return Ok(Release::default());
    }
    let mut method = Vec::new();
    stream.take(len.into()).read_to_end(&mut method).await?;
    Ok(read(&method).unwrap_or_default())
}

fn read(method: &[u8]) -> Option<Release> {
    let (_, AMQPClass::Connection(AMQPMethod::Start(start))) = parse_class(method).ok()? else { return None };
    let version = start.server_properties.inner().get("version")?.as_long_string()?.to_string();
    Some(Release::of(&version))
}
