//! The container image: one static binary, as an archive that `docker load` and containerd take; no daemon is needed.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::process::{cargo, run};

/// What the image is called.
const NAME: &str = "ibn.local/ibn:dev";

/// What the image is built for.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// As whom it runs.
const USER: &str = "65532:65532";

/// Builds the binary and writes the archive.
pub(crate) fn write(root: &Path, out: &Path, profile: &str) -> Result<()> {
    let binary = build(root, profile)?;
    let bytes =
        std::fs::read(&binary).with_context(|| format!("cannot read `{}`", binary.display()))?;
    if is_dynamic(&bytes) {
        bail!(
            "`{}` needs shared libraries, which an image without any lacks",
            binary.display()
        );
    }
    let archive = archive(&bytes)?;
    std::fs::write(out, archive).with_context(|| format!("cannot write `{}`", out.display()))?;
    eprintln!("wrote {} with {NAME}", out.display());
    Ok(())
}

fn build(root: &Path, profile: &str) -> Result<std::path::PathBuf> {
    let args = [
        "build",
        "--locked",
        "--package",
        "ibn-cli",
        "--bin",
        "ibn",
        "--target",
        TARGET,
        "--profile",
        profile,
    ];
    let mut command = cargo(root, &args);
    command.env(
        "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS",
        "-C target-feature=+crt-static",
    );
    run(&mut command)?;
    let metadata = cargo_metadata::MetadataCommand::new()
        .current_dir(root)
        .no_deps()
        .exec()?;
    let folder = if profile == "dev" { "debug" } else { profile };
    let target = metadata.target_directory.into_std_path_buf();
    Ok(target.join(TARGET).join(folder).join("ibn"))
}

/// Whether an ELF file names an interpreter, which is who loads shared libraries.
fn is_dynamic(elf: &[u8]) -> bool {
    const INTERPRETER: u32 = 3;
    let number = |at: usize, size: usize| -> Option<u64> {
        let bytes = elf.get(at..at + size)?;
        Some(
            bytes
                .iter()
                .rev()
                .fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
        )
    };
    let headers = || {
        let start = usize::try_from(number(32, 8)?).ok()?;
        let size = usize::try_from(number(54, 2)?).ok()?;
        let count = usize::try_from(number(56, 2)?).ok()?;
        Some((0..count).map(move |idx| start + idx * size))
    };
    headers()
        .into_iter()
        .flatten()
        .any(|at| number(at, 4) == Some(u64::from(INTERPRETER)))
}

/// The archive with one layer, in which the binary is alone; the same bytes for the same binary.
fn archive(binary: &[u8]) -> Result<Vec<u8>> {
    let layer = tar(&[("ibn", 0o755, binary)])?;
    let config = json!({
        "architecture": "amd64",
        "os": "linux",
        "config": {
            "Entrypoint": ["/ibn"],
            "User": USER,
            "WorkingDir": "/",
            "Env": ["IBN_STATE_DIR=:memory:"],
            "ExposedPorts": {"8080/tcp": {}},
        },
        "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{}", hash(&layer))]},
    });
    let config = serde_json::to_vec(&config)?;
    let config_name = format!("{}.json", hash(&config));
    let layer_name = format!("{}.tar", hash(&layer));
    let manifest = json!([{"Config": config_name, "RepoTags": [NAME], "Layers": [layer_name]}]);
    let manifest = serde_json::to_vec(&manifest)?;
    tar(&[
        ("manifest.json", 0o644, &manifest),
        (&config_name, 0o644, &config),
        (&layer_name, 0o644, &layer),
    ])
}

fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// A ustar archive of these files, all of root and of no time.
fn tar(files: &[(&str, u32, &[u8])]) -> Result<Vec<u8>> {
    const BLOCK: usize = 512;
    let mut archive = Vec::new();
    for (name, mode, content) in files {
        archive.write_all(&header(name, *mode, content.len())?)?;
        archive.write_all(content)?;
        archive.resize(archive.len().next_multiple_of(BLOCK), 0);
    }
    // Two empty blocks are the end.
    archive.resize(archive.len() + 2 * BLOCK, 0);
    Ok(archive)
}

fn header(name: &str, mode: u32, size: usize) -> Result<[u8; 512]> {
    let mut header = [0; 512];
    let mut put = |at: usize, text: &str| -> Result<()> {
        let field = header
            .get_mut(at..at + text.len())
            .context("a field of a header is too long")?;
        field.copy_from_slice(text.as_bytes());
        Ok(())
    };
    if name.len() > 100 {
        bail!("`{name}` is too long for an archive");
    }
    put(0, name)?;
    put(100, &format!("{mode:07o}"))?;
    put(108, "0000000")?;
    put(116, "0000000")?;
    put(124, &format!("{size:011o}"))?;
    put(136, "00000000000")?;
    // The sum counts its own field as blanks.
    put(148, "        ")?;
    put(156, "0")?;
    put(257, "ustar")?;
    put(263, "00")?;
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    let text = format!("{sum:06o}\0 ");
    header
        .get_mut(148..156)
        .context("a header is too short")?
        .copy_from_slice(text.as_bytes());
    Ok(header)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn the_archive_is_one_that_tar_reads_and_its_parts_name_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("image.tar");
        let binary = b"#!/bin/sh\nexit 7\n";
        std::fs::write(&path, archive(binary).unwrap()).unwrap();
        let unpack = |file: &Path| {
            let done = Command::new("tar")
                .arg("-xf")
                .arg(file)
                .current_dir(folder.path())
                .status();
            assert!(done.unwrap().success());
        };
        unpack(&path);
        let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
        let manifest: serde_json::Value = serde_json::from_slice(&read("manifest.json")).unwrap();
        assert_eq!(manifest[0]["RepoTags"], json!([NAME]));
        let config_name = manifest[0]["Config"].as_str().unwrap();
        let config = read(config_name);
        assert_eq!(config_name, format!("{}.json", hash(&config)));
        let config: serde_json::Value = serde_json::from_slice(&config).unwrap();
        let layer_name = manifest[0]["Layers"][0].as_str().unwrap();
        let layer = read(layer_name);
        assert_eq!(
            config["rootfs"]["diff_ids"],
            json!([format!("sha256:{}", hash(&layer))])
        );
        unpack(&folder.path().join(layer_name));
        let ran = Command::new(folder.path().join("ibn")).status().unwrap();
        assert_eq!(ran.code(), Some(7));
    }

    #[test]
    fn the_hash_is_that_of_the_standard() {
        // FIPS 180-2, appendix B.1.
        assert_eq!(
            hash(b"abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn what_needs_a_loader_is_told_apart() {
        let own = std::fs::read("/proc/self/exe").unwrap();
        assert!(is_dynamic(&own));
        let mut cut = own;
        // The number of program headers.
        cut[56..58].fill(0);
        assert!(!is_dynamic(&cut));
    }
}
