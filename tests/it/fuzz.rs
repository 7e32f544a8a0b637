//! The fuzzer's targets over its corpus and a fixed number of mutations, the same at each run.

use crate::{
    hostile::mutate,
    reader::samples,
    support::{
        dice::Dice,
        files::{msg, ods, tiff, tnef, xlsx},
    },
};
use image::GrayImage;
use std::{fs, path::Path};
use targets::TARGETS;

#[path = "../../fuzz/src/lib.rs"]
#[expect(unreachable_pub, reason = "it is a library for the fuzzer")]
mod targets;

/// Mutations of each file.
const ROUNDS: usize = 40;

/// What stands in the corpus of a target, and what is made on the spot because it is not text.
fn corpus(target: &str) -> Vec<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |folder: &Path| -> Vec<Vec<u8>> {
        let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
        let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths.iter().filter(|path| path.is_file()).map(|path| fs::read(path).unwrap()).collect()
    };
    let mut files = read(&root.join("fuzz/corpus").join(target));
    match target {
        "msg" => files.push(msg()),
        "tnef" => files.push(tnef()),
        "tiff" => files.push(tiff(&[GrayImage::from_pixel(9, 9, image::Luma([255]))])),
        "html" => files.extend(samples().into_iter().filter(|(kind, _)| *kind == "html").map(|(_, bytes)| bytes)),
        "sheet" => files.extend([
            xlsx(&[&["Item", "Qty"], &["A-1", "250"]]),
            ods("<table:table table:name=\"a\"><table:table-row><table:table-cell office:value-type=\"percentage\" office:value=\"0.05\"/></table:table-row></table:table>"),
        ]),
        _ => {}
    }
    files
}

#[test]
fn every_target_comes_back() {
    let mut dice = Dice(0x5eed_0006);
    for (name, target) in TARGETS {
        let files = corpus(name);
        assert!(!files.is_empty(), "{name} has a corpus");
        for whole in files {
            target(&whole);
            for _ in 0..ROUNDS {
                let mut bytes = whole.clone();
                for _ in 0..=dice.roll(8) {
                    mutate(&mut bytes, &mut dice);
                }
                target(&bytes);
            }
        }
    }
}

#[test]
fn every_target_has_its_file() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/fuzz_targets");
    let mut files: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    files.sort();
    let names: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
    assert_eq!(files, names);
}
