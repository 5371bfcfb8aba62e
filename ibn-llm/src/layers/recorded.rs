//! Recording of what a translator was asked and answered, and the replay of such a recording.

use std::io::{BufRead, Write};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use ibn_core::catalog::Catalog;
use ibn_core::roles::Translator;
use ibn_core::translation::{Translation, Utterance};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// One line of a recording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Entry {
    utterance: Utterance,
    catalog: Catalog,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answer: Option<Translation>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failure: Option<ibn_core::Error>,
}

/// Writes a line of JSON for each sentence that `T` is asked, with its answer or failure.
///
/// A line that can't be written is lost, and the answer is given all the same.
#[derive(Debug)]
pub struct Recorded<T, W> {
    inner: T,
    sink: Mutex<W>,
}

impl<T, W> Recorded<T, W> {
    /// Writes to `sink`, such as a file opened for appending.
    #[must_use]
    pub fn new(inner: T, sink: W) -> Self {
        Self {
            inner,
            sink: Mutex::new(sink),
        }
    }

    /// Gives the sink back.
    #[must_use]
    pub fn into_sink(self) -> W {
        self.sink
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl<T: Translator, W: Write + Send> Translator for Recorded<T, W> {
    fn name(&self) -> &str {
        self.inner.name()
    }

    async fn translate(
        &self,
        utterance: &Utterance,
        catalog: &Catalog,
    ) -> ibn_core::Result<Translation> {
        let answer = self.inner.translate(utterance, catalog).await;
        let entry = Entry {
            utterance: utterance.clone(),
            catalog: catalog.clone(),
            answer: answer.as_ref().ok().cloned(),
            failure: answer.as_ref().err().cloned(),
        };
        if let Ok(mut line) = serde_json::to_vec(&entry) {
            line.push(b'\n');
            let mut sink = self.sink.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = sink.write_all(&line).and_then(|()| sink.flush());
        }
        answer
    }
}

/// Answers as a recording did: the same question gets the same answers in the same order, the last one over and over.
#[derive(Debug)]
pub struct Replayed {
    entries: Mutex<Vec<Entry>>,
}

impl Replayed {
    /// Reads a recording.
    ///
    /// # Errors
    /// Where it can't be read, or a line of it is no entry.
    pub fn read(recording: impl BufRead) -> Result<Self> {
        let mut entries = Vec::new();
        for (at, line) in recording.lines().enumerate() {
            let line = line.map_err(Error::Io)?;
            if line.trim().is_empty() {
                continue;
            }
            let entry = serde_json::from_str(&line).map_err(|source| Error::Recording {
                line: at + 1,
                source,
            })?;
            entries.push(entry);
        }
        Ok(Self {
            entries: Mutex::new(entries),
        })
    }
}

#[async_trait]
impl Translator for Replayed {
    fn name(&self) -> &str {
        "replayed"
    }

    async fn translate(
        &self,
        utterance: &Utterance,
        catalog: &Catalog,
    ) -> ibn_core::Result<Translation> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let asked = |it: &Entry| it.utterance == *utterance && it.catalog == *catalog;
        let Some(at) = entries.iter().position(asked) else {
            return Err(ibn_core::Error::not_found("the sentence in the recording"));
        };
        let more = entries.iter().skip(at + 1).any(asked);
        let entry = if more {
            entries.remove(at)
        } else {
            match entries.get(at) {
                Some(entry) => entry.clone(),
                None => return Err(ibn_core::Error::not_found("the sentence in the recording")),
            }
        };
        drop(entries);
        match (entry.answer, entry.failure) {
            (Some(answer), _) => Ok(answer),
            (None, Some(failure)) => Err(failure),
            (None, None) => Err(ibn_core::Error::not_found("the answer in the recording")),
        }
    }
}
