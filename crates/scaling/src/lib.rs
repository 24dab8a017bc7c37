//! What is seen of one pipeline's queues, turned into a number of workers, with the reason.
//!
//! Pure: it is told the time and the numbers, and answers with a [`Decision`]; it asks no broker and changes no
//! cluster. A [`Scaler`] is the memory of one pipeline. It can be lost at any time: a new one keeps the number
//! that it finds until it has measured for itself.
//!
//! The number, and what it is made of (`docs/scaling.md` has the long form):
//!
//! ```text
//! N = ceil( lambda / (rho * mu) + max(0, backlog - mu * N_ready * d) / (mu * T) )
//! ```
//!
//! `lambda` is the arrival rate, `mu` what one busy worker acknowledges a second, `rho` how busy workers shall be,
//! `d` how long a worker takes to start and `T` the target `drainWithin`. The formula is a queue in balance (each
//! worker busy for a share `rho` of its time) plus the workers that empty the backlog within `T`.
//!
//! Beside the queues one thing asks for a worker: what is due for members without events, when nobody is there to settle it.
//!
//! What is missing is unknown, and never nought: a number that is not known can keep workers, or add some by what
//! is known besides, but it never takes one away, unless nothing but the depth is known and nothing waited for minutes.

mod capacity;
mod decision;
mod drain;
mod flow;
mod need;
mod number;
mod saturation;
mod scaler;
mod settle;
mod signals;
mod silence;
mod stall;
mod start;
mod ticks;
mod wake;
mod words;

pub use decision::{Decision, Drain, LimitedBy};
pub use need::TARGET_LOAD;
pub use scaler::Scaler;
pub use settle::{QUIET_FOR, SETTLE_FOR};
pub use signals::{Counter, Due, Signals, Target};
pub use silence::SILENT_FOR;
pub use stall::STALL_AFTER;
pub use wake::{GIVE_UP_AFTER, LOOK_FOR};
