//! The broker against the file: a real RabbitMQ, a vhost for each test.

use broker::{Management, Settings};
use contract::broker_object::{Argument, Arguments, Binding, Destination, Queue, Step};

use crate::parts::Vhost;
use crate::program::{Running, Said, loyaltyctl, run};
use crate::up::{example, start};

fn plan(folder: &std::path::Path, vhost: &Vhost, more: &[&str]) -> Said {
    let mut command = loyaltyctl(folder, &[&["plan", "-f", "pipeline.yaml"], more].concat());
    command.env("AMQP_URL", vhost.url()).env("MANAGEMENT_URL", crate::parts::variable("MANAGEMENT_URL"));
    run(&mut command)
}

/// Runs `up` until its worker is ready, and ends it well.
fn up_once(folder: &std::path::Path, vhost: &Vhost) -> String {
    let up: Running = start(folder, vhost);
    up.until_said("worker ready");
    up.signal("INT");
    let (code, said) = up.ended();
    assert_eq!(code, Some(0), "{said}");
    said
}

#[tokio::test]
async fn a_plan_changes_nothing_and_an_applied_one_is_empty_until_somebody_deletes_a_binding() {
    let (folder, vhost) = (example(), Vhost::new().await);
    for _ in 0..2 {
        let said = plan(folder.path(), &vhost, &[]).ended(1);
        assert!(said.out.contains("+ queue coffee.main  quorum, x-dead-letter-exchange=coffee.dead"), "{}", said.out);
        assert!(said.out.contains("+ binding coffee.shop -> coffee.main  \"purchase.#\""), "{}", said.out);
        assert!(said.out.ends_with(" steps\n"), "{}", said.out);
    }
    let said = up_once(folder.path(), &vhost);
    assert!(said.contains("steps applied; read back: no difference"), "{said}");
    assert_eq!(plan(folder.path(), &vhost, &[]).ended(0).out, "no changes\n");

    let deleted = Binding {
        source: "coffee.shop".into(),
        destination_kind: Destination::Queue,
        destination: "coffee.main".into(),
        routing_key: "refund.#".into(),
        arguments: Arguments::new(),
    };
    let connection = vhost.connect().await;
    connection.declare(&Step::Unbind(deleted)).await.unwrap();
    let said = plan(folder.path(), &vhost, &[]).ended(1);
    assert_eq!(said.out, "+ binding coffee.shop -> coffee.main  \"refund.#\"\n1 step\n");
    let json = plan(folder.path(), &vhost, &["-o", "json"]).ended(1).json();
    assert_eq!(json["steps"][0]["Bind"]["routing_key"], "refund.#");
    assert_eq!((json["seen"].as_bool(), json["conflicts"].as_array().unwrap().len()), (Some(true), 0));

    let said = up_once(folder.path(), &vhost);
    assert!(said.contains("1 step applied; read back: no difference"), "{said}");
    assert_eq!(plan(folder.path(), &vhost, &[]).ended(0).out, "no changes\n");
    connection.close().await;
    vhost.delete().await;
}

#[tokio::test]
async fn a_foreign_queue_of_our_name_is_refused_and_nothing_is_changed() {
    let (folder, vhost) = (example(), Vhost::new().await);
    let connection = vhost.connect().await;
    let arguments = Arguments::from([("x-queue-type".to_owned(), Argument::Text("classic".into()))]);
    let queue = Queue { name: "coffee.main".into(), durable: true, auto_delete: false, arguments };
    connection.declare(&Step::DeclareQueue(queue)).await.unwrap();

    let said = plan(folder.path(), &vhost, &[]).ended(1);
    assert!(said.out.contains("! queue coffee.main  owner is `nobody`, wanted `local/coffee`"), "{}", said.out);
    let (code, said) = start(folder.path(), &vhost).ended();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("! queue coffee.main"), "{said}");
    assert!(said.ends_with("nothing was changed; settle the conflicts first\n"), "{said}");
    assert_eq!(connection.passive_depth("coffee.dead").await.unwrap(), None);
    connection.close().await;
    vhost.delete().await;
}

#[tokio::test]
async fn without_a_management_api_that_anybody_named_the_plan_says_that_it_saw_nothing() {
    let (folder, vhost) = (example(), Vhost::new().await);
    // The usual port of the API; this broker's own is there only if somebody set the environment so.
    let usual = Management::new(&Settings::from_url(&vhost.url()).unwrap()).unwrap();
    let is_seen = usual.observe(vhost.settings.vhost()).await.is_ok();
    let mut command = loyaltyctl(folder.path(), &["plan", "-f", "pipeline.yaml", "-o", "json"]);
    let said = run(command.env("AMQP_URL", vhost.url())).ended(1);
    assert_eq!(said.json()["seen"], is_seen);
    assert_eq!(said.err.contains("note: what stands on the broker cannot be seen"), !is_seen, "{}", said.err);
    vhost.delete().await;
}
