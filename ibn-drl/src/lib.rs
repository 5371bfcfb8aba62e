//! Reinforcement learning on plain arrays: learners, training, evaluation, checkpoints.
