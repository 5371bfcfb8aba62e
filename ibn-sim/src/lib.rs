//! The simulated cluster: engines, autoscalers, faults, the twin and environments for learners.
