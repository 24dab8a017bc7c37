//! Container images: what is in an archive, and that `Containerfile` makes the same image.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use xtask::images::{self, Contents, Image, ImageError, Program, STOP_SIGNAL, Tag, USER};

const PROGRAM: &[u8] = b"\x7fELF, or so it says";
const AUTHORITIES: &str = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n";
const AUTHORITIES_PATH: &str = "etc/ssl/certs/ca-certificates.crt";

/// A program and its authorities, to be packed.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        fs::write(place.binary(), PROGRAM).unwrap();
        fs::write(place.authorities(), AUTHORITIES).unwrap();
        place
    }

    fn binary(&self) -> PathBuf {
        self.folder.path().join("program")
    }

    fn authorities(&self) -> PathBuf {
        self.folder.path().join("authorities.pem")
    }

    fn out(&self) -> PathBuf {
        self.folder.path().join("out/images")
    }

    fn try_pack(&self, program: Program, tag: &str) -> Result<Image, ImageError> {
        let (binary, authorities) = (self.binary(), self.authorities());
        let contents = Contents { program, binary: &binary, authorities: &authorities };
        images::write(&contents, &tag.parse::<Tag>().unwrap(), &self.out(), images::SIZE_MAX)
    }

    fn pack(&self, program: Program) -> (Image, Layout) {
        let image = self.try_pack(program, "test").unwrap();
        let layout = Layout::read(&image.archive);
        (image, layout)
    }
}

/// One entry of a tar archive.
#[derive(Debug, PartialEq, Eq)]
struct Entry {
    path: String,
    mode: u32,
    content: Vec<u8>,
}

/// All entries, in their order; folders end in `/`. None may tell who made it, or when.
fn entries(tar: &[u8]) -> Vec<Entry> {
    let mut archive = tar::Archive::new(tar);
    let entry = |entry: std::io::Result<tar::Entry<'_, &[u8]>>| {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().display().to_string();
        let header = entry.header();
        assert_eq!(
            (header.uid().unwrap(), header.gid().unwrap(), header.mtime().unwrap()),
            (0, 0, 0),
            "`{path}` is root's, and of no time"
        );
        assert!(header.username().unwrap().is_none_or(str::is_empty), "`{path}` names nobody");
        let mode = header.mode().unwrap();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        Entry { path, mode, content }
    };
    archive.entries().unwrap().map(entry).collect()
}

/// An archive, read as a loader reads it.
struct Layout {
    files: BTreeMap<String, Vec<u8>>,
    manifest: Value,
    config: Value,
    layer: Vec<u8>,
}

impl Layout {
    fn read(archive: &Path) -> Self {
        let files = entries(&fs::read(archive).unwrap());
        let files: BTreeMap<_, _> = files.into_iter().map(|entry| (entry.path, entry.content)).collect();
        let mut layout = Self { files, manifest: Value::Null, config: Value::Null, layer: Vec::new() };
        layout.manifest = layout.json(&layout.index()["manifests"][0]);
        layout.config = layout.json(&layout.manifest["config"]);
        let packed = layout.blob(&layout.manifest["layers"][0]).to_vec();
        GzDecoder::new(&packed[..]).read_to_end(&mut layout.layer).unwrap();
        layout
    }

    fn file(&self, path: &str) -> Value {
        serde_json::from_slice(&self.files[path]).unwrap()
    }

    fn index(&self) -> Value {
        self.file("index.json")
    }

    /// What a descriptor stands for; both of its promises are held.
    fn blob(&self, descriptor: &Value) -> &[u8] {
        let path = descriptor["digest"].as_str().unwrap().replace(':', "/");
        let blob = self.files.get(&format!("blobs/{path}")).unwrap_or_else(|| panic!("no `{path}`"));
        assert_eq!(descriptor["size"], blob.len());
        assert_eq!(descriptor["digest"], digest(blob));
        blob
    }

    fn json(&self, descriptor: &Value) -> Value {
        serde_json::from_slice(self.blob(descriptor)).unwrap()
    }
}

fn digest(content: &[u8]) -> String {
    format!("sha256:{:x}", Sha256::digest(content))
}

