//! The management API.

use std::io::{Read, Write};
use std::net::TcpListener;

use broker::{Management, ManagementError, Settings};
use contract::broker_object::Standing;

use super::{Vhost, env, settings};

async fn refused(management_uri: &str) -> ManagementError {
    let settings = Settings::from_url(&env("AMQP_URL")).unwrap().with_management(management_uri).unwrap();
    let error = Management::new(&settings).unwrap().observe("/").await.unwrap_err();
    let text = format!("{error}{error:?}");
    assert!(!text.contains("hush"), "{text}");
    error
}

#[tokio::test]
async fn a_broker_says_its_version_and_that_it_is_well() {
    let management = Management::new(&settings()).unwrap();
    let version = management.overview().await.unwrap().rabbitmq_version;
    assert!(version.split('.').count() >= 3, "{version}");
    assert_eq!(management.health().await.unwrap(), None);
}

#[tokio::test]
async fn an_empty_vhost_has_the_brokers_own_exchanges_only() {
    let vhost = Vhost::new().await;
    let Standing::Seen(seen) = vhost.management.observe(&vhost.name).await.unwrap() else { panic!("unseen") };
    assert!(seen.exchanges.keys().all(|name| name.starts_with("amq.")), "{:?}", seen.exchanges.keys());
    assert!(seen.queues.is_empty() && seen.bindings.is_empty());
}

#[tokio::test]
async fn each_mistake_is_a_sentence() {
    let own = settings();
    let login = own.management_address().replace("http://", "http://u:hush@");
    let error = refused(&login).await;
    assert!(matches!(error, ManagementError::Unauthorized { .. }), "{error:?}");
    assert!(error.to_string().ends_with("check the password, and give the user the tag `management`"), "{error}");

    let missing = Management::new(&own).unwrap().observe("no/such").await.unwrap_err();
    assert!(matches!(missing, ManagementError::NotFound { .. }), "{missing:?}");

    // The AMQP port.
    let error = refused(&format!("http://u:hush@{}", own.address())).await;
    assert!(matches!(error, ManagementError::NotManagement { .. }), "{error:?}");

    for answer in ["200 OK\r\ncontent-length: 5\r\n\r\nhello", "404 Not Found\r\ncontent-length: 0\r\n\r\n"] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(format!("HTTP/1.1 {answer}").as_bytes());
        });
        let error = refused(&format!("http://u:hush@{address}")).await;
        assert!(matches!(error, ManagementError::NotManagement { .. }), "{error:?}");
        assert!(error.to_string().ends_with("correct `managementUri`"), "{error}");
    }
}
