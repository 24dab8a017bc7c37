//! The tour that `cargo xtask up` takes: the purchases of the CDNOW sample with the trouble that real purchases have, and what must
//! come out of it. Pure; nothing here publishes.

mod expected;
mod messages;
mod purchases;

pub use expected::Expected;
pub use messages::{EXCHANGE, Message, REFUND_EVERY, TWICE_EVERY, Tour};
pub use purchases::{Purchase, SampleError, read, to_json_lines};
