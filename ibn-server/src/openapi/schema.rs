//! Stand-ins by whose names own types refer to types of the core; their schemas stand in [`super::core`].

use std::borrow::Cow;

use utoipa::openapi::{ObjectBuilder, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

macro_rules! stand_ins {
    ($($name:ident)+) => {$(
        pub(crate) struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new().into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($name))
            }
        }
    )+};
}

stand_ins! {
    AdmissionOutcome Allocation Assessment Catalog Decision DecisionId Diagnostic Envelope HeldField Intent
    IntentKey IntentSpec IntentState Mode Notice Observation PodResources QuotaLimits Receipt Translation WorkloadRef WorkloadState
    SignalHealth WhatIf
}
