//! Which RabbitMQ it is, before any login.

use std::io::{Read, Write};
use std::time::Duration;

use broker::amqp::release;
use broker::{BrokerError, Link};
use contract::broker_object::Release;

use super::connect::{at, listen};
use super::{Vhost, settings};

#[tokio::test]
async fn a_real_broker_says_the_release_that_its_management_api_says() {
    let vhost = Vhost::new().await;
    let version = vhost.management.overview().await.unwrap().rabbitmq_version;
    let told = release(&settings()).await.unwrap();
    assert_eq!(broker::release(&settings()).await.unwrap(), told);
    assert!(told.major.is_some_and(|major| version.starts_with(&format!("{major}."))), "{told:?} {version}");
    let link = Link::new(vhost.settings.clone(), "release test");
    assert_eq!(link.release().await.unwrap(), told);
    link.close().await;
}

#[tokio::test]
async fn an_older_broker_is_known_by_its_first_frame() {
    // Method `connection.start` of 3.13: properties `product` and `version`, mechanisms, locales.
    let mut properties = Vec::new();
    for (name, value) in [("product", "RabbitMQ"), ("version", "3.13.7")] {
        properties.push(u8::try_from(name.len()).unwrap());
        properties.extend(name.bytes());
        properties.push(b'S');
        properties.extend(long(value.as_bytes()));
    }
    let mut method = vec![0, 10, 0, 10, 0, 9];
    method.extend(long(&properties));
    method.extend(long(b"PLAIN"));
    method.extend(long(b"en_US"));
    let mut frame = vec![1, 0, 0];
    frame.extend(long(&method));
    frame.push(0xCE);
    let address = listen(move |mut stream| {
        let mut hello = [0; 8];
        stream.read_exact(&mut hello).unwrap();
        assert_eq!(&hello, b"AMQP\0\0\x09\x01");
        stream.write_all(&frame).unwrap();
    });
    assert_eq!(release(&at("amqp", address)).await.unwrap(), Release { major: Some(3) });
}

#[tokio::test]
async fn what_cannot_be_read_is_of_no_known_release_and_who_is_not_there_is_unreachable() {
    let address = listen(|mut stream| {
        let _ = stream.read(&mut [0; 8]);
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        // What is not read must not end the other's reading.
        std::thread::sleep(Duration::from_millis(100));
    });
    assert_eq!(release(&at("amqp", address)).await.unwrap(), Release::default());
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert!(matches!(release(&at("amqp", nobody)).await, Err(BrokerError::Unreachable { .. })));
}

fn long(bytes: &[u8]) -> Vec<u8> {
    let len = u32::try_from(bytes.len()).unwrap();
    len.to_be_bytes().into_iter().chain(bytes.iter().copied()).collect()
}
