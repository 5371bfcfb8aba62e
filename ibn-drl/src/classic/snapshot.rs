//! Snapshots as bytes.
//!
//! The mark, the version, the length of the name and the name, then numbers of eight bytes, the least byte first.

use ibn_core::{Error, Result};

const MARK: &[u8] = b"ibn-classic";
const VERSION: u8 = 1;

fn refuse(reason: impl ToString) -> Error {
    Error::invalid("the snapshot", reason)
}

pub(super) fn write(name: &str, words: &[u64]) -> Vec<u8> {
    let mut bytes = MARK.to_vec();
    bytes.extend([VERSION, name.len() as u8]);
    bytes.extend(name.as_bytes());
    bytes.extend(words.iter().flat_map(|word| word.to_le_bytes()));
    bytes
}

/// The numbers of a snapshot of what is called `name`, `count` of them.
pub(super) fn read(name: &str, count: usize, bytes: &[u8]) -> Result<Vec<u64>> {
    let Some([version, len, rest @ ..]) = bytes.strip_prefix(MARK) else {
        return Err(refuse("it is not of one of these environments"));
    };
    if *version != VERSION {
        return Err(refuse(format!(
            "its form is version {version}, expected is {VERSION}"
        )));
    }
    let Some((of, rest)) = rest.split_at_checked(usize::from(*len)) else {
        return Err(refuse("it ends within its name"));
    };
    if of != name.as_bytes() {
        return Err(refuse(format!(
            "it is of `{}`, expected is `{name}`",
            String::from_utf8_lossy(of)
        )));
    }
    let (words, odd) = rest.as_chunks::<8>();
    if words.len() != count || !odd.is_empty() {
        return Err(refuse(format!(
            "its state is of {} bytes, expected are {}",
            rest.len(),
            8 * count
        )));
    }
    Ok(words.iter().map(|word| u64::from_le_bytes(*word)).collect())
}

/// What is read, but can't be.
pub(super) fn impossible() -> Error {
    refuse("its state is none that the environment can be in")
}
