//! Layers around a translator: each is a translator itself, and they stack.
//!
//! ```
//! use std::time::Duration;
//! use ibn_llm::GrammarTranslator;
//! use ibn_llm::layers::{Cached, Retrying, TimedOut};
//!
//! let inner = TimedOut::new(GrammarTranslator::new(), Duration::from_secs(5));
//! let translator = Cached::new(Retrying::new(inner, 3, Duration::from_millis(200)), 128);
//! assert_eq!(ibn_core::roles::Translator::name(&translator), "grammar");
//! ```

mod cached;
mod limited;
mod recorded;
mod retrying;
mod scripted;
mod timed_out;

pub use cached::Cached;
pub use limited::{Budget, Limited};
pub use recorded::{Recorded, Replayed};
pub use retrying::Retrying;
pub use scripted::Scripted;
pub use timed_out::TimedOut;
