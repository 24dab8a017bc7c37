//! From a resource to a cluster and a broker that look like it: validate, observe, plan, apply, report.

mod apply;
mod depart;
pub(crate) mod nouns;
mod observe;
mod plan;
mod reconcile;
mod report;
mod validate;

pub(crate) use depart::GIVEN_UP_AFTER;
pub(crate) use reconcile::{reconcile, retry};
pub(crate) use report::{News, tell};
