//! The Kubernetes side: custom resources, orchestrator, cluster monitor and controller.
