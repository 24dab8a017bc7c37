//! Which objects several pipelines want for themselves.

use std::collections::{BTreeMap, HashMap};

use contract::broker_object::Desired;

/// `queue NAME` or `exchange NAME` of those that one pipeline declares, with all others who declare it too, in the order of
/// the claims. An exchange that is only used (`declare: false`) is no claim.
///
/// Linear in the others' objects: with many pipelines each is compared with all.
pub fn contested<'a>(
    ours: &Desired,
    others: impl Iterator<Item = (&'a str, &'a Desired)>,
) -> BTreeMap<String, Vec<String>> {
    let mut claimed: HashMap<(&str, &str), Vec<&str>> = objects(ours).map(|object| (object, Vec::new())).collect();
    for (owner, wanted) in others {
        for object in objects(wanted) {
            if let Some(owners) = claimed.get_mut(&object) {
                owners.push(owner);
            }
        }
    }
    claimed.retain(|_, owners| !owners.is_empty());
    let named = |((kind, name), owners): ((&str, &str), Vec<&str>)| {
        (format!("{kind} {name}"), owners.into_iter().map(str::to_owned).collect())
    };
    claimed.into_iter().map(named).collect()
}

fn objects(desired: &Desired) -> impl Iterator<Item = (&str, &str)> {
    let exchanges = desired.exchanges.iter().map(|exchange| ("exchange", exchange.name.as_str()));
    let queues = desired.queues.iter().map(|queue| ("queue", queue.name.as_str()));
    exchanges.chain(queues)
}
