//! Intent-based orchestration for Kubernetes: re-exports of the parts, behind features.
