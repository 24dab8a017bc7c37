//! Why there is no connection: each reason is a sentence of its own.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use broker::{BrokerError, Management, ManagementError, Settings, connect};
use rustls::pki_types::PrivateKeyDer;

use super::{Vhost, env, settings};

/// A listener that serves each connection by the same function, for as long as the process lives.
pub(crate) fn listen(serve: impl Fn(TcpStream) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || listener.incoming().flatten().for_each(serve));
    address
}

/// A TLS server with a fresh certificate for localhost; also the certificate as PEM.
fn tls_server() -> (SocketAddr, String) {
    broker::install_tls_provider();
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let pem = own.cert.pem();
    let key = PrivateKeyDer::try_from(own.signing_key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder().with_no_client_auth();
    let config = Arc::new(config.with_single_cert(vec![own.cert.der().clone()], key).unwrap());
    let address = listen(move |mut stream| {
        let mut server = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
        let _ = server.complete_io(&mut stream);
        let mut tls = rustls::StreamOwned::new(server, stream);
        let _ = tls.read(&mut [0; 8]);
        let _ = tls.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    (address, pem)
}

async fn refused(settings: &Settings) -> BrokerError {
    let start = Instant::now();
    let error = connect(settings, "test").await.unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(12), "{error}");
    let text = format!("{error}{error:?}");
    assert!(!text.contains("hush"), "{text}");
    error
}

pub(crate) fn at(scheme: &str, address: impl std::fmt::Display) -> Settings {
    Settings::from_url(&format!("{scheme}://u:hush@{address}/%2F")).unwrap()
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_unreachable() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = refused(&at("amqp", address)).await;
    let sentence = format!("could not reach the broker at `{address}`; check host and port, and that RabbitMQ runs");
    assert_eq!(error.to_string(), sentence);
    assert!(matches!(error, BrokerError::Unreachable { .. }));
    let error = Management::new(&at("amqp", address).with_management(&format!("http://{address}")).unwrap()).unwrap();
    assert!(error.overview().await.unwrap_err().is_absent());
}

#[tokio::test]
async fn a_host_that_has_no_address_is_unreachable() {
    let error = refused(&at("amqp", "no-such-host.invalid")).await;
    assert!(matches!(error, BrokerError::Unreachable { .. }), "{error:?}");
}

#[tokio::test]
async fn a_wrong_password_is_told_without_it() {
    let own = Settings::from_url(&env("AMQP_URL")).unwrap();
    let address = own.address();
    let error = refused(&at("amqp", &address)).await;
    let sentence = format!(
        "could not log in to the broker at `{address}`: it refuses the password of user `u`; check both in `uri`"
    );
    assert_eq!(error.to_string(), sentence);
}

#[tokio::test]
async fn a_vhost_that_is_not_there_is_named() {
    let error = refused(&settings().with_vhost("no/such")).await;
    assert!(matches!(&error, BrokerError::NoVhost { vhost, .. } if vhost == "no/such"), "{error:?}");
    assert!(error.to_string().starts_with("could not open vhost `no/such` on the broker at `"), "{error}");
}

#[tokio::test]
async fn tls_on_a_plain_port_says_so() {
    let error = refused(&at("amqps", settings().address())).await;
    assert!(matches!(error, BrokerError::NotTls { .. }), "{error:?}");
}

#[tokio::test]
async fn plain_amqp_on_a_tls_port_says_so() {
    let (address, _) = tls_server();
    let error = refused(&at("amqp", address)).await;
    assert!(matches!(error, BrokerError::NotAmqp { .. }), "{error:?}");
    assert!(error.to_string().ends_with("check the port (usually 5672), and write `amqps://` if it is the TLS port"));
}

#[tokio::test]
async fn an_unknown_certificate_names_the_key_that_would_make_it_known() {
    let (address, pem) = tls_server();
    let local = format!("localhost:{}", address.port());
    let (_, other) = tls_server();
    for settings in [at("amqps", &local).with_ca(&other).unwrap(), at("amqps", address).with_ca(&pem).unwrap()] {
        let error = refused(&settings).await;
        assert!(matches!(error, BrokerError::Certificate { .. }), "{error:?}");
        let advice = "put the certificate of the authority that signed the broker's into `ca.crt`";
        assert!(error.to_string().ends_with(advice), "{error}");
    }
    // Known, it is trusted: then the next thing is wrong.
    let error = refused(&at("amqps", &local).with_ca(&pem).unwrap()).await;
    assert!(matches!(error, BrokerError::NotAmqp { .. }), "it spoke TLS: {error:?}");
}

#[tokio::test]
async fn the_management_apis_certificate_is_checked_the_same_way() {
    let (address, _) = tls_server();
    let (_, other) = tls_server();
    let uri = format!("https://localhost:{}", address.port());
    let settings = at("amqp", "mq").with_ca(&other).unwrap().with_management(&uri).unwrap();
    let error = Management::new(&settings).unwrap().overview().await.unwrap_err();
    assert!(matches!(error, ManagementError::Certificate { .. }), "{error:?}");
}

#[tokio::test]
async fn a_web_server_is_no_broker() {
    let address = listen(|mut stream| {
        let _ = stream.read(&mut [0; 64]);
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
    });
    let error = refused(&at("amqp", address)).await;
    assert!(matches!(error, BrokerError::NotAmqp { .. }), "{error:?}");
}

#[tokio::test]
async fn somebody_who_says_nothing_is_given_up() {
    let held = std::sync::Mutex::new(Vec::new());
    let address = listen(move |stream| held.lock().unwrap().push(stream));
    let error = refused(&at("amqp", address)).await;
    let sentence =
        format!("could not reach the broker at `{address}`: no answer within 10 s; check host, port and firewall");
    assert_eq!(error.to_string(), sentence);
}

#[tokio::test]
async fn a_connection_shows_its_name_and_never_its_password() {
    let vhost = Vhost::new().await;
    let connection = vhost.connect().await;
    assert!(connection.is_connected());
    assert_eq!(format!("{connection:?}"), format!("Connection {{ address: {:?}, .. }}", vhost.settings.address()));
    connection.close().await;
}
