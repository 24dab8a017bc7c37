//! Who may speak to our API server and how it proves itself: all made for one run, in memory.

use std::net::Ipv4Addr;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, SanType};

use crate::parts::error::PartError;
use crate::parts::secret;

/// A group that may do everything.
const ADMINISTRATORS: &str = "system:masters";
/// The controllers act under their usual name, which tells their requests in the audit log from those of others.
const CONTROLLERS: &str = "system:kube-controller-manager";
const ADMINISTRATOR: &str = "loyalty-admin";

/// An authority, a server's certificate, the key that signs service accounts, two tokens.
pub(super) struct Credentials {
    authority: rcgen::Certificate,
    certificate: rcgen::Certificate,
    key: KeyPair,
    service_accounts: KeyPair,
    admin: String,
    controllers: String,
}

impl Credentials {
    /// Fresh ones.
    pub(super) fn make() -> Result<Self, PartError> {
        let (admin, controllers) = (secret::fresh()?, secret::fresh()?);
        Self::sign(admin, controllers).map_err(PartError::Certificate)
    }

    fn sign(admin: String, controllers: String) -> Result<Self, rcgen::Error> {
        let authority_key = KeyPair::generate()?;
        let mut parameters = named("loyalty-tests");
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = parameters.self_signed(&authority_key)?;
        let issuer = Issuer::new(parameters, authority_key);
        let key = KeyPair::generate()?;
        let mut parameters = named("kube-apiserver");
        parameters.subject_alt_names.push(SanType::IpAddress(Ipv4Addr::LOCALHOST.into()));
        parameters.subject_alt_names.push(SanType::DnsName("localhost".try_into()?));
        let certificate = parameters.signed_by(&key, &issuer)?;
        Ok(Self { authority, certificate, key, service_accounts: KeyPair::generate()?, admin, controllers })
    }

    /// The certificate that clients trust.
    pub(super) fn authority(&self) -> &rcgen::Certificate {
        &self.authority
    }

    /// The token of one who may do everything.
    pub(super) fn admin(&self) -> &str {
        &self.admin
    }

    /// The token of the controllers.
    pub(super) fn controllers(&self) -> &str {
        &self.controllers
    }

    /// Files by name, for the flags of the programs.
    pub(super) fn files(&self) -> [(&'static str, String); 6] {
        let Self { admin, controllers, .. } = self;
        let tokens = format!(
            "{admin},{ADMINISTRATOR},1,{ADMINISTRATORS}\n\
             {controllers},{CONTROLLERS},2,{ADMINISTRATORS}\n"
        );
        [
            ("authority.crt", self.authority.pem()),
            ("server.crt", self.certificate.pem()),
            ("server.key", self.key.serialize_pem()),
            ("service-accounts.key", self.service_accounts.serialize_pem()),
            ("service-accounts.pub", self.service_accounts.public_key_pem()),
            ("tokens.csv", tokens),
        ]
    }
}

fn named(name: &str) -> CertificateParams {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, name);
    parameters
}
