//! What was made: a table for people, JSON for programs.

use std::fmt::Write as _;

use super::Image;

/// How it is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people
    Text,
    /// For programs
    Json,
}

pub(super) fn print(images: &[Image], format: Format) -> String {
    match format {
        Format::Text => table(images),
        Format::Json => serde_json::to_string_pretty(images).unwrap_or_default(),
    }
}

/// The first column is as wide as the longest name; a digest comes last, as it is the longest of all.
fn table(images: &[Image]) -> String {
    let rows = images.iter().map(|image| {
        [
            image.name.clone(),
            image.archive.display().to_string(),
            megabytes(image.size),
            megabytes(image.compressed),
            image.digest.clone(),
        ]
    });
    let head = ["IMAGE", "ARCHIVE", "SIZE", "COMPRESSED", "DIGEST"].map(str::to_owned);
    let rows: Vec<[String; 5]> = std::iter::once(head).chain(rows).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or_default();
    let [name, archive, size, compressed] = [0, 1, 2, 3].map(width);
    let mut text = String::new();
    for row in &rows {
        let _ = writeln!(
            text,
            "{:<name$}  {:<archive$}  {:>size$}  {:>compressed$}  {}",
            row[0], row[1], row[2], row[3], row[4]
        );
    }
    text.trim_end().to_owned()
}

/// Of a million bytes each, as registries count.
pub(super) fn megabytes(bytes: u64) -> String {
    let tenths = bytes.div_ceil(100_000);
    format!("{}.{} MB", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image() -> Image {
        Image {
            name: "docker.io/loyalty/loyalty-worker:1".to_owned(),
            archive: "out/loyalty-worker-1.tar".into(),
            digest: "sha256:ab".to_owned(),
            size: 14_250_001,
            compressed: 6_000_000,
        }
    }

    #[test]
    fn the_table_has_a_line_for_each_image() {
        let wanted = "\
IMAGE                               ARCHIVE                      SIZE  COMPRESSED  DIGEST
docker.io/loyalty/loyalty-worker:1  out/loyalty-worker-1.tar  14.3 MB      6.0 MB  sha256:ab";
        assert_eq!(print(&[image()], Format::Text), wanted);
    }

    #[test]
    fn programs_read_the_same_in_bytes() {
        let json: serde_json::Value = serde_json::from_str(&print(&[image()], Format::Json)).unwrap();
        assert_eq!(json[0]["size"], 14_250_001);
        assert_eq!(json[0]["archive"], "out/loyalty-worker-1.tar");
    }
}
