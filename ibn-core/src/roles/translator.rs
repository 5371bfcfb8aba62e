//! The role that reads sentences.

use async_trait::async_trait;

use crate::catalog::Catalog;
use crate::translation::{Translation, Utterance};

/// Reads a sentence against a closed list of names.
///
/// A translator knows no more of a cluster than the catalog that it is given, and returns values of
/// types only: whatever can't be said in them is a question or a refusal, never an approximation.
///
/// ```
/// use ibn_core::catalog::Catalog;
/// use ibn_core::roles::Translator;
/// use ibn_core::translation::{Refusal, RefusalCode, Translation, Utterance};
///
/// /// Understands nothing, and says so.
/// struct Deaf;
///
/// #[async_trait::async_trait]
/// impl Translator for Deaf {
///     fn name(&self) -> &str {
///         "deaf"
///     }
///
///     async fn translate(&self, utterance: &Utterance, _: &Catalog) -> ibn_core::Result<Translation> {
///         let message = format!("`{}` was not understood", utterance.text);
///         Ok(Translation::Refuse(Refusal { code: RefusalCode::NotUnderstood, message }))
///     }
/// }
/// ```
#[async_trait]
pub trait Translator: Send + Sync {
    /// The name under which it can be chosen.
    fn name(&self) -> &str;

    /// What the sentence means.
    ///
    /// # Errors
    /// Where a service that is needed can't be reached or is refused; a sentence that can't be read is
    /// no error but [`Translation::Clarify`] or [`Translation::Refuse`].
    async fn translate(
        &self,
        utterance: &Utterance,
        catalog: &Catalog,
    ) -> crate::Result<Translation>;
}
