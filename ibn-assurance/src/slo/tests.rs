//! Tests of windows and burn rates.
