//! Translators: from a sentence to a typed intent.
