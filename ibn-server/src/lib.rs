//! HTTP API, web GUI, metrics and events.
