//! What is said of members. Each is a statement of its own: it is rare, and one row is found by its key whatever the planner knows.

use super::{Batch, Write};
use crate::book::{Frozen, Standing};

pub(super) fn standing<'a>(batch: &'a Batch<'_>) -> impl Iterator<Item = Write> + use<'a> {
    batch.rows.standing.iter().map(|(member, standing)| {
        let frozen = match standing {
            Standing::Frozen(Frozen { since, reason, author }) => Some((*since, reason.clone(), author.clone())),
            Standing::Free | Standing::Erased(_) | Standing::Merged(_) => None,
        };
        let said = |which: fn(&(jiff::Timestamp, String, String)) -> &String| frozen.as_ref().map(which).cloned();
        Write {
            sql: "update member set frozen_at = $4, frozen_reason = $5, frozen_by = $6
                  where pipeline = $1 and bucket = $2 and number = $3",
            columns: vec![
                Box::new(member.bucket),
                Box::new(member.number),
                Box::new(frozen.as_ref().map(|frozen| frozen.0)),
                Box::new(said(|frozen| &frozen.1)),
                Box::new(said(|frozen| &frozen.2)),
            ],
        }
    })
}
