//! Doors by which pods reach a broker and a database that listen on loopback only: the node's own address, the same ports.

use std::io;
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::thread;

use super::error::E2eError;
use crate::parts::Parts;

/// Open as long as the process lives.
pub(super) struct Doors {
    host: Ipv4Addr,
}

impl Doors {
    /// Opens one for each part.
    pub(super) fn open(host: Ipv4Addr, parts: &Parts) -> Result<Self, E2eError> {
        for url in [parts.amqp_url(), parts.management_url(), parts.database_url()] {
            if let Some(port) = port(url).filter(|_| url.contains("@127.0.0.1:")) {
                open(host, port).map_err(|source| E2eError::Door { address: format!("{host}:{port}"), source })?;
            }
        }
        Ok(Self { host })
    }

    /// The same address as pods see it.
    pub(super) fn outside(&self, url: &str) -> String {
        url.replacen("@127.0.0.1:", &format!("@{}:", self.host), 1)
    }
}

fn port(url: &str) -> Option<u16> {
    let rest = url.rsplit_once('@')?.1.split_once(':')?.1;
    rest.split('/').next()?.parse().ok()
}

fn open(host: Ipv4Addr, port: u16) -> io::Result<()> {
    let door = TcpListener::bind((host, port))?;
    thread::spawn(move || {
        for outer in door.incoming().flatten() {
            thread::spawn(move || {
                // Whoever knocks sees what the part itself would do: nothing.
                let _ = pass(outer, port);
            });
        }
    });
    Ok(())
}

/// Carries bytes both ways until one side ends.
fn pass(outer: TcpStream, port: u16) -> io::Result<()> {
    let inner = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    let (outer_copy, inner_copy) = (outer.try_clone()?, inner.try_clone()?);
    let back = thread::spawn(move || carry(inner_copy, outer_copy));
    carry(outer, inner);
    let _ = back.join();
    Ok(())
}

fn carry(mut from: TcpStream, mut to: TcpStream) {
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
    let _ = from.shutdown(Shutdown::Read);
}

#[cfg(test)]
mod tests {
    use super::port;

    #[test]
    fn the_port_stands_behind_the_host() {
        assert_eq!(port("amqp://a:b@127.0.0.1:25672/%2f"), Some(25672));
        assert_eq!(port("http://a:b@127.0.0.1:15672"), Some(15672));
        assert_eq!(port("http://127.0.0.1"), None);
    }
}
