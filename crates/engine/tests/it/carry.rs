//! Transfers through the engine: what is sent arrives, and one that cannot keeps no other.

use std::collections::HashSet;
use std::time::Duration;

use engine::{EngineError, Settled, sends};
use ledger::{Identity, UnderWay};

use crate::shop::{Shop, pipeline, purchase, words};

fn send(id: &str, to: &str, points: u32) -> String {
    format!(
        r#"{{"id":"{id}","type":"transfer","occurredAt":"2026-01-31T12:00:00Z","member":"m","to":"{to}","points":"{points}"}}"#
    )
}

fn freeze(member: &str) -> String {
    format!(
        r#"{{"id":"f","type":"freeze","occurredAt":"2026-01-30T12:00:00Z","member":"{member}","reason":"a doubt","author":"bea"}}"#
    )
}

/// All that is under way, in transactions of up to so many; what was told, and the transfers that were passed over.
async fn carried(shop: &Shop, most: usize) -> (Vec<&'static str>, HashSet<Identity>) {
    let (mut told, mut except) = (Vec::new(), HashSet::new());
    loop {
        match shop.engine.carry(UnderWay::For(Duration::ZERO), most, &except).await {
            Ok(Some(carried)) => {
                assert!(carried.transfers <= most, "{carried:?}");
                told.extend(carried.results.iter().map(|result| result.body.type_name()));
            }
            Ok(None) => return (told, except),
            Err(EngineError::Transit { transfer, detail }) => {
                assert!(detail.contains("constraint"), "{detail}");
                assert!(except.insert(transfer), "what is passed over is not tried again");
            }
            Err(other) => panic!("{other}"),
        }
    }
}

#[tokio::test]
async fn what_is_sent_arrives_or_comes_back() {
    let shop = Shop::in_memory().await;
    shop.apply(&[&purchase("a", 1, "100.00"), &freeze("dan")]).await;
    let settled = shop.apply(&[&send("t1", "bob", 30), &send("t2", "dan", 20), &send("t3", "bob", 51)]).await;
    assert_eq!(words(&settled), ["Applied 1", "Applied 1", "Rejected 1"]);
    let [Settled::Fresh { results: sent, batch, .. }, _, Settled::Fresh { results: turned_down, .. }] =
        settled.as_slice()
    else {
        panic!("{settled:?}")
    };
    assert!(sends(sent) && !sends(turned_down));
    let of = UnderWay::Of(*batch);
    let first = shop.engine.carry(of, 10, &HashSet::new()).await.unwrap().unwrap();
    assert_eq!((first.transfers, first.results.len()), (2, 2));
    let second = shop.engine.carry(of, 10, &HashSet::new()).await.unwrap().unwrap();
    assert_eq!(second.results[0].body.type_name(), "transfer.returned");
    assert_eq!(shop.engine.carry(of, 10, &HashSet::new()).await.unwrap(), None);
    assert_eq!((shop.available("m").await, shop.available("bob").await), ("70".to_owned(), "30".to_owned()));
    // Its results wait to be published, like those of any batch.
    let unpublished = shop.ledger.unpublished(&pipeline(), Duration::ZERO, 10).await.unwrap();
    assert!(unpublished.iter().any(|left| left.batch == first.batch && left.results == first.results));
    shop.audits_clean().await;
}

#[tokio::test]
async fn a_transfer_that_cannot_arrive_keeps_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let shop = Shop::open(&format!("sqlite:{}", path.display()), "Event").await;
    shop.apply(&[&purchase("a", 1, "100.00")]).await;
    let lines: Vec<String> = (0..9).map(|n| send(&format!("t{n}"), &format!("m{n}"), 5)).collect();
    shop.apply(&lines.iter().map(String::as_str).collect::<Vec<_>>()).await;
    // A constraint that our own checks know nothing of, on the lot of one of the receivers.
    let admin = rusqlite::Connection::open(&path).unwrap();
    admin
        .execute_batch(
            "create trigger picky before insert on lot
             when new.member = (select number from member where external_id = 'm4')
             begin select raise(abort, 'not this one'); end",
        )
        .unwrap();
    let (told, except) = carried(&shop, 4).await;
    assert_eq!(told, ["transfer.received"; 8]);
    assert_eq!(except.iter().map(|transfer| transfer.id.as_str()).collect::<Vec<_>>(), ["t4"]);
    shop.audits_clean().await;
    admin.execute_batch("drop trigger picky").unwrap();
    assert_eq!(carried(&shop, 4).await, (vec!["transfer.received"], HashSet::new()), "once it can arrive, it does");
    assert_eq!(shop.available("m4").await, "5");
    shop.audits_clean().await;
}
