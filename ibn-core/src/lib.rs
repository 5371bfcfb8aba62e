//! The vocabulary, the traits, the guard and the control engine of `ibn`, without IO.
