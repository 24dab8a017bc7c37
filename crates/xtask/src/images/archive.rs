//! An image as a file: the OCI image layout in a tar archive, with the list that older engines read beside it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use flate2::{Compression, GzBuilder};
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tar::{EntryType, Header};

use super::root::File;
use super::{Program, STOP_SIGNAL, USER};

/// A whole archive.
pub(super) struct Archive {
    /// The file's content.
    pub(super) bytes: Vec<u8>,
    /// Of the manifest.
    pub(super) digest: String,
    /// What a registry would send, in bytes.
    pub(super) compressed: u64,
}

impl Archive {
    /// The same name, program and files always give the same bytes.
    pub(super) fn of(name: &str, program: Program, files: &[File]) -> io::Result<Self> {
        let mut blobs = Blobs::default();
        let layer = tar(files.iter().map(|file| (file.path, file.mode, &file.content[..])))?;
        let config = config(program, &digest(&layer)).to_string();
        let layer = blobs.add("layer.v1.tar+gzip", gzip(&layer)?);
        let config = blobs.add("config.v1+json", config.into_bytes());
        let list = json!([{ "Config": config.path(), "RepoTags": [name], "Layers": [layer.path()] }]);
        let manifest = json!({
            "schemaVersion": 2, "mediaType": media_type("manifest.v1+json"), "config": config, "layers": [layer],
        });
        let manifest = blobs.add("manifest.v1+json", manifest.to_string().into_bytes());
        let named = [
            ("index.json", index(name, &manifest)),
            ("manifest.json", list),
            ("oci-layout", json!({ "imageLayoutVersion": "1.0.0" })),
        ];
        Ok(Self { bytes: blobs.archive(&named)?, digest: manifest.digest, compressed: blobs.size() })
    }
}

/// What an engine has to know to run it.
fn config(program: Program, layer: &str) -> Value {
    let labels: BTreeMap<&str, &str> = program.labels().into();
    json!({
        "architecture": architecture(),
        "os": "linux",
        "config": {
            "User": USER,
            "Entrypoint": [program.entrypoint()],
            "WorkingDir": "/",
            "StopSignal": STOP_SIGNAL,
            "Labels": labels,
        },
        "rootfs": { "type": "layers", "diff_ids": [layer] },
        "history": [{ "created_by": "cargo xtask images" }],
    })
}

/// The one manifest under its name, said in both ways in which loaders ask for it.
fn index(name: &str, manifest: &Descriptor) -> Value {
    let mut manifest = json!(manifest);
    manifest["platform"] = json!({ "architecture": architecture(), "os": "linux" });
    manifest["annotations"] = json!({ "io.containerd.image.name": name, "org.opencontainers.image.ref.name": name });
    json!({ "schemaVersion": 2, "mediaType": media_type("index.v1+json"), "manifests": [manifest] })
}

/// This machine's, by the name that images use for it.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// By which one content refers to another.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    media_type: String,
    digest: String,
    size: usize,
}

impl Descriptor {
    fn path(&self) -> String {
        format!("blobs/{}", self.digest.replace(':', "/"))
    }
}

fn media_type(kind: &str) -> String {
    format!("application/vnd.oci.image.{kind}")
}

fn digest(content: &[u8]) -> String {
    Sha256::digest(content).iter().fold("sha256:".to_owned(), |text, byte| text + &format!("{byte:02x}"))
}

/// Contents by their paths, and so in one order.
#[derive(Default)]
struct Blobs(BTreeMap<String, Vec<u8>>);

impl Blobs {
    fn add(&mut self, kind: &str, content: Vec<u8>) -> Descriptor {
        let descriptor = Descriptor { media_type: media_type(kind), digest: digest(&content), size: content.len() };
        self.0.insert(descriptor.path(), content);
        descriptor
    }

    fn size(&self) -> u64 {
        self.0.values().map(|content| content.len() as u64).sum()
    }

    /// All of them, then the files that lead to them.
    fn archive(&self, named: &[(&str, Value)]) -> io::Result<Vec<u8>> {
        let named: Vec<(&str, String)> = named.iter().map(|(path, value)| (*path, value.to_string())).collect();
        let named = named.iter().map(|(path, text)| (*path, 0o644, text.as_bytes()));
        tar(self.0.iter().map(|(path, content)| (path.as_str(), 0o644, &content[..])).chain(named))
    }
}

/// Files with their permissions, of root and of no time, each behind the folders that it stands in.
fn tar<'a>(files: impl Iterator<Item = (&'a str, u32, &'a [u8])>) -> io::Result<Vec<u8>> {
    let mut tar = tar::Builder::new(Vec::new());
    let mut folders = BTreeSet::new();
    for (path, mode, content) in files {
        for (end, _) in path.match_indices('/') {
            if folders.insert(&path[..=end]) {
                tar.append_data(&mut header(EntryType::Directory, 0o755, 0), &path[..=end], io::empty())?;
            }
        }
        tar.append_data(&mut header(EntryType::Regular, mode, content.len() as u64), path, content)?;
    }
    tar.into_inner()
}

fn header(kind: EntryType, mode: u32, size: u64) -> Header {
    let mut header = Header::new_ustar();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header
}

/// Without a name and a time, which a gzip file could hold.
fn gzip(content: &[u8]) -> io::Result<Vec<u8>> {
    let mut gzip = GzBuilder::new().mtime(0).write(Vec::new(), Compression::default());
    gzip.write_all(content)?;
    gzip.finish()
}
