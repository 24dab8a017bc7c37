//! A batch that the database refuses for its content loses only the culprit.

use crate::shop::{Shop, purchase, words};

#[tokio::test]
async fn halving_finds_the_culprit_and_applies_its_neighbours() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let shop = Shop::open(&format!("sqlite:{}", path.display()), "Event").await;
    // A constraint that our own checks know nothing of, as a database administrator might add one.
    let admin = rusqlite::Connection::open(&path).unwrap();
    admin
        .execute_batch(
            "create trigger picky before insert on inbox when new.event_id = 'o13'
             begin select raise(abort, 'not this one'); end",
        )
        .unwrap();
    let lines: Vec<String> = (1..=20).map(|n| purchase(&format!("o{n}"), n, "1.00")).collect();
    let settled = words(&shop.apply(&lines.iter().map(String::as_str).collect::<Vec<_>>()).await);
    let refused: Vec<usize> = (0..20).filter(|n| settled[*n] == "LedgerRefused").collect();
    assert_eq!(refused, [12], "{settled:?}");
    assert_eq!(shop.available("m").await, "19");
    shop.audits_clean().await;
}
