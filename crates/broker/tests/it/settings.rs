//! Settings from Secrets and URLs.

use std::collections::{BTreeMap, HashSet};

use broker::Settings;

type Keys<'a> = &'a [(&'a str, &'a str)];

fn secret(keys: Keys<'_>) -> BTreeMap<String, Vec<u8>> {
    keys.iter().map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec())).collect()
}

#[test]
fn the_usual_secrets_are_understood() {
    let table: [(Keys<'_>, &str, &str); 8] = [
        (&[("uri", "amqp://u:hush@mq/shop")], "amqp://u@mq:5672/shop", "http://mq:15672"),
        (&[("uri", "amqp://u:hush@mq")], "amqp://u@mq:5672/%2F", "http://mq:15672"),
        (&[("uri", "amqps://u:hush@mq:1/%2f\n")], "amqps://u@mq:1/%2F", "https://mq:15671"),
        (&[("uri", "amqp://[::1]:7/a%2Fb")], "amqp://guest@[::1]:7/a%2Fb", "http://[::1]:15672"),
        (
            &[("uri", "amqp://u:hush@mq"), ("managementUri", "https://adm:hush@ui:443/rabbit/api/")],
            "amqp://u@mq:5672/%2F",
            "https://ui/rabbit",
        ),
        // The RabbitMQ Cluster Operator's.
        (
            &[
                ("connection_string", "amqp://default_user_x:hush@mq.shops.svc:5672/"),
                ("default_user.conf", "default_user = x"),
                ("host", "other"),
                ("provider", "rabbitmq"),
            ],
            "amqp://default_user_x@mq.shops.svc:5672/%2F",
            "http://mq.shops.svc:15672",
        ),
        (
            &[("host", "mq"), ("port", "5672"), ("username", "u"), ("password", "hush")],
            "amqp://u@mq:5672/%2F",
            "http://mq:15672",
        ),
        (
            &[("host", "mq"), ("port", "5671"), ("username", "u"), ("password", "hush")],
            "amqps://u@mq:5671/%2F",
            "https://mq:15671",
        ),
    ];
    for (keys, shown, management) in table {
        let settings = Settings::from_secret(&secret(keys)).unwrap();
        assert_eq!((settings.to_string().as_str(), settings.management_address()), (shown, management));
        assert!(!format!("{settings:?}{settings}").contains("hush"), "{settings:?}");
        let again = Settings::from_url(&settings.secret_url()).unwrap();
        assert_eq!(again.secret_url(), settings.secret_url());
    }
}

#[test]
fn a_password_of_any_characters_survives() {
    let settings = Settings::from_url("amqp://a%40b:p%2F%25%3A%C3%BC@mq/%2F").unwrap();
    assert_eq!(settings.secret_url(), "amqp://a%40b:p%2F%25%3A%C3%BC@mq:5672/%2F");
}

#[test]
fn each_mistake_names_its_key_and_what_to_do() {
    let uri = ("uri", "amqp://u:hush@mq");
    let table: [(Keys<'_>, &str); 16] = [
        (&[], "no key `uri`; add it (`amqp://USER:PASSWORD@HOST:5672/VHOST`), or `host`, `username` and `password`"),
        (&[("uri", "")], "`uri` is empty; fill it in or remove the key"),
        (&[("uri", "hush")], "`uri` is not a URL; write `amqp://USER:PASSWORD@HOST:5672/VHOST`"),
        (&[("uri", "http://u:hush@mq")], "`uri` must begin with `amqp://` or `amqps://`"),
        (&[("uri", "amqp:///hush")], "`uri` names no host; write `amqp://USER:PASSWORD@HOST:5672/VHOST`"),
        (&[("uri", "amqp://u:hush%@mq")], "`uri` has a `%` that encodes nothing; write `%25` for a `%` itself"),
        (&[("uri", "amqp://u:hush@mq/a/b")], "`uri` has a path of several parts; write `%2F` for a `/` in the vhost"),
        (&[("uri", "amqp://u:hush@mq:port")], "`uri` is not a URL; write `amqp://USER:PASSWORD@HOST:5672/VHOST`"),
        (&[("host", "mq"), ("password", "hush")], "`host` is there without `username`; add `username`"),
        (
            &[("host", "mq"), ("username", "u"), ("password", "hush"), ("port", "hush")],
            "`port` is not a port; write a number such as `5672`",
        ),
        (&[uri, ("managementUri", "mq:15672")], "`managementUri` must begin with `http://` or `https://`"),
        (&[uri, ("managementUri", "hush")], "`managementUri` is not a URL; write `http://HOST:15672`"),
        (
            &[uri, ("ca.crt", "hush")],
            "`ca.crt` holds no certificate; put the authority's certificate there as PEM (`-----BEGIN CERTIFICATE-----`)",
        ),
        (&[uri, ("tls.crt", "hush")], "`tls.crt` is there without `tls.key`; add `tls.key`"),
        (&[uri, ("tls.key", "hush")], "`tls.key` is there without `tls.crt`; add `tls.crt`"),
        (
            &[uri, ("tls.crt", "hush"), ("tls.key", "hush")],
            "`tls.crt` holds no certificate; put ours there as PEM (`-----BEGIN CERTIFICATE-----`)",
        ),
    ];
    for (keys, sentence) in table {
        let error = Settings::from_secret(&secret(keys)).unwrap_err();
        assert_eq!(error.to_string(), format!("could not read the broker's settings: {sentence}"));
        assert!(!format!("{error:?}").contains("hush"), "{error:?}");
    }
}

/// As the RabbitMQ Cluster Operator writes it for a cluster `mq` in namespace `shops`, MQTT and streams switched on.
const WRITTEN: [(&str, &str); 10] = [
    (
        "connection_string",
        "amqp://default_user_LJdyh8FTX7vdEGNvZ2B:cKm2fQ-Zr_5vNnkfhPVkGO1tA0yL8uBd@mq.shops.svc:5672/",
    ),
    (
        "default_user.conf",
        "default_user = default_user_LJdyh8FTX7vdEGNvZ2B\ndefault_pass = cKm2fQ-Zr_5vNnkfhPVkGO1tA0yL8uBd\n",
    ),
    ("host", "mq.shops.svc"),
    ("mqtt-port", "1883"),
    ("password", "cKm2fQ-Zr_5vNnkfhPVkGO1tA0yL8uBd"),
    ("port", "5672"),
    ("provider", "rabbitmq"),
    ("stream-port", "5552"),
    ("type", "rabbitmq"),
    ("username", "default_user_LJdyh8FTX7vdEGNvZ2B"),
];

#[test]
fn a_secret_of_the_rabbitmq_cluster_operator_is_accepted_as_it_is() {
    let whole = Settings::from_secret(&secret(&WRITTEN)).unwrap();
    assert_eq!(whole.to_string(), "amqp://default_user_LJdyh8FTX7vdEGNvZ2B@mq.shops.svc:5672/%2F");
    assert_eq!(whole.management_address(), "http://mq.shops.svc:15672");
    assert!(!whole.is_management_given());
    // Older operators write no connection string.
    let older = Settings::from_secret(&secret(&WRITTEN[1..])).unwrap();
    assert_eq!(older, whole);
}

#[test]
fn with_tls_the_authority_is_what_a_person_adds() {
    let authority = rcgen::generate_simple_self_signed(["mq.shops.svc".to_owned()]).unwrap().cert.pem();
    let mut keys = WRITTEN.map(|(key, value)| match key {
        "connection_string" => (key, "amqps://u:hush@mq.shops.svc:5671/"),
        "port" => (key, "5671"),
        _ => (key, value),
    });
    let settings = |keys: Keys<'_>| {
        let mut secret = secret(keys);
        secret.insert("ca.crt".to_owned(), authority.clone().into_bytes());
        Settings::from_secret(&secret).unwrap()
    };
    assert_eq!(settings(&keys).to_string(), "amqps://u@mq.shops.svc:5671/%2F");
    assert_eq!(settings(&keys).management_address(), "https://mq.shops.svc:15671");
    assert_eq!(settings(&keys).ca(), Some(authority.trim()));
    keys[0] = ("x", "");
    assert_eq!(settings(&keys).address(), "mq.shops.svc:5671");
}

#[test]
fn two_ways_to_write_one_broker_are_one_key_of_a_map() {
    let of = |url: &str| Settings::from_url(url).unwrap();
    let same = [
        of("amqp://u:p@MQ.shops"),
        of("amqp://u:%70@mq.shops:5672/%2f"),
        of("amqp://u:p@mq.shops/x").with_vhost("/"),
        Settings::from_secret(&secret(&[("host", "mq.shops"), ("username", "u"), ("password", "p")])).unwrap(),
    ];
    let others = [
        of("amqp://u:q@mq.shops"),
        of("amqp://v:p@mq.shops"),
        of("amqp://u:p@mq.shops/x"),
        of("amqp://u:p@mq.shops:5673"),
        of("amqps://u:p@mq.shops"),
        of("amqp://u:p@mq.shops").with_management("http://mq.shops:15672").unwrap(),
    ];
    let kinds: HashSet<_> = same.into_iter().collect();
    assert_eq!(kinds.len(), 1);
    let all: HashSet<_> = kinds.into_iter().chain(others).collect();
    assert_eq!(all.len(), 7);
}
