//! Automatic rewards as they are written.

use rules::compile;
use serde_json::{Value, json};

use crate::support::{ruleset_of, sentences};

fn faults(scale: u32, reward: &Value) -> String {
    let wallets = json!([{ "name": "points", "scale": scale, "autoReward": reward }]);
    compile(ruleset_of(&wallets, &json!([]))).err().map(|errors| sentences(&errors)).unwrap_or_default()
}

fn coffee(points: &str, per_day: u32) -> Value {
    json!({ "reward": "free-coffee", "points": points, "perDay": per_day })
}

#[test]
fn a_reward_that_cannot_be_is_told_with_its_field() {
    const PATH: &str = "spec.program.wallets[0].autoReward";
    for (scale, points, per_day, problem) in [
        (0, "100", 1, String::new()),
        (1, "99.5", 100, String::new()),
        (0, "0", 1, format!("{PATH}.points: is 0; it must be more")),
        (
            0,
            "99.5",
            1,
            format!(
                "{PATH}.points: is `99.5`, finer than the 0 decimals of wallet `points`; round it, or raise the wallet's `scale`"
            ),
        ),
        (
            4,
            "9999999999999999",
            1,
            format!("{PATH}.points: is `9999999999999999`, more than wallet `points` can hold; make it smaller"),
        ),
        (0, "100", 0, format!("{PATH}.perDay: is 0, so that none would ever be given; give at least 1")),
        (0, "100", 101, format!("{PATH}.perDay: is 101; at most 100 a day are allowed")),
    ] {
        assert_eq!(faults(scale, &coffee(points, per_day)), problem);
    }
}
