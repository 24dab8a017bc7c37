//! The ledgers of all pipelines: whether they answer, which version their tables have, which rules they know.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use api::Reason;
use contract::ruleset::RulesetHash;
use jiff::Timestamp;
use ledger::{Ledger, LedgerError, Since};

use crate::brokers::UNUSED_MAX;
use crate::children::AUTHOR;
use crate::walk::nouns::{Key, SeenLedger, Trouble, Valid};

/// Tables do not change their version by themselves.
const CHECKED_AGAIN: Duration = Duration::from_mins(1);

/// Longest wait for an answer: a reconcile must not hang on a database.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// The ledgers of this process, by their URL.
#[derive(Default)]
pub(crate) struct Ledgers {
    open: Mutex<HashMap<String, Open>>,
    /// Whose points a database holds under a name: two pipelines of one name must not share it.
    claims: Mutex<HashMap<(String, String), Key>>,
}

struct Open {
    ledger: Arc<dyn Ledger>,
    used: Instant,
    fine_since: Option<Instant>,
    /// The rules that each pipeline's timeline ends with, and since when they were asked to hold.
    rules: HashMap<Key, (RulesetHash, Option<Timestamp>)>,
}

impl Ledgers {
    /// How the ledger of a pipeline stands. `exists` says whether another claimant is still there.
    pub(crate) async fn see(&self, url: &str, valid: &Valid, exists: impl Fn(&Key) -> bool) -> SeenLedger {
        match self.look(url, valid, &exists).await {
            Ok(SeenLedger::Ready { .. }) if let Some(other) = self.claim(url, valid, &exists) => {
                SeenLedger::Trouble(taken(&other, valid))
            }
            Ok(seen) => seen,
            Err(error) => of_error(&error),
        }
    }

    async fn look(&self, url: &str, valid: &Valid, exists: &impl Fn(&Key) -> bool) -> Result<SeenLedger, LedgerError> {
        let (ledger, fine_since) = self.open(url)?;
        if fine_since.is_none_or(|since| since.elapsed() > CHECKED_AGAIN) {
            let checked = within(ledger.as_ref(), ledger.check_version()).await;
            // A database may have been restored meanwhile: what its timeline ends with is asked again too.
            self.note(url, |open| {
                open.fine_since = checked.is_ok().then(Instant::now);
                open.rules.clear();
            });
            checked?;
        }
        let wanted = (valid.ruleset.hash(), valid.spec.program.valid_from);
        let known = || self.lock().get(url).and_then(|open| open.rules.get(&valid.key).cloned());
        if known().is_none() {
            let timeline = within(ledger.as_ref(), ledger.timeline(&valid.name)).await?;
            // The first line holds from the beginning, whatever was asked for.
            let first = timeline.len() == 1;
            if let Some(last) = timeline.last() {
                match owner_of(&last.author) {
                    Some(owner) if owner == valid.key => self.give(url, valid),
                    Some(other) if exists(&other) => return Ok(SeenLedger::Trouble(taken(&other, valid))),
                    _ => {}
                }
                let since = if first { wanted.1 } else { last.valid_from.filter(|_| wanted.1.is_some()) };
                self.note(url, |open| drop(open.rules.insert(valid.key.clone(), (last.hash.clone(), since))));
            }
        }
        let knows_rules = known() == Some(wanted);
        Ok(SeenLedger::Ready { ledger, url: url.to_owned(), knows_rules })
    }

    /// Appends the rules to the timeline.
    pub(crate) async fn append(&self, ledger: &dyn Ledger, url: &str, valid: &Valid) -> Result<(), Trouble> {
        let since = Since { valid_from: valid.spec.program.valid_from, author: author(&valid.key) };
        let appended = within(ledger, ledger.append_timeline(&valid.name, &valid.ruleset, &since)).await;
        match appended {
            Ok(_) => {
                let known = (valid.ruleset.hash(), valid.spec.program.valid_from);
                self.note(url, |open| drop(open.rules.insert(valid.key.clone(), known)));
                Ok(())
            }
            Err(error) => match of_error(&error) {
                SeenLedger::Trouble(trouble) => Err(trouble),
                _ => Err(Trouble::new(Reason::LedgerRefused, host::chain(&error))),
            },
        }
    }

    /// A pipeline is gone.
    pub(crate) fn forget(&self, key: &Key) {
        self.claims.lock().unwrap_or_else(PoisonError::into_inner).retain(|_, of| of != key);
        for open in self.lock().values_mut() {
            open.rules.remove(key);
        }
    }

