//! One ledger, three stores: the same histories on each, and proofs that the audit can fail.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "the whole crate is a test, its helpers too"
)]

mod agreement;
mod audit;
mod audit_carried;
mod audit_erased;
mod audit_refunds;
mod captures;
mod carrying;
mod carrying_merged;
mod conformance;
mod debt;
mod erasing;
mod errors;
mod forgetting;
mod freezing;
mod hold_audit;
mod holds;
mod idle;
mod kept;
mod liability;
mod merged_names;
mod merging;
mod migrated;
mod model;
mod partitions;
mod payments;
mod policies;
mod privacy;
mod property;
mod recall;
mod refunds;
mod reinstating;
mod rewards;
mod statement;
mod time;
mod tls;
mod told;
mod transfers;
mod waits;
mod warnings;
mod workers;
mod world;
