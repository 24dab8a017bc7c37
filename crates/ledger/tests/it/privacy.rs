//! A member's id, often a phone number, stands in the table `member` and nowhere else; what is read back has it all the same.

use std::time::Duration;

use jiff::Timestamp;

use crate::world::{World, back, bought, spend};

const MEMBER: &str = "+49-170-1234567";

/// In which tables a text stands, and how often.
pub(crate) async fn tables_with(world: &World, text: &str) -> Vec<String> {
    if world.is_postgres() { in_postgres(&world.url, text).await } else { in_sqlite(&world.url, text) }
}

async fn in_postgres(url: &str, text: &str) -> Vec<String> {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    let tables = "select tablename::text from pg_tables where schemaname = current_schema() order by 1";
    let mut found = Vec::new();
    for table in client.query(tables, &[]).await.unwrap() {
        let table: String = table.get(0);
        let count = format!("select count(*) from {table} t where position($1 in t::text) > 0");
        let rows: i64 = client.query_one(&count, &[&text]).await.unwrap().get(0);
        found.extend((rows > 0).then_some(table));
    }
    found
}

fn in_sqlite(url: &str, text: &str) -> Vec<String> {
    let connection = rusqlite::Connection::open(url.trim_start_matches("sqlite:")).unwrap();
    let mut names = connection.prepare("select name from sqlite_schema where type = 'table' order by 1").unwrap();
    let names: Vec<String> = names.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let mut found = Vec::new();
    for table in names {
        let mut rows = connection.prepare(&format!("select * from {table}")).unwrap();
        let columns = rows.column_count();
        let holds = |row: &rusqlite::Row<'_>| {
            Ok((0..columns).any(|at| row.get::<_, String>(at).is_ok_and(|value| value.contains(text))))
        };
        let any = rows.query_map([], holds).unwrap().any(|held| held.unwrap());
        found.extend(any.then_some(table));
    }
    found
}

async fn check(world: World) {
    world.one(bought("o1", MEMBER, &[40, 30])).await;
    world.one(back("r1", MEMBER, "o1", &["1"])).await;
    world.one(spend("s1", MEMBER, 1_000_000)).await;
    world.one(back("r9", MEMBER, "o9", &[])).await;
    assert_eq!(tables_with(&world, MEMBER).await, ["member"]);
    assert!(!tables_with(&world, "o1").await.is_empty(), "the search finds what is there");

    let later = Timestamp::now() + jiff::SignedDuration::from_hours(1);
    let parked = world.ledger.parked_before(&world.pipeline, later, 10).await.unwrap();
    assert_eq!(parked[0].member.as_str(), MEMBER);
    let unpublished = world.ledger.unpublished(&world.pipeline, Duration::ZERO, 10).await.unwrap();
    let results: Vec<_> = unpublished.iter().flat_map(|batch| &batch.results).collect();
    assert!(results.len() >= 2 && results.iter().all(|result| result.member.as_str() == MEMBER), "{results:?}");
    let explained =
        world.ledger.explain_event(&world.pipeline, &"o1".to_owned().try_into().unwrap(), None).await.unwrap();
    assert_eq!(explained[0].event.as_ref().unwrap().member.as_str(), MEMBER);
    assert_eq!(explained[0].results[0].member.as_str(), MEMBER);
    // A refund after the order was read back still finds its purchase, and its purchase its refund.
    world.one(bought("o9", MEMBER, &[10])).await;
    world.audits_clean().await;
}

#[tokio::test]
async fn a_members_id_stands_in_one_table_of_sqlite() {
    check(World::sqlite_file().await).await;
}

#[tokio::test]
async fn a_members_id_stands_in_one_table_of_postgres() {
    check(World::postgres().await).await;
}
