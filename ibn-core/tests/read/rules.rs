//! Rules on typed values.
