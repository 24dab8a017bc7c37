//! Whether what stands has all that we set. What others add, and what the API server fills in, does not count.

use serde_json::Value;

/// The first field of `wanted` that `live` has not, such as `spec.template.spec.containers[0].image`.
pub(crate) fn difference(live: &Value, wanted: &Value) -> Option<String> {
    find(live, wanted, String::new())
}

fn find(live: &Value, wanted: &Value, path: String) -> Option<String> {
    match (live, wanted) {
        (Value::Object(live), Value::Object(wanted)) => wanted.iter().find_map(|(name, wanted)| {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            match live.get(name) {
                Some(live) => find(live, wanted, path),
                // An empty object is not stored.
                None if is_empty(wanted) => None,
                None => Some(path),
            }
        }),
        (Value::Array(live), Value::Array(wanted)) if is_room_for(live.len(), wanted) => {
            wanted.iter().enumerate().find_map(|(index, wanted)| match counterpart(live, wanted, index) {
                Some(live) => find(live, wanted, format!("{path}[{index}]")),
                None => Some(format!("{path}[{index}]")),
            })
        }
        (Value::String(one), Value::String(other)) if one == other || is_same_amount(one, other) => None,
        _ if live == wanted => None,
        _ => Some(path),
    }
}

/// Others may add objects to a list of them; a list of words, as arguments are, is ours from end to end.
fn is_room_for(live: usize, wanted: &[Value]) -> bool {
    if wanted.iter().all(Value::is_object) { live >= wanted.len() } else { live == wanted.len() }
}

/// Others may add containers, mounts and owners in front of ours: by name, or uid, where there is one.
fn counterpart<'a>(live: &'a [Value], wanted: &Value, index: usize) -> Option<&'a Value> {
    for key in ["uid", "name"] {
        if wanted.get(key).is_some() {
            return live.iter().find(|live| live.get(key) == wanted.get(key));
        }
    }
    live.get(index)
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_object().is_some_and(serde_json::Map::is_empty)
}

/// The API server writes `1000m` as `1`.
fn is_same_amount(one: &str, other: &str) -> bool {
    matches!((thousandths(one), thousandths(other)), (Some(one), Some(other)) if one == other)
}

/// An amount in thousandths, which is what Kubernetes keeps; nothing for what is none.
pub(super) fn thousandths(text: &str) -> Option<i128> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() || decimals.len() > 3 {
        return None;
    }
    let number: i128 = format!("{whole}{decimals:0<3}").parse().ok()?;
    let factor: i128 = match unit {
        // What is finer than a thousandth is rounded up, as the API server does.
        "m" => return Some((number + 999) / 1000),
        "" => 1,
        "k" => 1000,
        "M" => 1000_i128.pow(2),
        "G" => 1000_i128.pow(3),
        "T" => 1000_i128.pow(4),
        "P" => 1000_i128.pow(5),
        "Ki" => 1024,
        "Mi" => 1024_i128.pow(2),
        "Gi" => 1024_i128.pow(3),
        "Ti" => 1024_i128.pow(4),
        "Pi" => 1024_i128.pow(5),
        _ => return None,
    };
    number.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::difference;

    #[test]
    fn what_others_add_is_no_difference_and_what_we_set_is() {
        let wanted = json!({ "spec": { "replicas": 1, "containers": [{ "name": "w", "image": "a", "args": ["x"] }] } });
        let live = json!({
            "spec": { "replicas": 1, "extra": true, "containers": [
                { "name": "sidecar", "image": "s" },
                { "name": "w", "image": "a", "args": ["x"], "terminationMessagePath": "/dev/termination-log" },
            ] },
        });
        assert_eq!(difference(&live, &wanted), None);
        for (pointer, value, path) in [
            ("/spec/containers/1/image", json!("b"), "spec.containers[0].image"),
            ("/spec/containers/1/args", json!([]), "spec.containers[0].args"),
            ("/spec/containers/1/args", json!(["x", "--more"]), "spec.containers[0].args"),
            ("/spec/containers/1/name", json!("other"), "spec.containers[0]"),
            ("/spec/replicas", json!(2), "spec.replicas"),
        ] {
            let mut changed = live.clone();
            *changed.pointer_mut(pointer).unwrap() = value;
            assert_eq!(difference(&changed, &wanted).as_deref(), Some(path));
        }
    }

    #[test]
    fn one_amount_may_be_written_in_two_ways() {
        for (live, wanted, same) in [
            ("1", "1000m", true),
            ("1536Mi", "1.5Gi", true),
            ("1k", "1000", true),
            ("1Mi", "1M", false),
            ("100m", "0.1", true),
            ("apple", "apples", false),
        ] {
            let found = difference(&json!({ "cpu": live }), &json!({ "cpu": wanted }));
            assert_eq!(found.is_none(), same, "{live} {wanted}");
        }
    }
}
