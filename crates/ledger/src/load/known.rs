//! What the inbox says of the events of a batch.

use std::collections::{HashMap, HashSet};

use super::merge;
use crate::book::Outcome;
use crate::error::LedgerError;
use crate::rows::Loaded;
use crate::sql;
use crate::store::{Answer, BatchId, BatchRequest, Identity, Wanted};
use crate::stored;
use crate::takes::Takes;

/// A row of the inbox for a wanted identity.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) hash: Vec<u8>,
    pub(crate) outcome: String,
    pub(crate) results: Option<String>,
    pub(crate) batch: i64,
    /// Under which its member was known first: results say it for ever.
    pub(crate) name: String,
}

/// What stands in the inbox, and what stands twice in the batch.
pub(crate) fn answers(
    wanted: &[Wanted],
    known: &HashMap<Identity, Known>,
    loaded: &Loaded,
) -> Result<Vec<Answer>, LedgerError> {
    let mut first: HashMap<&Identity, usize> = HashMap::new();
    let mut answers = Vec::with_capacity(wanted.len());
    for (at, want) in wanted.iter().enumerate() {
        let of = *first.entry(&want.identity).or_insert(at);
        answers.push(match known.get(&want.identity) {
            Some(row) => known_answer(want, (row, merge::arrived(want, known)?), loaded)?,
            None if of != at => Answer::Twin { of, same: wanted[of].hash == want.hash },
            None => Answer::Fresh,
        });
    }
    Ok(answers)
}

/// The answers to a batch that is known whole, of rows that were read without a lock; `None` where only who holds the locks can tell. `waits` says
/// that something waits for the row's order, or may wait for it under another name.
pub(crate) fn recalled(
    request: &BatchRequest,
    rows: Vec<(Identity, Known, bool)>,
) -> Result<Option<Vec<Answer>>, LedgerError> {
    let is_plain =
        |(_, known, waits): &(Identity, Known, bool)| !waits && !known.hash.is_empty() && !known.is_given_up();
    let is_merge = |want: &Wanted| matches!(want.takes, Takes::Merge { .. } | Takes::Merged);
    if !rows.iter().all(is_plain) || request.wanted.iter().any(is_merge) {
        return Ok(None);
    }
    let known = rows.into_iter().map(|(identity, known, _)| (identity, known)).collect();
    let answers = answers(&request.wanted, &known, &Loaded::default())?;
    let is_known = |answer: &Answer| matches!(answer, Answer::Replayed { .. });
    Ok(Some(answers).filter(|answers| answers.iter().all(is_known)))
}

/// Of an erased member no hash is kept: what comes under an identity of theirs, in the name of one who was erased, is a redelivery.
/// All else is told in the names in which it was told first, whoever its member is by now.
fn known_answer(
    want: &Wanted,
    (row, arrived): (&Known, Option<&Known>),
    loaded: &Loaded,
) -> Result<Answer, LedgerError> {
    let is_erased = loaded.erased.contains(&want.member);
    let same = if row.hash.is_empty() { is_erased } else { row.hash == want.hash.0 };
    if !same {
        return Ok(Answer::Clash);
    }
    let outcome = Outcome::parse(&row.outcome)
        .ok_or_else(|| LedgerError::unreadable("inbox.outcome", format!("`{}` is not known", row.outcome)))?;
    let name = if is_erased { want.member.clone() } else { sql::id("member.external_id", &row.name)? };
    let results = row.results.as_deref().map(|text| stored::results("inbox.results", text, &name)).transpose()?;
    let into = arrived.map(|row| sql::id("member.external_id", &row.name)).transpose()?;
    let results = stored::merged(results.unwrap_or_default(), into.as_ref());
    Ok(Answer::Replayed { outcome, results, batch: BatchId(row.batch) })
}

impl Known {
    fn is_given_up(&self) -> bool {
        self.outcome == Outcome::GivenUp.as_str()
    }
}

/// Of what is known, what was given up and is said again, in nothing but the same words: it came to nothing, and is decided anew, as its purchase may have
/// come since.
pub(crate) fn said_again(request: &BatchRequest, known: &mut HashMap<Identity, Known>) -> HashSet<Identity> {
    let mut again: HashSet<Identity> =
        known.iter().filter(|(_, row)| row.is_given_up()).map(|(identity, _)| identity.clone()).collect();
    for want in &request.wanted {
        if known.get(&want.identity).is_some_and(|row| row.hash != want.hash.0) {
            again.remove(&want.identity);
        }
    }
    known.retain(|identity, _| !again.contains(identity));
    again
}
