//! The runs of a grid on disk: one line each, written as soon as it is known, so that an interrupted grid goes on.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use ibn_sim::evaluation::{Cell, Grid, Played};
use serde::Serialize;

use crate::exit::{Exit, Failure};

/// A part of a grid: every `of`-th run, from `index` on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shard {
    index: usize,
    of: usize,
}

impl Shard {
    /// The whole grid.
    pub(super) const WHOLE: Self = Self { index: 0, of: 1 };

    /// Whether the run at this place of the grid is of this part.
    pub(super) fn has(self, place: usize) -> bool {
        place % self.of == self.index % self.of
    }
}

impl std::str::FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.split_once('/')
            .and_then(|(index, of)| Some((index.parse().ok()?, of.parse().ok()?)))
            .filter(|(index, of)| *of > 0 && index <= of)
            .map(|(index, of)| Self { index, of })
            .ok_or_else(|| {
                "a part and how many there are, such as `0/4` to `3/4` (or `1/4` to `4/4`)"
                    .to_owned()
            })
    }
}

impl std::fmt::Display for Shard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

/// The file of a grid or of a part of it.
pub(super) struct Store {
    file: File,
    path: PathBuf,
    /// Runs of the grid that are there already.
    pub(super) done: BTreeMap<Cell, Played>,
}

/// The name of the file that holds the runs of a part.
fn file_name(shard: Shard) -> String {
    match shard {
        Shard::WHOLE => "cells.jsonl".to_owned(),
        Shard { index, of } => format!("cells-{}-of-{of}.jsonl", index % of),
    }
}

impl Store {
    /// Opens the file of a part in a folder, which is made where it isn't there. Runs that are of this grid are kept, whatever
    /// grid they were played for; others are dropped.
    pub(super) fn open(folder: &Path, shard: Shard, grid: &Grid) -> Result<Self, Failure> {
        std::fs::create_dir_all(folder).map_err(|error| unwritable(folder, &error))?;
        let path = folder.join(file_name(shard));
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(&path)
            .map_err(|error| unwritable(&path, &error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Failure::new(
                    Exit::Failed,
                    format!("another `ibn evaluate` writes to `{}`", path.display()),
                )
                .help("wait for it, or name another folder with `--out DIR`"));
            }
            Err(TryLockError::Error(error)) => return Err(unwritable(&path, &error)),
        }
        let mut text = String::new();
        file.read_to_string(&mut text)
            .map_err(|error| unwritable(&path, &error))?;
        let (before, done) = read(&text, grid);
        let mut store = Self { file, path, done };
        // A torn last line, and runs of another grid, go; the rest is written again in order.
        let as_it_is = before.as_ref() == Some(grid)
            && text.ends_with('\n')
            && text.lines().count() == store.done.len() + 1;
        if !as_it_is {
            store.rewrite(grid)?;
        }
        Ok(store)
    }

    fn rewrite(&mut self, grid: &Grid) -> Result<(), Failure> {
        let mut text = line(grid)?;
        for played in self.done.values() {
            text.push_str(&line(played)?);
        }
        let written = self
            .file
            .set_len(0)
            .and_then(|()| self.file.seek(SeekFrom::Start(0)))
            .and_then(|_| self.file.write_all(text.as_bytes()))
            .and_then(|()| self.file.sync_data());
        written.map_err(|error| unwritable(&self.path, &error))
    }

    /// Adds a run; it is on disk when this returns.
    pub(super) fn add(&mut self, played: Played) -> Result<(), Failure> {
        let text = line(&played)?;
        self.file
            .write_all(text.as_bytes())
            .and_then(|()| self.file.sync_data())
            .map_err(|error| unwritable(&self.path, &error))?;
        self.done.insert(played.cell.clone(), played);
        Ok(())
    }
}

fn line(value: &impl Serialize) -> Result<String, Failure> {
    let mut text = serde_json::to_string(value)
        .map_err(|error| Failure::because(Exit::Failed, "a run can't be written", &error))?;
    text.push('\n');
    Ok(text)
}

/// The grid of a text, and the runs in it that are of `grid`. Lines that can't be read count as not there.
fn read(text: &str, grid: &Grid) -> (Option<Grid>, BTreeMap<Cell, Played>) {
    let mut lines = text.lines();
    let before: Option<Grid> = lines
        .next()
        .and_then(|line| serde_json::from_str(line).ok());
    if before
        .as_ref()
        .is_none_or(|before| before.version != grid.version)
    {
        return (before, BTreeMap::new());
    }
    let wanted: std::collections::BTreeSet<Cell> = grid.cells().into_iter().collect();
    let done = lines
        .filter_map(|line| serde_json::from_str::<Played>(line).ok())
        .filter(|played| wanted.contains(&played.cell))
        .map(|played| (played.cell.clone(), played))
        .collect();
    (before, done)
}

/// The grid and the runs of all parts in a folder and the folders in it.
pub(super) fn merge(folder: &Path) -> Result<(Grid, BTreeMap<Cell, Played>), Failure> {
    let mut files = Vec::new();
    find(folder, 2, &mut files).map_err(|error| {
        Failure::because(
            Exit::Usage,
            format!("`{}` can't be read", folder.display()),
            &error,
        )
    })?;
    files.sort();
    let mut grid: Option<(Grid, PathBuf)> = None;
    let mut done = BTreeMap::new();
    for path in files {
        let text = std::fs::read_to_string(&path).map_err(|error| {
            Failure::because(
                Exit::Usage,
                format!("`{}` can't be read", path.display()),
                &error,
            )
        })?;
        let head: Option<Grid> = text
            .lines()
            .next()
            .and_then(|line| serde_json::from_str(line).ok());
        let Some(head) = head else {
            return Err(Failure::new(
                Exit::Usage,
                format!("`{}` holds no runs of `ibn evaluate`", path.display()),
            ));
        };
        match &grid {
            Some((known, first)) if *known != head => {
                return Err(Failure::new(
                    Exit::Usage,
                    format!(
                        "`{}` and `{}` are parts of different grids",
                        first.display(),
                        path.display()
                    ),
                )
                .help("merge parts that were made with the same scenarios, recommenders, seeds and version"));
            }
            Some(_) => {}
            None => grid = Some((head.clone(), path.clone())),
        }
        done.extend(read(&text, &head).1);
    }
    let Some((grid, _)) = grid else {
        return Err(Failure::new(
            Exit::Usage,
            format!("there are no runs in `{}`", folder.display()),
        )
        .help("name the folder that `--out` of the parts was, or one that holds those folders"));
    };
    Ok((grid, done))
}

fn find(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if entry.file_type()?.is_dir() {
            if depth > 1 {
                find(&entry.path(), depth - 1, found)?;
            }
        } else if name.starts_with("cells") && name.ends_with(".jsonl") {
            found.push(entry.path());
        }
    }
    Ok(())
}

pub(super) fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::because(
        Exit::Failed,
        format!("`{}` can't be written", path.display()),
        error,
    )
    .help("name a folder that can be written with `--out DIR`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_counted_from_zero_or_one_make_the_whole_once() {
        for parts in [["0/3", "1/3", "2/3"], ["1/3", "2/3", "3/3"]] {
            let parts: Vec<Shard> = parts.iter().map(|text| text.parse().unwrap()).collect();
            for place in 0..20 {
                assert_eq!(parts.iter().filter(|part| part.has(place)).count(), 1);
            }
        }
        for wrong in ["4/3", "1/0", "1", "a/b", "-1/3"] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
        assert_eq!(file_name("3/3".parse().unwrap()), "cells-0-of-3.jsonl");
    }
}
