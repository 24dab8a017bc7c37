//! The end by inactivity, as it is written.

use contract::EventType;
use contract::program::Inactivity;

use super::Of;
use crate::check::Faults;

/// Most activities of a wallet; the schema of the resource says the same.
const ACTIVITIES_MAX: usize = 32;

/// What is wrong with it.
pub(super) fn shape(path: &str, inactivity: &Inactivity, of: Of, faults: &mut Faults) {
    if of == Of::Rule {
        let problem =
            "ends all points of a wallet together; say it in the wallet, and here `after`, `onDates` or `never: true`";
        return faults.add(path, problem);
    }
    if inactivity.after.is_zero() {
        faults.add(format!("{path}.after"), "is no time at all; give at least `1d`");
    }
    let path = format!("{path}.activities");
    activities(&path, &inactivity.activities, ("nothing would keep points alive", "keeps no points alive"), faults);
}

/// What is wrong with types of events that are to be what the member did; `without` them, and of one that is none.
pub(crate) fn activities(path: &str, activities: &[EventType], (without, is_none): (&str, &str), faults: &mut Faults) {
    if activities.is_empty() {
        faults.add(path, format!("is empty, so that {without}; name types of events, such as `purchase`"));
    }
    if activities.len() > ACTIVITIES_MAX {
        faults.add(path, format!("has {} types; at most {ACTIVITIES_MAX} are allowed", activities.len()));
    }
    for (index, activity) in activities.iter().enumerate() {
        let path = format!("{path}[{index}]");
        let name = activity.as_str();
        let why = match name {
            "refund" | "release" => "undoes what the member did",
            "adjust" | "reinstate" | "promote" | "freeze" | "unfreeze" | "erase" | "merge" => {
                "is what somebody else did"
            }
            _ if activities[..index].contains(activity) => {
                faults.add(path, format!("`{name}` is named before; remove it"));
                continue;
            }
            _ => continue,
        };
        faults.add(path, format!("`{name}` {why}, and {is_none}; remove it"));
    }
}
