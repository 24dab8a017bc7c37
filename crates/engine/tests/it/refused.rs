//! A batch that the database refuses for its content loses only the culprit; one that it refuses for others' sake loses nothing.

use engine::EngineError;
use ledger::LedgerError;

use crate::budgets::campaign::{Campaign, buy};
use crate::shop::words;

/// A constraint that our own checks know nothing of, as a database administrator might add one.
const PICKY_SQLITE: &str = "create trigger picky before insert on inbox when new.event_id = 'o13'
     begin select raise(abort, 'not this one'); end";
const PICKY_POSTGRES: &str = "create function picky() returns trigger language plpgsql as $$
     begin raise exception 'not this one'; end $$;
     create trigger picky before insert on inbox for each row when (new.event_id = 'o13') execute function picky()";

fn lines() -> Vec<String> {
    (1..=20).map(|n| buy(&format!("o{n}"), "m", "1.00")).collect()
}

async fn halves(campaign: Campaign, picky: &str) {
    campaign.rules(&serde_json::json!([crate::shop::earn("base", "1")]), "1").await;
    campaign.tamper(picky).await;
    let lines = lines();
    let settled = words(&campaign.try_apply(&lines.iter().map(String::as_str).collect::<Vec<_>>()).await.unwrap());
    let refused: Vec<usize> = (0..20).filter(|n| settled[*n] == "LedgerRefused").collect();
    assert_eq!(refused, [12], "{settled:?}");
    assert_eq!(campaign.available("m").await, "19");
    campaign.audits_clean().await;
}

#[tokio::test]
async fn halving_finds_the_culprit_and_applies_its_neighbours_in_sqlite() {
    halves(Campaign::sqlite().await, PICKY_SQLITE).await;
}

#[tokio::test]
async fn halving_finds_the_culprit_and_applies_its_neighbours_in_postgres() {
    halves(Campaign::postgres().await, PICKY_POSTGRES).await;
}

/// A serialization failure, and a deadlock: the database chose this transaction, and nothing is wrong with its content. Each is raised twice.
#[tokio::test]
async fn what_the_database_gives_up_for_others_is_done_again_and_once() {
    for code in ["40001", "40P01"] {
        let campaign = Campaign::postgres().await;
        campaign.rules(&serde_json::json!([crate::shop::earn("base", "1")]), "1").await;
        let unlucky = format!(
            "create sequence raised; create function unlucky() returns trigger language plpgsql as $$
             begin if nextval('raised') <= 2 then raise exception 'chosen' using errcode = '{code}'; end if; return new; end $$;
             create trigger unlucky before insert on posting for each statement execute function unlucky()"
        );
        campaign.tamper(&unlucky).await;
        let lines = lines();
        let batch: Vec<&str> = lines.iter().map(String::as_str).collect();
        let mut lost = 0;
        let settled = loop {
            match campaign.try_apply(&batch).await {
                Ok(settled) => break words(&settled),
                Err(EngineError::Ledger(LedgerError::Away { .. })) => lost += 1,
                Err(error) => panic!("{code}: {error:?}"),
            }
        };
        assert!(lost <= 2, "{code}: {lost}");
        assert_eq!(settled, ["Applied 1"; 20], "{code}");
        assert_eq!(campaign.available("m").await, "20");
        campaign.audits_clean().await;
    }
}
