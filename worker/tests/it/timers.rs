//! What is due for a member comes without an event of theirs, and behind the queues.

use std::collections::BTreeMap;
use std::time::Duration;

use contract::EventType;
use contract::config::WorkerConfig;
use contract::pipeline::Clock;
use contract::program::{Program, Rule};
use contract::ruleset::Ruleset;
use jiff::Timestamp;
use ledger::Since;
use serde_json::{Value, json};

use crate::process::Worker;
use crate::stage::{Stage, Store, bytes, config, login, until, variable};

/// Points can be spent a day after they were earned.
fn waiting() -> Value {
    json!({ "name": "points", "pending": { "for": "1d" } })
}

/// Points are gone when the day after the one on which they were earned has ended.
fn ending() -> Value {
    json!({ "name": "points", "expiry": { "after": "1d" } })
}

pub(crate) fn wall() -> WorkerConfig {
    let mut config = config();
    config.events.clock = Clock::Wall;
    config
}

/// One point a dollar into this wallet.
pub(crate) async fn stage(store: Store, wallet: Value, config: WorkerConfig) -> Stage {
    let stage = Stage::without_rules(store, config).await;
    let program: Program = serde_json::from_value(json!({ "currency": "USD", "wallets": [wallet] })).unwrap();
    let earn = json!({ "wallet": "points", "per": { "amount": "1.00", "points": "1" } });
    let rules: Vec<Rule> = serde_json::from_value(json!([{ "name": "base", "on": "purchase", "earn": earn }])).unwrap();
    let since = Since { valid_from: None, author: "test".into() };
    stage.ledger.append_timeline(stage.pipeline(), &Ruleset::new(&program, &rules), &since).await.unwrap();
    stage
}

/// In whole seconds: a ledger keeps microseconds.
pub(crate) fn hours_ago(hours: u64) -> Timestamp {
    let then = Timestamp::now().checked_sub(Duration::from_hours(hours)).unwrap();
    Timestamp::from_second(then.as_second()).unwrap()
}

/// Ten dollars.
pub(crate) fn purchase(member: &str, at: Timestamp) -> String {
    let id = format!("purchase-{member}");
    let event =
        json!({ "id": id, "type": "purchase", "occurredAt": at, "member": member, "order": id, "amount": "10.00" });
    event.to_string()
}

/// Members who bought at one time.
fn purchases(prefix: &str, count: usize, at: Timestamp) -> Vec<String> {
    (0..count).map(|n| purchase(&format!("{prefix}{n}"), at)).collect()
}

/// Decided by an engine, without a worker: nothing of it is published.
pub(crate) async fn decided(stage: &Stage, lines: &[String]) {
    let limits = contract::intake::TimeLimits::new(&stage.config.events);
    let engine = engine::Engine::open(stage.pipeline().clone(), stage.ledger.clone(), limits).await.unwrap();
    let intake = contract::intake::Intake::new(&stage.config.events, stage.config.currency);
    let events: Vec<_> = lines.iter().map(|line| intake.decode_unrouted(line.as_bytes()).unwrap()).collect();
    engine.apply(&events, &[], Timestamp::now()).await.unwrap();
}

async fn settled(worker: &Worker) -> i64 {
    worker.metric("loyalty_due_settled_total").await.unwrap_or_default()
}

/// How often each type of result stands there, under ids of its own, without `loyalty.dev/` or the like.
fn by_type(results: &BTreeMap<String, Value>) -> BTreeMap<&str, usize> {
    let mut types = BTreeMap::new();
    for result in results.values() {
        *types.entry(result["type"].as_str().unwrap()).or_default() += 1;
    }
    types
}

/// Of one type, by what it ends with.
pub(crate) fn count(results: &BTreeMap<String, Value>, type_: &str) -> usize {
    by_type(results).into_iter().filter(|(name, _)| name.ends_with(type_)).map(|(_, count)| count).sum()
}

