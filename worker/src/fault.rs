//! A fault that tests inject: dying on one event, as a bug in a rule or a library would. Not compiled into releases.

use contract::event::Event;

/// Aborts the process when the event named by `LOYALTY_FAULT_ABORT_ON` is about to be decided.
pub(crate) fn maybe_abort(events: &[Event]) {
    #[cfg(debug_assertions)]
    if let Ok(id) = std::env::var("LOYALTY_FAULT_ABORT_ON")
        && events.iter().any(|event| event.id.as_str() == id)
    {
        std::process::abort();
    }
    #[cfg(not(debug_assertions))]
    let _ = events;
}
