//! temp
use crate::world::{World, bought, decide, spend, back};
use ledger::{BatchWrites};
use std::time::{Instant, Duration};
async fn probe(world: World, name: &str) {
    let mut begin = Duration::ZERO; let mut post = Duration::ZERO; let mut commit = Duration::ZERO; let mut n = 0;
    for batch in 0..20 {
        let events: Vec<_> = (0..500).map(|i| { let k = batch*500+i; bought(&format!("o{k:06}"), &format!("m{}", k % 2357), &[1000, 200]) }).collect();
        n += events.len();
        let t = Instant::now();
        let request = world.request(&events);
        let decs = Instant::now();
        let (open, mut begun) = world.ledger.begin(&request).await.unwrap();
        begin += decs.elapsed();
        let t2 = Instant::now();
        let mut writes = BatchWrites::default();
        for e in &events { let st = begun.members.get_mut(&e.member).unwrap(); let d = decide(e, st).unwrap(); writes.applied.push(st.post(world.posting(e, &d)).unwrap()); }
        post += t2.elapsed() + decs.duration_since(t);
        let t3 = Instant::now();
        open.commit(writes).await.unwrap();
        commit += t3.elapsed();
    }
    let us = |d: Duration| d.as_secs_f64()*1e6 / n as f64;
    println!("{name}: per event begin {:.1}us post {:.1}us commit {:.1}us -> {:.0}/s", us(begin), us(post), us(commit), n as f64 / (begin+post+commit).as_secs_f64());
    let t = Instant::now();
    let events: Vec<_> = (0..200).map(|k| spend(&format!("s{k}"), &format!("m{k}"), 500)).collect();
    world.batch(&events).await;
    println!("200 spends {:?}", t.elapsed());
    let t = Instant::now();
    let events: Vec<_> = (0..200).map(|k| back(&format!("r{k}"), &format!("m{k}"), &format!("o{k:06}"), &[])).collect();
    world.batch(&events).await;
    println!("200 refunds {:?}", t.elapsed());
    let t = Instant::now();
    assert!(world.differences().await.is_empty());
    println!("audit {:?}", t.elapsed());
}
#[tokio::test] #[ignore] async fn probe_pg() { probe(World::postgres().await, "pg").await; }
#[tokio::test] #[ignore] async fn probe_sqlite() { probe(World::sqlite_file().await, "sqlite").await; }
#[tokio::test] #[ignore] async fn probe_memory() { probe(World::sqlite_memory().await, "memory").await; }