#[test]
fn a_loader_finds_its_way_from_the_index_to_the_layer() {
    let (image, layout) = Place::new().pack(Program::Worker);
    assert_eq!(image.name, "docker.io/loyalty/loyalty-worker:test");
    assert_eq!(layout.file("oci-layout"), json!({ "imageLayoutVersion": "1.0.0" }));
    let index = layout.index();
    assert_eq!(index["manifests"].as_array().unwrap().len(), 1);
    let entry = &index["manifests"][0];
    assert_eq!(entry["digest"], image.digest);
    for annotation in ["org.opencontainers.image.ref.name", "io.containerd.image.name"] {
        assert_eq!(entry["annotations"][annotation], image.name, "{annotation}");
    }
    assert_eq!(entry["mediaType"], layout.manifest["mediaType"]);
    assert_eq!(layout.config["rootfs"]["diff_ids"], json!([digest(&layout.layer)]), "the layer before compression");
    assert_eq!(layout.manifest["layers"].as_array().unwrap().len(), 1);
}

#[test]
fn an_older_engine_finds_the_same_by_its_own_list() {
    let (image, layout) = Place::new().pack(Program::Operator);
    let list = layout.file("manifest.json");
    assert_eq!(list[0]["RepoTags"], json!([image.name]));
    let path = |descriptor: &Value| format!("blobs/{}", descriptor["digest"].as_str().unwrap().replace(':', "/"));
    assert_eq!(list[0]["Config"], path(&layout.manifest["config"]));
    assert_eq!(list[0]["Layers"], json!([path(&layout.manifest["layers"][0])]));
}

#[test]
fn every_blob_is_called_by_its_hash_and_none_is_left_over() {
    let (image, layout) = Place::new().pack(Program::Worker);
    let blobs: BTreeMap<_, _> = layout.files.iter().filter(|(path, _)| path.starts_with("blobs/sha256/")).collect();
    let blobs: BTreeMap<_, _> = blobs.into_iter().filter(|(path, _)| !path.ends_with('/')).collect();
    assert_eq!(blobs.len(), 3, "manifest, config, layer");
    for (path, content) in &blobs {
        assert_eq!(path.replace("blobs/sha256/", "sha256:"), digest(content));
    }
    assert_eq!(image.compressed, blobs.values().map(|content| content.len() as u64).sum::<u64>());
}

#[test]
fn the_image_holds_the_program_its_authorities_and_the_order_of_name_services() {
    for program in Program::ALL {
        let (image, layout) = Place::new().pack(program);
        let entries = entries(&layout.layer);
        let seen: Vec<(&str, u32)> = entries.iter().map(|entry| (entry.path.as_str(), entry.mode)).collect();
        let wanted = [
            ("etc/", 0o755),
            ("etc/nsswitch.conf", 0o644),
            ("etc/ssl/", 0o755),
            ("etc/ssl/certs/", 0o755),
            (AUTHORITIES_PATH, 0o644),
            (program.name(), 0o755),
        ];
        assert_eq!(seen, wanted, "folders before what stands in them, nothing absolute, nothing else");
        assert_eq!(entries[1].content, b"hosts: files dns\n");
        assert_eq!(entries[4].content, AUTHORITIES.as_bytes());
        assert_eq!(entries[5].content, PROGRAM);
        assert_eq!(image.size, entries.iter().map(|entry| entry.content.len() as u64).sum::<u64>());
    }
}

#[test]
fn the_engine_is_told_who_runs_it_and_how_it_ends() {
    for program in Program::ALL {
        let config = Place::new().pack(program).1.config;
        assert_eq!(config["os"], "linux");
        assert!(config["created"].is_null(), "a time would be another image each time");
        let config = &config["config"];
        assert_eq!(config["User"], USER);
        assert_eq!(config["StopSignal"], STOP_SIGNAL);
        assert_eq!(config["Entrypoint"], json!([format!("/{}", program.name())]));
        assert_eq!(config["Labels"]["org.opencontainers.image.title"], program.name());
        assert_eq!(config["Labels"]["org.opencontainers.image.version"], env!("CARGO_PKG_VERSION"));
    }
}

#[test]
fn the_same_files_are_the_same_image_wherever_they_lie() {
    let (first, second) = (Place::new(), Place::new());
    let images = [&first, &second].map(|place| place.pack(Program::Worker).0);
    assert_eq!(fs::read(&images[0].archive).unwrap(), fs::read(&images[1].archive).unwrap());
    assert_eq!(images[0].digest, images[1].digest);
    let folder = first.folder.path().display().to_string();
    let layout = Layout::read(&images[0].archive);
    for content in layout.files.values().chain([&layout.layer]) {
        assert!(!String::from_utf8_lossy(content).contains(&folder), "an image names a folder of this machine");
    }
    fs::write(second.binary(), b"another program").unwrap();
    assert_ne!(second.pack(Program::Worker).0.digest, images[0].digest);
}

