//! Which source a delivery came from: the broker's own routing, told again from exchange and routing key.

use super::Delivery;
use crate::pipeline::{EventSource, ExchangeKind};

pub(super) fn routes(source: &EventSource, delivery: &Delivery<'_>) -> bool {
    let by_key = |key: &String| match source.exchange.kind {
        ExchangeKind::Topic => topic_matches(key, delivery.routing_key),
        ExchangeKind::Direct => key == delivery.routing_key,
        ExchangeKind::Fanout => true,
    };
    source.exchange.name == delivery.exchange && source.routing_keys.iter().any(by_key)
}

/// Whether a topic exchange's binding pattern takes a routing key: words between dots, `*` is one word, `#` is none or more.
#[must_use]
pub fn topic_matches(pattern: &str, key: &str) -> bool {
    let pattern: Vec<&str> = if pattern.is_empty() { Vec::new() } else { pattern.split('.').collect() };
    // An empty key has no words, not one empty word.
    let key: Vec<&str> = if key.is_empty() { Vec::new() } else { key.split('.').collect() };
    words_match(&pattern, &key)
}

/// Iterative with one point of return, so that many `#` cannot make it slow.
fn words_match(pattern: &[&str], key: &[&str]) -> bool {
    let (mut p, mut k) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    loop {
        if pattern.get(p) == Some(&"#") {
            retry = Some((p, k));
            p += 1;
        } else if k == key.len() {
            return p == pattern.len();
        } else if pattern.get(p).is_some_and(|word| *word == "*" || *word == key[k]) {
            p += 1;
            k += 1;
        } else if let Some((hash, eaten)) = retry {
            retry = Some((hash, eaten + 1));
            p = hash + 1;
            k = eaten + 1;
        } else {
            return false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::topic_matches;

    #[test]
    fn patterns_take_the_keys_that_the_broker_takes() {
        for (pattern, key, expected) in [
            ("purchase.#", "purchase", true),
            ("purchase.#", "purchase.store", true),
            ("purchase.#", "purchase.store.7", true),
            ("purchase.#", "purchases", false),
            ("purchase.*", "purchase", false),
            ("purchase.*", "purchase.store", true),
            ("purchase.*", "purchase.store.7", false),
            ("#", "", true),
            ("#", "a.b", true),
            ("#.end", "end", true),
            ("#.end", "a.b.end", true),
            ("#.end", "a.end.b", false),
            ("a.#.b.#.c", "a.x.b.c.b.c", true),
            ("a.#.b.#.c", "a.c", false),
            ("*.*", "a", false),
            ("a", "a", true),
            ("a", "b", false),
            ("", "", true),
            ("", "a", false),
            ("*", "", false),
        ] {
            assert_eq!(topic_matches(pattern, key), expected, "{pattern} {key}");
        }
    }

    #[test]
    fn many_hashes_do_not_make_it_slow() {
        let pattern = "#.a.".repeat(60) + "b";
        let key = "a.".repeat(125) + "c";
        assert!(!topic_matches(&pattern, &key));
    }
}
