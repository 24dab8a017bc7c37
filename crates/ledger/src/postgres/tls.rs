//! TLS to the database: one provider (ring), roots from the platform, from a file, or from a text.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Whose certificates are good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trust {
    /// No TLS.
    Off,
    /// Anybody's: encryption against listeners only.
    Anyone,
    /// Those that this machine trusts.
    Platform,
    /// Those of a PEM file.
    File(String),
    /// Those of a PEM text.
    Pem(String),
}

/// A connector; errors are sentences.
pub(super) fn connector(trust: &Trust) -> Result<MakeRustlsConnect, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|e| format!("TLS cannot be set up ({e})"))?;
    let config = match trust {
        Trust::Off | Trust::Anyone => {
            let verifier = Arc::new(Unverified { provider });
            builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth()
        }
        Trust::Platform => {
            let verifier = rustls_platform_verifier::Verifier::new(provider).map_err(|e| {
                format!("the certificates of this machine cannot be read ({e}); install `ca-certificates` or set `sslrootcert` in the URL")
            })?;
            builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth()
        }
        Trust::File(path) => builder.with_root_certificates(roots_of_file(path)?).with_no_client_auth(),
        Trust::Pem(pem) => {
            let certificates = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
            let named = "`ca.crt` beside the ledger's URL";
            builder.with_root_certificates(roots(named, certificates)?).with_no_client_auth()
        }
    };
    Ok(MakeRustlsConnect::new(config))
}

fn roots_of_file(path: &str) -> Result<RootCertStore, String> {
    let certificates = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    roots(&format!("`{path}`, which `sslrootcert` in the URL names,"), certificates)
}

/// `named`: where they were found, to begin a sentence with.
fn roots(named: &str, certificates: Result<Vec<CertificateDer<'_>>, pem::Error>) -> Result<RootCertStore, String> {
    let certificates = certificates
        .map_err(|e| format!("{named} cannot be read ({e}); it must be PEM, with the certificate of the CA"))?;
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        let added = roots.add(certificate);
        added.map_err(|e| format!("{named} holds a certificate that is no CA's ({e}); give the CA's own"))?;
    }
    if roots.is_empty() {
        return Err(format!("{named} holds no certificate; it must be PEM, with the certificate of the CA"));
    }
    Ok(roots)
}

/// Checks that the other side holds the key of its certificate, but not whose certificate it is.
#[derive(Debug)]
struct Unverified {
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
