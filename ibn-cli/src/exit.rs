//! How a command ends.

use std::process::ExitCode;

use ibn_core::ErrorKind;
use ibn_core::diagnostic::Diagnostic;
use serde::Serialize;

/// How a command ends: its exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Exit {
    /// Done.
    Done = 0,
    /// Failed.
    Failed = 1,
    /// Called in a way that isn't possible.
    Usage = 2,
    /// A question has to be answered first.
    Clarify = 3,
    /// Refused, rejected or infeasible.
    Refused = 4,
    /// A service that is needed can't be reached.
    Unreachable = 5,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// What a command comes to: an end that was reported already, or a failure that is still to be told.
pub(crate) type Outcome = Result<Exit, Failure>;

/// A failure that is told on standard error; small, since every command may return one.
#[derive(Debug)]
pub(crate) struct Failure(Box<Told>);

/// What there is to tell of a failure.
#[derive(Debug, Serialize)]
pub(crate) struct Told {
    /// The exit code.
    pub(crate) exit: Exit,
    /// What went wrong, in a sentence.
    pub(crate) message: String,
    /// Why, from the outside in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) causes: Vec<String>,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) help: Option<String>,
    /// The faults of an input, with the file that they are in and its text.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// The server's word for what went wrong, where one answered.
    #[serde(skip)]
    pub(crate) code: Option<String>,
    /// The file that the faults are in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<String>,
}

impl Failure {
    /// A failure with an exit code and a sentence.
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self(Box::new(Told {
            exit,
            message: message.into(),
            causes: Vec::new(),
            help: None,
            diagnostics: Vec::new(),
            code: None,
            file: None,
        }))
    }

    /// A failure because of another one.
    pub(crate) fn because(
        exit: Exit,
        message: impl Into<String>,
        cause: &dyn std::error::Error,
    ) -> Self {
        let mut failure = Self::new(exit, message);
        let mut cause = Some(cause);
        while let Some(inner) = cause {
            failure.causes.push(inner.to_string());
            cause = inner.source();
        }
        failure
    }

    /// The same with what to do.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The faults of a file.
    pub(crate) fn faults(file: &str, diagnostics: Vec<Diagnostic>) -> Self {
        let message = match diagnostics.len() {
            1 => format!("`{file}` has a fault"),
            n => format!("`{file}` has {n} faults"),
        };
        let mut failure = Self::new(Exit::Usage, message);
        failure.file = Some(file.to_owned());
        failure.diagnostics = diagnostics;
        failure
    }
}

impl std::ops::Deref for Failure {
    type Target = Told;

    fn deref(&self) -> &Told {
        &self.0
    }
}

impl std::ops::DerefMut for Failure {
    fn deref_mut(&mut self) -> &mut Told {
        &mut self.0
    }
}

impl From<ibn_core::Error> for Failure {
    fn from(error: ibn_core::Error) -> Self {
        let exit = match error.kind() {
            ErrorKind::Unavailable => Exit::Unreachable,
            ErrorKind::Refused => Exit::Refused,
            _ => Exit::Failed,
        };
        Self::new(exit, error.to_string())
    }
}

/// Reads a file that a person named.
pub(crate) fn read_file(path: &str) -> Result<String, Failure> {
    let read = if path == "-" {
        std::io::read_to_string(std::io::stdin())
    } else {
        std::fs::read_to_string(path)
    };
    read.map_err(|error| {
        Failure::because(Exit::Usage, format!("can't read `{path}`"), &error)
            .help("name a file that exists and is UTF-8 text, or `-` for standard input")
    })
}
