//! What is made from code and stands in the repository.

use xtask::generate;

#[test]
fn generated_files_are_what_the_code_makes() {
    let files = generate::files().unwrap();
    assert!(files.len() >= 2, "there is something to compare");
    let stale: Vec<&str> = files.iter().filter(|file| file.is_stale()).map(|file| file.path).collect();
    assert_eq!(stale, Vec::<&str>::new(), "these differ from the code: run `cargo xtask generate`");
}
