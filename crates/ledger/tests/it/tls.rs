//! TLS to the database, against a server that speaks just enough of the protocol: it answers the request for TLS, shakes
//! hands and hangs up. Its certificate is for `localhost`, by a CA that no machine trusts.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use ledger::LedgerError;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection};

/// Answers one byte to the request for TLS: `S` and a handshake, or `N`.
fn serve(answer: u8) -> u16 {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let chain = CertificateDer::pem_slice_iter(include_bytes!("tls/cert.pem")).collect::<Result<Vec<_>, _>>().unwrap();
    // Signs for nobody but this test.
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("tls/key.pem")).unwrap();
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = Arc::new(builder.with_no_client_auth().with_single_cert(chain, key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let _ = shake_hands(stream.unwrap(), answer, &config);
        }
    });
    port
}

fn shake_hands(mut stream: TcpStream, answer: u8, config: &Arc<ServerConfig>) -> std::io::Result<()> {
    stream.read_exact(&mut [0; 8])?;
    stream.write_all(&[answer])?;
    if answer == b'S' {
        let mut connection = ServerConnection::new(Arc::clone(config)).unwrap();
        while connection.is_handshaking() {
            connection.complete_io(&mut stream)?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn authorities_given_as_text_are_the_only_ones_that_are_trusted() {
    let (tls, plain) = (serve(b'S'), serve(b'N'));
    let (own, other) = (include_str!("tls/ca.pem"), include_str!("tls/cert.pem"));
    let away = "could not reach";
    for (url, pem, says) in [
        (format!("localhost:{tls}/db"), own, away),
        (format!("localhost:{tls}/db?sslmode=require"), own, away),
        (format!("127.0.0.1:{tls}/db"), own, "certificate is not trusted"),
        (format!("localhost:{plain}/db"), own, "speaks no TLS"),
        (format!("localhost:{plain}/db?sslmode=disable"), own, away),
        (format!("localhost:{tls}/db"), "no PEM", "`ca.crt` beside the ledger's URL holds no certificate"),
        (
            format!("localhost:{tls}/db"),
            "-----BEGIN CERTIFICATE-----\nno\n",
            "`ca.crt` beside the ledger's URL cannot be read",
        ),
        (format!("127.0.0.1:{tls}/db"), other, "certificate is not trusted"),
    ] {
        let url = ledger::trusting(&format!("postgres://loyalty:s3cret@{url}"), pem);
        let error = match ledger::open(&url) {
            Ok(ledger) => ledger.check_version().await.unwrap_err(),
            Err(error) => error,
        };
        let told = error.to_string();
        assert!(told.contains(says) && !told.contains("s3cret") && !told.contains("BEGIN"), "{url}: {error}");
        assert_eq!(matches!(error, LedgerError::Misconfigured { .. }), says != away, "{url}: {error}");
    }
}

#[tokio::test]
async fn certificates_are_checked_as_the_url_says() {
    let tls = serve(b'S');
    let plain = serve(b'N');
    let ca = format!("{}/tests/it/tls/ca.pem", env!("CARGO_MANIFEST_DIR"));
    let away = "could not reach";
    let table = [
        (format!("localhost:{tls}/db?sslmode=require"), "certificate is not trusted"),
        (format!("localhost:{tls}/db?sslmode=verify-full"), "`sslrootcert=FILE`"),
        (format!("localhost:{tls}/db?sslmode=verify-full&sslrootcert={ca}"), away),
        (format!("127.0.0.1:{tls}/db?sslmode=verify-full&sslrootcert={ca}"), "certificate is not trusted"),
        (format!("localhost:{tls}/db?sslmode=prefer"), away),
        (format!("localhost:{plain}/db?sslmode=require"), "speaks no TLS"),
    ];
    for (url, says) in table {
        let ledger = ledger::open(&format!("postgres://loyalty:s3cret@{url}")).unwrap();
        let error = ledger.check_version().await.unwrap_err();
        assert!(error.to_string().contains(says), "{url}: {error}");
        assert_eq!(matches!(error, LedgerError::Misconfigured { .. }), says != away, "{url}: {error}");
    }
}
