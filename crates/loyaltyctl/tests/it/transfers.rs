//! Transfers from the command line: simulated, explained, and on every screen.

use crate::ask::ask;
use crate::program::{loyaltyctl, run, workspace};

const EVENTS: &str = r#"{"id":"p1","type":"purchase","occurredAt":"2026-01-02T10:00:00Z","member":"ann","order":"o1","amount":"100.00"}
{"id":"t1","type":"transfer","occurredAt":"2026-01-05T12:00:00Z","member":"ann","to":"bob","points":"30"}
{"id":"t2","type":"transfer","occurredAt":"2026-01-05T12:01:00Z","member":"bob","to":"cid","points":"31"}
{"id":"t3","type":"transfer","occurredAt":"2026-01-05T12:02:00Z","member":"bob","to":"cid","points":"30"}
{"id":"f1","type":"freeze","occurredAt":"2026-01-06T12:00:00Z","member":"dan","reason":"a doubt","author":"bea"}
{"id":"t4","type":"transfer","occurredAt":"2026-01-06T12:01:00Z","member":"ann","to":"dan","points":"20"}
{"id":"t5","type":"transfer","occurredAt":"2026-01-06T12:02:00Z","member":"ann","to":"ann","points":"20"}
"#;

fn filled() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(workspace().join("examples/holds.yaml")).unwrap();
    let types = "types: [hold, capture, release]";
    assert!(text.contains(types), "{text}");
    let text = text.replace(types, "types: [hold, capture, release, transfer, freeze]");
    std::fs::write(folder.path().join("pipeline.yaml"), text).unwrap();
    std::fs::write(folder.path().join("events.jsonl"), EVENTS).unwrap();
    std::fs::create_dir(folder.path().join("data")).unwrap();
    folder
}

#[test]
fn what_is_sent_arrives_before_the_next_event_of_a_simulation_and_is_explained() {
    let folder = filled();
    let args = [
        "simulate",
        "-f",
        "pipeline.yaml",
        "events.jsonl",
        "--ledger",
        "sqlite:data/ledger.db",
        "--results",
        "out.jsonl",
    ];
    let said = run(&mut loyaltyctl(folder.path(), &args)).ended(1);
    assert!(said.out.contains("BadValue"), "{}", said.out);
    let results = std::fs::read_to_string(folder.path().join("out.jsonl")).unwrap();
    let told: Vec<String> = results
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|result| format!("{} {} {}", result["causeid"], result["subject"], result["type"]).replace('"', ""))
        .filter(|line| line.contains("transfer."))
        .collect();
    assert_eq!(
        told,
        [
            "t1 ann transfer.sent",
            "t1/in bob transfer.received",
            "t2 bob transfer.rejected",
            "t3 bob transfer.sent",
            "t3/in cid transfer.received",
            "t4 ann transfer.sent",
            "t4/in dan transfer.refused",
            "t4/back ann transfer.returned",
        ]
    );
    for (event, sentence) in [
        ("t1", "outcome   applied; 30 points sent to another member, 70 available after it"),
        ("t1", "transfer  `t1`, 30 points from ann to bob, has arrived"),
        ("t1/in", "outcome   applied; 30 points of another member came in, 30 available after it"),
        ("t1/in", "transfer  `t1`, 30 points from ann to bob, has arrived"),
        ("t2", "outcome   turned down; 31 points were asked for and 30 were available: 1 are missing"),
        ("t4/in", "outcome   turned down; 20 points of another member could not come in: the member was frozen"),
        ("t4/back", "outcome   applied; 20 points that could not come in came back, 70 available after it"),
        ("t4/back", "transfer  `t4`, 20 points from ann to dan, could not arrive and came back"),
    ] {
        let said = ask(folder.path(), &["explain", event]).ended(0);
        assert!(said.out.contains(&format!("{sentence}\n")), "{event}: {}", said.out);
    }
    let statement = ask(folder.path(), &["statement", "bob"]).ended(0).out;
    assert!(statement.contains("TransferIn: from ann") && statement.contains("TransferOut: to cid"), "{statement}");
    let csv = ask(folder.path(), &["statement", "cid", "-o", "csv"]).ended(0).out;
    assert!(csv.lines().nth(1).is_some_and(|line| line.ends_with(",bob")), "{csv}");
    let audit = ask(folder.path(), &["audit"]).ended(0).out;
    assert!(audit.ends_with("audit: 0 differences\n"), "{audit}");
    assert_eq!(ask(folder.path(), &["balance", "cid", "-o", "json"]).ended(0).json()["wallets"][0]["available"], "30");
}
