//! The end by inactivity, as it is written.

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
    let activities = &inactivity.activities;
    if activities.is_empty() {
        let problem = "is empty, so that nothing would keep points alive; name types of events, such as `purchase`";
        faults.add(format!("{path}.activities"), problem);
    }
    if activities.len() > ACTIVITIES_MAX {
        let problem = format!("has {} types; at most {ACTIVITIES_MAX} are allowed", activities.len());
        faults.add(format!("{path}.activities"), problem);
    }
    for (index, activity) in activities.iter().enumerate() {
        let path = format!("{path}.activities[{index}]");
        let name = activity.as_str();
        let why = match name {
            "refund" | "release" => "undoes what the member did",
            "adjust" | "reinstate" | "freeze" | "unfreeze" | "erase" | "merge" => "is what somebody else did",
            _ if activities[..index].contains(activity) => {
                faults.add(path, format!("`{name}` is named before; remove it"));
                continue;
            }
            _ => continue,
        };
        faults.add(path, format!("`{name}` {why}, and keeps no points alive; remove it"));
    }
}
