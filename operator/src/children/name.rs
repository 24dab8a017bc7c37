//! Names of objects: they begin with the pipeline's, and stay within what a label can hold.

use contract::PipelineName;

use super::hex;

/// A DNS label; Jobs write their name into a label of their pods.
const LEN_MAX: usize = 63;

/// Enough to tell apart what begins alike.
const HASH_BYTES: usize = 4;

/// `PIPELINE-SUFFIX`; where that is too long, as much of the name as fits and a hash of all of it, so that two long names that begin
/// alike do not meet.
pub(crate) fn child_name(pipeline: &PipelineName, suffix: &str) -> String {
    let plain = format!("{pipeline}-{suffix}");
    if plain.len() <= LEN_MAX {
        return plain;
    }
    let hash = hex(pipeline.as_str().as_bytes(), HASH_BYTES);
    let room = LEN_MAX.saturating_sub(suffix.len() + hash.len() + 2);
    let begin: String = pipeline.as_str().chars().take(room).collect();
    format!("{}-{hash}-{suffix}", begin.trim_end_matches('-'))
}

#[cfg(test)]
mod tests {
    use contract::PipelineName;

    use super::child_name;

    fn name(pipeline: &str) -> String {
        child_name(&PipelineName::parse(pipeline).unwrap(), "worker")
    }

    #[test]
    fn a_short_name_is_kept_and_a_long_one_is_cut_without_meeting_another() {
        assert_eq!(name("coffee"), "coffee-worker");
        assert_eq!(name(&"a".repeat(56)), format!("{}-worker", "a".repeat(56)));
        let (one, other) = (format!("{}b", "a".repeat(62)), format!("{}c", "a".repeat(62)));
        assert_ne!(name(&one), name(&other));
        for long in [&one, &other, &format!("{}-{}", "a".repeat(46), "b".repeat(16))] {
            let cut = name(long);
            assert!(cut.len() <= 63 && cut.ends_with("-worker") && !cut.contains("--"), "{cut}");
        }
    }
}
