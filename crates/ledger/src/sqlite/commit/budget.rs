//! What a batch takes out of budgets, after all else: the same as `PostgreSQL` does, where nobody else writes meanwhile.

use rusqlite::{OptionalExtension, params};

use super::Commit;
use crate::budget::{SLICE_PART, SLICES_MAX, Taking};

/// What the slices of a budget hold.
struct Slices {
    own_granted: i64,
    own_used: i64,
    /// Granted to others.
    others: i64,
    count: i64,
}

impl Commit<'_> {
    /// `false`: something is not as the batch found it; nothing of it may stand.
    pub(super) fn take(&self, takings: &[Taking]) -> rusqlite::Result<bool> {
        for taking in takings {
            let taken = match taking.epoch {
                Some(epoch) => self.take_of_slice(taking, epoch)?,
                None => self.take_of_pool(taking)?,
            };
            if !taken {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn take_of_slice(&self, taking: &Taking, epoch: i64) -> rusqlite::Result<bool> {
        let changed = self
            .prepare(
                "update slice set used = used + ?4
                 where pipeline = ?1 and budget = ?2 and owner = ?3 and epoch = ?5 and used + ?4 <= granted",
            )?
            .execute(params![self.pipeline.as_str(), taking.name.as_str(), self.owner, taking.points, epoch])?;
        Ok(changed == 1)
    }

    fn take_of_pool(&self, taking: &Taking) -> rusqlite::Result<bool> {
        let (pipeline, name) = (self.pipeline.as_str(), taking.name.as_str());
        let (epoch, mut pool_used): (i64, i64) = self
            .prepare(
                "insert into budget (pipeline, name, wallet, allowed, epoch, granted, used) values (?1, ?2, ?3, ?4, 1, 0, 0)
                 on conflict (pipeline, name) do update set allowed = max(allowed, excluded.allowed), epoch = epoch + 1
                 returning epoch, used",
            )?
            .query_row(params![pipeline, name, taking.wallet.as_str(), taking.limit], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
        let mut slices = self.slices(name)?;
        // A limit may be near the largest number, and what is used below nought.
        let most = |pool_used: i64, others| taking.limit.saturating_sub(pool_used).saturating_sub(others);
        let used = slices.own_used.saturating_add(taking.points);
        let is_short = taking.points > 0 && used > most(pool_used, slices.others);
        if is_short || slices.count > SLICES_MAX {
            pool_used = self.recall(name)?;
            slices.others = 0;
        }
        let most = most(pool_used, slices.others);
        if taking.points > 0 && used > most {
            return Ok(false);
        }
        let granted = if taking.points > 0 {
            let part = used.saturating_add(most.saturating_sub(used) / SLICE_PART);
            // Where the limit was lowered below what others were granted, what may be taken is what refunds gave back.
            most.min(slices.own_granted.max(part)).max(0)
        } else {
            slices.own_granted
        };
        self.prepare(
            "insert into slice (pipeline, budget, owner, epoch, granted, used) values (?1, ?2, ?3, ?4, ?5, ?6)
             on conflict (pipeline, budget, owner) do update set granted = excluded.granted, used = excluded.used",
        )?
        .execute(params![pipeline, name, self.owner, epoch, granted, used])?;
        self.prepare("update budget set granted = ?3 where pipeline = ?1 and name = ?2")?.execute(params![
            pipeline,
            name,
            slices.others.saturating_add(granted)
        ])?;
        Ok(true)
    }

    fn slices(&self, name: &str) -> rusqlite::Result<Slices> {
        let key = params![self.pipeline.as_str(), name, self.owner];
        let own: Option<(i64, i64)> = self
            .prepare("select granted, used from slice where pipeline = ?1 and budget = ?2 and owner = ?3")?
            .query_row(key, |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let (own_granted, own_used) = own.unwrap_or_default();
        let (others, count) = self
            .prepare(
                "select coalesce(sum(granted) filter (where owner <> ?3), 0), count(*)
                 from slice where pipeline = ?1 and budget = ?2",
            )?
            .query_row(key, |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(Slices { own_granted, own_used, others, count })
    }

    /// All slices but the own one are no more; answers what is used of those that were recalled so far.
    fn recall(&self, name: &str) -> rusqlite::Result<i64> {
        let key = params![self.pipeline.as_str(), name, self.owner];
        let (used, granted): (i64, i64) = self
            .prepare(
                "select coalesce(sum(used), 0), coalesce(sum(granted), 0) from slice
                 where pipeline = ?1 and budget = ?2 and owner <> ?3",
            )?
            .query_row(key, |row| Ok((row.get(0)?, row.get(1)?)))?;
        let used = self
            .prepare(
                "update budget set used = used + ?3, granted = granted - ?4 where pipeline = ?1 and name = ?2 returning used",
            )?
            .query_row(params![self.pipeline.as_str(), name, used, granted], |row| row.get(0))?;
        self.prepare("delete from slice where pipeline = ?1 and budget = ?2 and owner <> ?3")?.execute(key)?;
        Ok(used)
    }
}
