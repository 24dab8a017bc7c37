//! The house rules, as tests: each rule is a function from what it reads to what is wrong, tried on a bad sample too.

mod arrows;
mod code;
mod files;
mod house;
mod reached;
mod seams;
mod sizes;

/// Fails with every complaint of a rule at once, so that one run shows all there is to do.
fn none(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n  {}\n", complaints.join("\n  "));
}
