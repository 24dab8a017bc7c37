//! Whose fault a redelivery was. A message that was there at two deaths is decided alone, its attempt noted first; one that
//! was being decided at too many is buried. Counting deliveries would bury its healthy neighbours too.

use std::collections::HashSet;

use contract::{BuryReason, Refusal};
use engine::EngineError;
use ledger::{AttemptKey, Ledger};
use sha2::{Digest, Sha256};

use crate::amqp::Arrived;

/// Deaths of a worker at which a message must have been before it is decided alone.
const SUSPECT_DEATHS: u32 = 2;

/// The key of a message's attempts: its body, because it may be the decoder that dies of it.
pub(crate) fn key(message: &Arrived) -> AttemptKey {
    Sha256::digest(&message.body).into()
}

/// Which messages of a batch are suspect. Notes redeliveries in the ledger; noting one twice only makes it suspect earlier.
pub(crate) async fn suspects(ledger: &dyn Ledger, batch: &[Arrived]) -> Result<HashSet<u64>, EngineError> {
    let again: Vec<&Arrived> = batch.iter().filter(|message| message.redelivered).collect();
    let keys: Vec<AttemptKey> = again.iter().map(|message| key(message)).collect();
    let deaths = ledger.note_redelivered(&keys).await?;
    let suspect = |(message, deaths): (&&Arrived, u32)| (deaths >= SUSPECT_DEATHS).then_some(message.tag);
    Ok(again.iter().zip(deaths).filter_map(suspect).collect())
}

/// Notes that a suspect is about to be decided alone; `Err` inside when it has been at too many deaths already.
pub(crate) async fn attempt(
    ledger: &dyn Ledger,
    suspect: &Arrived,
    attempts: u32,
) -> Result<Result<(), Refusal>, EngineError> {
    let alone = ledger.note_attempt(key(suspect)).await?;
    let deaths = SUSPECT_DEATHS + alone - 1;
    if deaths < attempts {
        return Ok(Ok(()));
    }
    let detail =
        format!("a worker died {deaths} times while it held this message, the last {} with it alone", alone - 1);
    Ok(Err(Refusal::new(BuryReason::CrashedWorker, detail)))
}
