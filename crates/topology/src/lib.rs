//! The objects of a pipeline on the broker: what is wanted, and the steps from what stands.
//!
//! Pure: nothing here asks a broker or changes one. [`desired`] says what a pipeline wants, [`diff`]
//! compares it with what was seen, and the [`Plan`] is carried out by somebody dumb, or only printed.
//! [`removal`] is the way back.
//!
//! Who owns what: each own queue and exchange is bound to the pipeline's owner exchange, which nobody can
//! publish to, with an argument that names the owner. Such a binding is the only mark that AMQP lets a client
//! leave on an object and read again. An object belongs to one pipeline: two pipelines share a
//! source or results exchange when one declares it and the other says `declare: false`, because
//! the alternate exchange of a source names one pipeline's queue and cannot name two.

mod claim;
mod contested;
mod desired;
mod diff;
mod removal;
mod render;

pub use contested::contested;
/// The argument of a mark; its value is the owner.
pub use contract::broker_object::OWNER_ARGUMENT;
pub use desired::{Pipeline, UNROUTED_LENGTH_MAX, desired, suited};
pub use diff::{Conflict, Left, Plan, diff};
pub use removal::{Kept, Removal, removal};
pub use render::{render, render_removal};
