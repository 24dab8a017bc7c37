//! Holds on paper: `golden/ledger/NAME.txt`, rewritten by `UPDATE=1`.

use crate::money::{is_golden, narrow};
use crate::program::{loyaltyctl, run, workspace};

/// One hold is captured in part, one is still open, one ended after its points.
const EVENTS: &str = r#"{"id":"p1","type":"purchase","occurredAt":"2026-01-02T10:00:00Z","member":"ann","order":"o1","amount":"100.00"}
{"id":"h1","type":"hold","occurredAt":"2026-01-05T12:00:00Z","member":"ann","hold":"till-7","points":"60"}
{"id":"c1","type":"capture","occurredAt":"2026-01-05T12:02:00Z","member":"ann","hold":"till-7","points":"30"}
{"id":"h2","type":"hold","occurredAt":"2026-01-05T12:05:00Z","member":"ann","hold":"web-1","points":"25","for":"90d"}
{"id":"c2","type":"capture","occurredAt":"2026-01-05T12:06:00Z","member":"ann","hold":"web-1","points":"5","final":false}
{"id":"h3","type":"hold","occurredAt":"2026-01-05T12:10:00Z","member":"ann","hold":"till-8","points":"45","expiresAt":"2026-02-20T12:00:00Z"}
{"id":"r1","type":"release","occurredAt":"2026-02-10T12:00:00Z","member":"ann","hold":"till-8"}
{"id":"c3","type":"capture","occurredAt":"2026-02-10T12:01:00Z","member":"ann","hold":"web-1","points":"50"}
{"id":"h4","type":"hold","occurredAt":"2026-02-10T12:02:00Z","member":"ann","hold":"web-2","points":"3"}
{"id":"r2","type":"release","occurredAt":"2026-02-10T12:03:00Z","member":"ann","hold":"till-9"}
{"id":"h5","type":"hold","occurredAt":"2026-02-10T12:04:00Z","member":"ann","hold":"web-1","points":"3"}
"#;

fn filled() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(workspace().join("examples/holds.yaml")).unwrap();
    let wallet = "- { name: points, holds: { timeout: 30m } }";
    assert!(text.contains(wallet), "{text}");
    let text = text.replace(wallet, "- { name: points, holds: { timeout: 30m }, expiry: { after: 1mo } }");
    std::fs::write(folder.path().join("pipeline.yaml"), text).unwrap();
    std::fs::write(folder.path().join("events.jsonl"), EVENTS).unwrap();
    std::fs::create_dir(folder.path().join("data")).unwrap();
    let args = ["simulate", "-f", "pipeline.yaml", "events.jsonl", "--ledger", "sqlite:data/ledger.db"];
    run(&mut loyaltyctl(folder.path(), &args)).ended(0);
    folder
}

#[test]
fn holds_are_told_on_every_screen() {
    let folder = filled();
    for (name, question) in [
        ("statement-holds", &["statement", "ann"][..]),
        ("explain-member-holds", &["explain", "--member", "ann"][..]),
        ("liability-holds", &["liability"][..]),
        ("balance-holds", &["balance", "ann"][..]),
    ] {
        is_golden(name, &narrow(folder.path(), question).ended(0).out);
    }
    let all = narrow(folder.path(), &["audit"]).ended(0).out;
    assert!(all.contains("audit: 0 differences"), "{all}");
}

#[test]
fn what_became_of_a_hold_is_explained_in_a_sentence() {
    let folder = filled();
    for (event, sentence) in [
        ("h1", "applied; 60 points held until 2026-01-05T12:30:00Z as `till-7`, 40 available after it"),
        ("c1", "applied; 30 points of hold `till-7` spent, 30 free again, 70 available after it"),
        ("c2", "applied; 5 points of hold `web-1` spent, 20 still held, 45 available after it"),
        ("r1", "applied; 0 points of hold `till-8` free again, 45 ended meanwhile, 0 available after it"),
        ("c3", "turned down; 50 of hold `web-1` were asked for and it had 20: 30 are missing"),
        ("h4", "turned down; 3 points were to be held and 0 were available: 3 are missing"),
        ("r2", "turned down; hold `till-9`: the member has never had a hold of this name"),
        ("h5", "turned down; 3 points were to be held as `web-1`: the member has had a hold of this name before"),
    ] {
        let args = ["explain", event, "-f", "pipeline.yaml", "--data", "data"];
        let said = run(&mut loyaltyctl(folder.path(), &args)).ended(0);
        assert!(said.out.contains(&format!("outcome   {sentence}\n")), "{event}: {}", said.out);
    }
}