    /// Forgets URLs that no walk has asked for in a while: of passwords that were changed, of pipelines that are gone.
    pub(crate) fn forget_unused(&self) {
        self.lock().retain(|_, open| open.used.elapsed() < UNUSED_MAX);
    }

    /// What the timeline says is so, whoever asked first.
    fn give(&self, url: &str, valid: &Valid) {
        let mut claims = self.claims.lock().unwrap_or_else(PoisonError::into_inner);
        claims.insert((tables_of(url), valid.name.to_string()), valid.key.clone());
    }

    /// Who else keeps points in this database under the same name; else it is this pipeline's from now on.
    fn claim(&self, url: &str, valid: &Valid, exists: &impl Fn(&Key) -> bool) -> Option<Key> {
        let mut claims = self.claims.lock().unwrap_or_else(PoisonError::into_inner);
        let at = (tables_of(url), valid.name.to_string());
        claims.retain(|other, of| *of != valid.key || *other == at);
        match claims.get(&at) {
            Some(other) if *other != valid.key && exists(other) => Some(other.clone()),
            _ => {
                claims.insert(at, valid.key.clone());
                None
            }
        }
    }

    fn open(&self, url: &str) -> Result<(Arc<dyn Ledger>, Option<Instant>), LedgerError> {
        let (mut open, used) = (self.lock(), Instant::now());
        if let Some(open) = open.get_mut(url) {
            open.used = used;
            return Ok((open.ledger.clone(), open.fine_since));
        }
        let ledger = ledger::open(url)?;
        open.insert(url.to_owned(), Open { ledger: ledger.clone(), used, fine_since: None, rules: HashMap::new() });
        Ok((ledger, None))
    }

    fn note(&self, url: &str, note: impl FnOnce(&mut Open)) {
        if let Some(open) = self.lock().get_mut(url) {
            note(open);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who the timeline names: after a restart it tells whose the points are.
fn author(key: &Key) -> String {
    format!("{AUTHOR} {key}")
}

fn owner_of(author: &str) -> Option<Key> {
    let (namespace, name) = author.strip_prefix(AUTHOR)?.trim().split_once('/')?;
    Some(Key { namespace: namespace.to_owned(), name: name.to_owned() })
}

fn taken(other: &Key, valid: &Valid) -> Trouble {
    let name = &valid.name;
    let advice = "give one of them another name or another database";
    let message = format!("pipeline `{other}` keeps its points in this database under the name `{name}`; {advice}");
    Trouble::new(Reason::Conflict, message)
}

/// The URL without login: the same tables, whoever asks. Of the options only those count that may name another schema.
fn tables_of(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let (place, options) = rest.split_once('?').unwrap_or((rest, ""));
    let place = place.rsplit_once('@').map_or(place, |(_, place)| place);
    let schema = options.split('&').find(|option| option.starts_with("options=")).unwrap_or_default();
    format!("{place}?{schema}")
}

async fn within<T>(
    ledger: &dyn Ledger,
    answer: impl Future<Output = Result<T, LedgerError>>,
) -> Result<T, LedgerError> {
    tokio::time::timeout(ANSWER_MAX, answer).await.unwrap_or_else(|_| {
        let source = format!("no answer within {} s", ANSWER_MAX.as_secs()).into();
        Err(LedgerError::Away { object: ledger.address().to_owned(), source })
    })
}

fn of_error(error: &LedgerError) -> SeenLedger {
    let reason = match error {
        LedgerError::WrongVersion { stands, needed, .. } if stands < needed => {
            return SeenLedger::Behind { stands: *stands, needed: *needed };
        }
        LedgerError::Away { .. } | LedgerError::Full { .. } => Reason::LedgerUnreachable,
        LedgerError::Incompatible { .. } => Reason::RulesRefused,
        _ => Reason::LedgerRefused,
    };
    SeenLedger::Trouble(Trouble::new(reason, host::chain(error)))
}

#[cfg(test)]
mod tests {
    use super::tables_of;

    #[test]
    fn one_database_is_one_whoever_asks_and_each_schema_has_tables_of_its_own() {
        let tables = tables_of("postgres://a:b@db:5432/shop?sslmode=require");
        assert_eq!(tables, tables_of("postgresql://other:p%40ss@db:5432/shop"));
        assert_ne!(tables, tables_of("postgres://a:b@db:5432/other"));
        assert_ne!(tables, tables_of("postgres://a:b@db:5432/shop?sslmode=require&options=-c%20search_path%3Dtea"));
    }
}
