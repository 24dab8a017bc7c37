//! Events and results as they are stored: without the member's id. It is often a phone number, and stands in the table `member`
//! alone, so that erasing it there erases it everywhere.

use contract::MemberId;
use contract::event::Event;
use contract::result::{ResultBody, ResultEvent};

use crate::error::LedgerError;
use crate::sql;

/// Stands where the member's id was.
const NOBODY: &str = "-";

fn nobody() -> Result<MemberId, LedgerError> {
    MemberId::parse(NOBODY).map_err(|e| LedgerError::unreadable("what is to be written", e))
}

fn write<T: serde::Serialize>(value: &T) -> Result<String, LedgerError> {
    serde_json::to_string(value).map_err(|e| LedgerError::unreadable("what is to be written", e))
}

/// An event, to be written.
pub(crate) fn event_text(event: &Event) -> Result<String, LedgerError> {
    write(&Event { member: nobody()?, ..event.clone() })
}

/// Results, to be written.
pub(crate) fn results_text(mut results: Vec<ResultEvent>) -> Result<String, LedgerError> {
    for result in &mut results {
        result.member = nobody()?;
        if let ResultBody::Merged { into, .. } = &mut result.body {
            *into = nobody()?;
        }
    }
    write(&results)
}

/// A stored event of this member.
pub(crate) fn event(what: &str, text: &str, member: &MemberId) -> Result<Event, LedgerError> {
    let event: Event = sql::json(what, text)?;
    Ok(Event { member: member.clone(), ..event })
}

/// Stored results of this member.
pub(crate) fn results(what: &str, text: &str, member: &MemberId) -> Result<Vec<ResultEvent>, LedgerError> {
    let results: Vec<ResultEvent> = sql::json(what, text)?;
    Ok(results.into_iter().map(|result| ResultEvent { member: member.clone(), ..result }).collect())
}

/// Puts in who a member is by now, where results say that they were merged.
pub(crate) fn merged(mut results: Vec<ResultEvent>, who: Option<&MemberId>) -> Vec<ResultEvent> {
    for result in &mut results {
        if let (ResultBody::Merged { into, .. }, Some(who)) = (&mut result.body, who) {
            *into = who.clone();
        }
    }
    results
}
