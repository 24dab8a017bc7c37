//! Faults that tests inject: dying on one event, as a bug in a rule or a library would, or at the worst moment. Not compiled into
//! releases.

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

/// Aborts the process when what was due is committed and not published, if `LOYALTY_FAULT_ABORT_DUE` is set.
pub(crate) fn maybe_abort_due() {
    #[cfg(debug_assertions)]
    if std::env::var_os("LOYALTY_FAULT_ABORT_DUE").is_some() {
        std::process::abort();
    }
}