#[test]
fn an_archive_is_whole_or_not_there() {
    let place = Place::new();
    place.pack(Program::Worker);
    place.pack(Program::Operator);
    let names = fs::read_dir(place.out()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let names: BTreeSet<String> = names.collect();
    assert_eq!(names, ["loyalty-operator-test.tar", "loyalty-worker-test.tar"].map(str::to_owned).into());
}

#[test]
fn what_cannot_be_an_image_is_told_and_written_nowhere() {
    let refused = |place: &Place, says: &[&str]| {
        let error = place.try_pack(Program::Worker, "test").unwrap_err().to_string();
        for word in says {
            assert!(error.contains(word), "no `{word}` in: {error}");
        }
        assert!(!place.out().exists(), "{error}");
    };
    let place = Place::new();
    fs::remove_file(place.authorities()).unwrap();
    refused(&place, &["authorities.pem", "`ca-certificates`"]);
    fs::write(place.authorities(), "").unwrap();
    refused(&place, &["authorities.pem", "`ca-certificates`"]);

    let place = Place::new();
    fs::File::create(place.binary()).unwrap().set_len(images::SIZE_MAX).unwrap();
    refused(&place, &["docker.io/loyalty/loyalty-worker:test", "25.0 MB"]);

    let place = Place::new();
    fs::remove_file(place.binary()).unwrap();
    refused(&place, &["could not read", "program"]);
}

/// What a `Containerfile` says of one target: each instruction with what follows it.
fn stage(file: &str, target: &str) -> Vec<(String, String)> {
    let end = format!(" AS {target}");
    let lines = file.lines().skip_while(|line| !line.ends_with(&end));
    let lines = lines.take_while(|line| !line.starts_with("FROM") || line.ends_with(&end));
    let instructions = lines.filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    instructions.map(|line| line.split_once(' ').unwrap()).map(|(word, rest)| (word.into(), rest.into())).collect()
}

#[test]
fn the_containerfile_makes_the_same_image() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let file = fs::read_to_string(root.join("Containerfile")).unwrap();
    for program in Program::ALL {
        let layout = Place::new().pack(program).1;
        let config = &layout.config["config"];
        let target = program.name().trim_start_matches("loyalty-");
        let stage = stage(&file, target);
        let all = |word: &str| -> Vec<&str> {
            stage.iter().filter(|(other, _)| other == word).map(|(_, rest)| rest.as_str()).collect()
        };
        assert_eq!(all("FROM"), [format!("scratch AS {target}")]);
        assert_eq!(all("USER"), [config["User"].as_str().unwrap()]);
        assert_eq!(all("STOPSIGNAL"), [config["StopSignal"].as_str().unwrap()]);
        assert_eq!(all("ENTRYPOINT"), [config["Entrypoint"].to_string()]);
        let labels = config["Labels"].as_object().unwrap().iter().map(|(key, value)| format!("{key}={value}"));
        assert_eq!(all("LABEL"), labels.collect::<Vec<_>>());
        let copied = all("COPY").into_iter().map(|line| line.rsplit_once(" /").unwrap().1.to_owned());
        let packed = entries(&layout.layer).into_iter().map(|entry| entry.path).filter(|path| !path.ends_with('/'));
        assert_eq!(copied.collect::<Vec<_>>(), packed.collect::<Vec<_>>());
        assert_eq!(stage.len(), 11, "and says nothing else");
    }
}

#[test]
fn the_containerfile_builds_with_the_same_flags() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let file = fs::read_to_string(root.join("Containerfile")).unwrap();
    assert!(file.contains("ENV CARGO_ENCODED_RUSTFLAGS=\"-Ctarget-feature=+crt-static\""), "{file}");
    for program in Program::ALL {
        let name = program.name();
        let options = format!("--profile image --target \"$(cat /target)\" --package {name} --bin {name}");
        let build = match program.link_flags() {
            [] => format!("{options} \\\n"),
            flags => format!("{options} -- {} \\\n", flags.join(" ")),
        };
        assert!(file.contains(&build), "no `{build}`");
    }
    let toolchain = format!("rust:{}-", env!("CARGO_PKG_RUST_VERSION"));
    assert!(file.contains(&toolchain), "the compiler is the one that the workspace asks for: `{toolchain}`");
}
