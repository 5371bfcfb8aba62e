//! Assurance: measuring against the intent's objective, forecasting, and judging the last apply.
