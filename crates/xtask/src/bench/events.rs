//! As many purchases as are wanted, from the real ones of `examples/cdnow/`: each copy has members of its own.

use std::fmt::Write as _;

/// `count` events, a line each, from `purchases` (JSON lines); ids grow, as those of a shop's database do.
pub(crate) fn lines(purchases: &str, count: usize) -> String {
    let real: Vec<&str> = purchases.lines().collect();
    let mut text = String::new();
    for n in 0..count {
        let (line, copy) = (real[n % real.len()], n / real.len());
        let id = line.split('"').nth(3).unwrap_or_default();
        let line = line.replace(&format!("\"{id}\""), &format!("\"bench-{n:09}\""));
        let line = line.replace(r#""member":""#, &format!(r#""member":"{copy}-"#));
        let _ = writeln!(text, "{line}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::lines;

    #[test]
    fn every_event_has_an_id_and_every_copy_has_members_of_its_own() {
        let real = "{\"id\":\"cdnow-1\",\"member\":\"00004\",\"order\":\"cdnow-1\"}\n";
        assert_eq!(
            lines(real, 2),
            "{\"id\":\"bench-000000000\",\"member\":\"0-00004\",\"order\":\"bench-000000000\"}\n\
             {\"id\":\"bench-000000001\",\"member\":\"1-00004\",\"order\":\"bench-000000001\"}\n"
        );
    }
}
