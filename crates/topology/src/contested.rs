//! Which objects several pipelines want for themselves.

use std::collections::BTreeMap;

use contract::broker_object::Desired;

/// `queue NAME` or `exchange NAME`, with all who declare it, where that is more than one; in the order of the claims. An exchange
/// that is only used (`declare: false`) is no claim.
pub fn contested<'a>(claims: impl Iterator<Item = (&'a str, &'a Desired)>) -> BTreeMap<String, Vec<String>> {
    let mut claimed: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for (owner, wanted) in claims {
        let exchanges = wanted.exchanges.iter().map(|exchange| ("exchange", exchange.name.as_str()));
        let queues = wanted.queues.iter().map(|queue| ("queue", queue.name.as_str()));
        for object in exchanges.chain(queues) {
            claimed.entry(object).or_default().push(owner);
        }
    }
    claimed.retain(|_, owners| owners.len() > 1);
    let named = |((kind, name), owners): ((&str, &str), Vec<&str>)| {
        (format!("{kind} {name}"), owners.into_iter().map(str::to_owned).collect())
    };
    claimed.into_iter().map(named).collect()
}