async fn points_come_without_another_event(store: Store) {
    let stage = stage(store, waiting(), wall()).await;
    let (long_ago, lately) = (hours_ago(30), hours_ago(10));
    let mut lines = purchases("old", 5, long_ago);
    lines.extend(purchases("new", 3, lately));
    stage.publish("purchase.web", bytes(&lines)).await;
    let worker = stage.worker();
    until("the old ones are settled", async || settled(&worker).await == 5).await;
    until("nothing is due any more", async || worker.metric("loyalty_due_age_seconds").await == Some(0)).await;
    stage.audits_clean().await;
    assert_eq!(stage.available().await, 50, "the new ones still wait");
    let results = stage.results().await;
    assert_eq!(count(&results, "points.activated"), 5, "{results:?}");
    assert_eq!(count(&results, "points.earned"), 8, "{results:?}");
    let due = long_ago.checked_add(Duration::from_hours(24)).unwrap();
    for result in results.values().filter(|result| result["type"].as_str().unwrap().ends_with("points.activated")) {
        assert_eq!(result["time"], due.to_string(), "effective when it was due");
    }
    stage.end().await;
}

async fn a_hold_ends_without_another_event(store: Store) {
    let mut config = wall();
    config.events.sources[0].types.push(EventType::parse("hold").unwrap());
    let stage = stage(store, json!({ "name": "points" }), config).await;
    let hold = json!({
        "id": "hold-ann", "type": "hold", "occurredAt": hours_ago(2), "member": "ann",
        "hold": "h1", "points": "4", "expiresAt": hours_ago(1),
    });
    stage.publish("purchase.web", bytes(&[purchase("ann", hours_ago(3)), hold.to_string()])).await;
    let worker = stage.worker();
    until("the hold has ended", async || settled(&worker).await == 1).await;
    until("nothing is due any more", async || worker.metric("loyalty_due_age_seconds").await == Some(0)).await;
    stage.audits_clean().await;
    assert_eq!(stage.available().await, 10, "all can be spent again");
    let results = stage.results().await;
    assert_eq!(count(&results, "hold.accepted"), 1, "{results:?}");
    assert_eq!(count(&results, "hold.expired"), 1, "{results:?}");
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_ends_without_another_event_on_sqlite() {
    a_hold_ends_without_another_event(Store::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_ends_without_another_event_on_postgres() {
    a_hold_ends_without_another_event(Store::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn points_come_without_another_event_on_sqlite() {
    points_come_without_another_event(Store::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn points_come_without_another_event_on_postgres() {
    points_come_without_another_event(Store::Postgres).await;
}

/// A redemption that happened before the points ended stands at the end of a backlog: it finds them alive only if nobody has posted
/// their end before.
async fn events_of_a_backlog_come_before_what_is_due(store: Store) {
    let mut config = wall();
    config.events.sources[1].lane = contract::pipeline::Lane::Main;
    let stage = stage(store, ending(), config).await;
    let bought = hours_ago(5 * 24);
    decided(&stage, &[purchase("ann", bought), purchase("bob", bought)]).await;
    let at = bought.checked_add(Duration::from_hours(1)).unwrap();
    let redeem = json!({ "id": "r", "type": "redeem", "occurredAt": at, "member": "ann", "points": "4" }).to_string();
    stage.publish("purchase.web", bytes(&purchases("m", 3000, hours_ago(1)))).await;
    stage.publish("redeem.web", [redeem.as_bytes()]).await;
    let worker = stage.worker();
    until("what is due is settled", async || settled(&worker).await == 2).await;
    stage.drained(&worker).await;
    stage.audits_clean().await;
    let results = stage.results().await;
    assert_eq!(count(&results, "redemption.accepted"), 1, "{:?}", by_type(&results));
    assert_eq!(count(&results, "points.expired"), 2, "{:?}", by_type(&results));
    let expired: Vec<&str> = results
        .values()
        .filter(|result| result["type"].as_str().unwrap().ends_with("points.expired"))
        .map(|result| result["data"]["points"].as_str().unwrap())
        .collect();
    assert!(expired.contains(&"6") && expired.contains(&"10"), "ann had spent 4 of hers: {expired:?}");
    assert_eq!(stage.available().await, 30_000);
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_of_a_backlog_come_before_what_is_due_on_sqlite() {
    events_of_a_backlog_come_before_what_is_due(Store::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_of_a_backlog_come_before_what_is_due_on_postgres() {
    events_of_a_backlog_come_before_what_is_due(Store::Postgres).await;
}

/// All that a member has is about to end, and an activity that would keep it stands at the end of a backlog.
async fn an_activity_of_a_backlog_comes_before_the_end_by_inactivity(store: Store) {
    let inactivity = json!({ "after": "3d", "activities": ["purchase"] });
    let wallet = json!({ "name": "points", "expiry": { "inactivity": inactivity } });
    let stage = stage(store, wallet, wall()).await;
    decided(&stage, &[purchase("ann", hours_ago(7 * 24)), purchase("bob", hours_ago(7 * 24))]).await;
    stage.publish("purchase.web", bytes(&purchases("m", 3000, hours_ago(1)))).await;
    let again = purchase("ann", hours_ago(4 * 24)).replace("purchase-ann", "again-ann");
    stage.publish("purchase.web", [again.as_bytes()]).await;
    stage
        .publish("purchase.web", [purchase("ann", hours_ago(2 * 24)).replace("purchase-ann", "last-ann").as_bytes()])
        .await;
    let worker = stage.worker();
    until("what is due is settled", async || settled(&worker).await == 1).await;
    stage.drained(&worker).await;
    stage.audits_clean().await;
    let results = stage.results().await;
    assert_eq!(count(&results, "points.expired"), 1, "bob's: {:?}", by_type(&results));
    assert_eq!(stage.available().await, 30_000 + 30, "ann has all of hers");
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_activity_of_a_backlog_comes_before_the_end_by_inactivity_on_sqlite() {
    an_activity_of_a_backlog_comes_before_the_end_by_inactivity(Store::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_activity_of_a_backlog_comes_before_the_end_by_inactivity_on_postgres() {
    an_activity_of_a_backlog_comes_before_the_end_by_inactivity(Store::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_settled_for_as_long_as_a_message_waits() {
    let stage = stage(Store::Postgres, waiting(), wall()).await;
    decided(&stage, &[purchase("ann", hours_ago(30)), purchase("bob", hours_ago(1))]).await;
    // The first batch waits for this member, so that the queue keeps what is beyond the prefetch.
    let holding = stage.admin().await;
    holding.batch_execute("begin; select 1 from member where external_id = 'bob' for update").await.unwrap();
    let again = purchase("bob", hours_ago(1)).replace("purchase-bob", "again-bob");
    stage.publish("purchase.web", [again.as_bytes()]).await;
    stage.publish("purchase.web", bytes(&purchases("m", 2000, hours_ago(1)))).await;
    let worker = stage.worker();
    until("a full prefetch is held up", async || worker.in_flight().await == Some(1500)).await;
    until("it is seen that something is due", async || worker.metric("loyalty_due_age_seconds").await > Some(0)).await;
    // Nothing can be waited for where nothing shall happen: longer than a delivery may be in flight, and two looks more.
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert_eq!(settled(&worker).await, 0, "the queue's events come first");
    assert_eq!(stage.available().await, 0);
    holding.batch_execute("rollback").await.unwrap();
    until("it is settled", async || settled(&worker).await == 1).await;
    assert_eq!(stage.available().await, 10);
    stage.drained(&worker).await;
    stage.audits_clean().await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_two_workers_settles_what_is_due() {
    let stage = stage(Store::Postgres, waiting(), wall()).await;
    decided(&stage, &purchases("m", 250, hours_ago(30))).await;
    let (one, other) = (stage.worker(), stage.worker());
    one.ready().await;
    other.ready().await;
    until("all is settled", async || settled(&one).await + settled(&other).await == 250).await;
    let (one, other) = (settled(&one).await, settled(&other).await);
    assert_eq!(one.min(other), 0, "only the holder of the lease does it: {one} and {other}");
    stage.audits_clean().await;
    assert_eq!(stage.available().await, 2500);
    assert_eq!(count(&stage.results().await, "points.activated"), 250);
    stage.end().await;
}

async fn results_of_a_worker_that_died_are_published_by_another(store: Store) {
    let stage = stage(store, waiting(), wall()).await;
    decided(&stage, &purchases("m", 20, hours_ago(30))).await;
    let mut dying = Worker::start(&stage, &[("LOYALTY_FAULT_ABORT_DUE", "1")]);
    assert!(!dying.ended().await.success(), "it dies between commit and publication");
    assert_eq!(stage.available().await, 200, "it was committed");
    assert_eq!(count(&stage.results().await, "points.activated"), 0, "and not published");
    let worker = stage.worker();
    stage.audits_clean().await;
    assert_eq!(settled(&worker).await, 0, "nothing was left to settle");
    assert_eq!(count(&stage.results().await, "points.activated"), 20);
    assert_eq!(stage.available().await, 200);
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn results_of_a_worker_that_died_are_published_by_another_on_sqlite() {
    results_of_a_worker_that_died_are_published_by_another(Store::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn results_of_a_worker_that_died_are_published_by_another_on_postgres() {
    results_of_a_worker_that_died_are_published_by_another(Store::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_history_has_no_timers() {
    let (today, history) =
        (stage(Store::Sqlite, waiting(), wall()).await, stage(Store::Sqlite, waiting(), config()).await);
    for stage in [&today, &history] {
        decided(stage, &purchases("m", 3, hours_ago(30))).await;
    }
    let (worker, other) = (today.worker(), history.worker());
    other.ready().await;
    until("what is due is settled", async || settled(&worker).await == 3).await;
    assert_eq!(settled(&other).await, 0, "it follows the events' own time");
    assert_eq!((today.available().await, history.available().await), (30, 0));
    today.end().await;
    history.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_ledger_refuses_of_one_member_is_told_and_stops_nobody_else() {
    let stage = stage(Store::Postgres, waiting(), wall()).await;
    decided(&stage, &[purchase("bad", hours_ago(40))]).await;
    decided(&stage, &purchases("m", 30, hours_ago(30))).await;
    let admin = stage.admin().await;
    let picky = "create function picky() returns trigger language plpgsql as $$ begin
           if new.member = (select number from member where external_id = 'bad' and bucket = new.bucket)
           then raise check_violation using message = 'not this one'; end if; return new; end $$;
         create trigger picky before update on lot for each row execute function picky()";
    admin.batch_execute(picky).await.unwrap();
    let worker = stage.worker();
    until("the others are settled", async || settled(&worker).await == 30).await;
    until("it is told", async || worker.metric("loyalty_due_refused").await == Some(1)).await;
    assert!(worker.metric("loyalty_due_age_seconds").await > Some(3600), "it is still due");
    assert_eq!(worker.get("/readyz").await.map(|(status, _)| status), Some(200), "it holds up no event");
    let log = std::fs::read_to_string(&worker.log).unwrap();
    assert_eq!(log.matches("passed over").count(), 1, "{log}");
    assert_eq!(stage.available().await, 300);
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rights_on_its_own_objects_are_enough() {
    let stage = stage(Store::Sqlite, waiting(), wall()).await;
    decided(&stage, &purchases("m", 3, hours_ago(30))).await;
    let user = User::of(&stage).await;
    let worker = Worker::start_with(&stage, &[], &user.url, &stage.ledger_url);
    until("what is due is settled", async || settled(&worker).await == 3).await;
    assert_eq!(count(&stage.results().await, "points.activated"), 3);
    user.remove().await;
    stage.end().await;
}

/// Somebody who may read the pipeline's queues and write to its exchanges, and declare nothing.
struct User {
    name: String,
    url: String,
}

impl User {
    async fn of(stage: &Stage) -> Self {
        let name = crate::stage::unique();
        let vhost = stage.settings.vhost();
        let rights = json!({ "configure": "^$", "write": "^shop\\.", "read": "^shop\\.(main|express)$" });
        put(&format!("users/{name}"), json!({ "password": "secret", "tags": "" })).await;
        put(&format!("permissions/{vhost}/{name}"), rights).await;
        Self { url: login(&stage.settings.secret_url(), &name, "secret"), name }
    }

    async fn remove(self) {
        let (url, user, password) = management(&format!("users/{}", self.name));
        let answer = reqwest::Client::new().delete(url).basic_auth(user, Some(password)).send().await.unwrap();
        assert!(answer.status().is_success(), "{answer:?}");
    }
}

async fn put(path: &str, body: Value) {
    let (url, user, password) = management(path);
    let client = reqwest::Client::new();
    let answer = client.put(url).basic_auth(user, Some(password)).body(body.to_string()).send().await.unwrap();
    assert!(answer.status().is_success(), "{answer:?}");
}

/// Where a part of the management API is, and the tests' own login.
fn management(path: &str) -> (String, String, String) {
    let amqp = variable("AMQP_URL");
    let (_, rest) = amqp.split_once("://").unwrap();
    let (user, password) =
        rest.split_once('@').and_then(|(login, _)| login.split_once(':')).unwrap_or(("guest", "guest"));
    let base = variable("MANAGEMENT_URL");
    let (scheme, rest) = base.split_once("://").unwrap();
    // The login may stand there as well.
    let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place).trim_end_matches('/');
    (format!("{scheme}://{place}/api/{path}"), user.to_owned(), password.to_owned())
}
