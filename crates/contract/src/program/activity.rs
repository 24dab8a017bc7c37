//! What a custom activity says.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::EventType;

/// Most activities of a programme that are declared.
pub const ACTIVITIES_MAX: usize = 64;

/// Most fields of one activity; each is looked at in each of its events.
pub const FIELDS_MAX: usize = 64;

/// The fields of an activity's `data`, so that conditions on it are checked, and an event with another type in one is buried. What is not
/// declared may be sent, and is passed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Activity {
    /// The type of its events; not one that is built in.
    pub name: EventType,
    /// Names and types, such as `stars: Int`. An event may leave a field out: conditions ask `has(event.data.stars)`.
    #[cfg_attr(feature = "schema", schemars(extend("maxProperties" = 64)))]
    pub fields: BTreeMap<String, FieldType>,
}

/// The type of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum FieldType {
    /// A whole number of 64 bits.
    Int,
    /// `true` or `false`.
    Bool,
    /// A text.
    String,
    /// An amount in the programme's currency, as a decimal text or a whole number; conditions see `NAMEMinor`, in whole minor units.
    Money,
}

impl FieldType {
    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Int => "Int",
            Self::Bool => "Bool",
            Self::String => "String",
            Self::Money => "Money",
        }
    }
}
