//! How long ago something was, in one unit: what happened days ago needs no seconds.

use jiff::Timestamp;

/// `45s`, `12m`, `30h` or `6d`; a time to come, by a clock that is wrong, is `0s`. `?` for what is no time.
pub(super) fn since(time: &str, now: Timestamp) -> String {
    let Ok(time) = time.parse::<Timestamp>() else { return "?".to_owned() };
    let seconds = now.duration_since(time).as_secs().max(0);
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7_200 => format!("{}m", seconds / 60),
        7_200..172_800 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::since;

    #[test]
    fn an_age_has_one_unit() {
        let now = "2026-11-25T20:00:00Z".parse().unwrap();
        for (time, want) in [
            ("2026-11-25T20:00:00Z", "0s"),
            ("2026-11-25T20:00:09Z", "0s"),
            ("2026-11-25T19:58:01Z", "119s"),
            ("2026-11-25T19:58:00.000000Z", "2m"),
            ("2026-11-25T18:00:01Z", "119m"),
            ("2026-11-25T18:00:00Z", "2h"),
            ("2026-11-23T20:00:01Z", "47h"),
            ("2026-11-23T20:00:00Z", "2d"),
            ("yesterday", "?"),
        ] {
            assert_eq!(since(time, now), want, "{time}");
        }
    }
}
