//! Arguments and headers between our words and the library's.

use std::collections::BTreeMap;

use contract::broker_object::{Argument, Arguments};
use lapin::types::{AMQPValue, FieldTable};

use super::short;
use crate::OperationError;

pub(super) fn empty() -> FieldTable {
    FieldTable::default()
}

pub(super) fn from_arguments(action: &str, arguments: &Arguments) -> Result<FieldTable, OperationError> {
    let mut table = FieldTable::default();
    for (name, value) in arguments {
        let value = match value {
            Argument::Bool(value) => AMQPValue::Boolean(*value),
            Argument::Int(value) => AMQPValue::LongLongInt(*value),
            Argument::Text(value) => AMQPValue::LongString(value.as_str().into()),
        };
        table.insert(short(action, name)?, value);
    }
    Ok(table)
}

pub(super) fn from_headers(action: &str, headers: &BTreeMap<String, String>) -> Result<FieldTable, OperationError> {
    let mut table = FieldTable::default();
    for (name, value) in headers {
        table.insert(short(action, name)?, AMQPValue::LongString(value.as_str().into()));
    }
    Ok(table)
}

/// Each header as a text; tables and arrays as their debug form, for they are only shown.
pub(super) fn to_headers(table: &FieldTable) -> BTreeMap<String, String> {
    table.inner().iter().map(|(name, value)| (name.to_string(), to_text(value))).collect()
}

fn to_text(value: &AMQPValue) -> String {
    match value {
        AMQPValue::Boolean(value) => value.to_string(),
        AMQPValue::ShortShortInt(value) => value.to_string(),
        AMQPValue::ShortShortUInt(value) => value.to_string(),
        AMQPValue::ShortInt(value) => value.to_string(),
        AMQPValue::ShortUInt(value) => value.to_string(),
        AMQPValue::LongInt(value) => value.to_string(),
        AMQPValue::LongUInt(value) => value.to_string(),
        AMQPValue::LongLongInt(value) => value.to_string(),
        AMQPValue::Timestamp(value) => value.to_string(),
        AMQPValue::Float(value) => value.to_string(),
        AMQPValue::Double(value) => value.to_string(),
        AMQPValue::ShortString(value) => value.to_string(),
        AMQPValue::LongString(value) => String::from_utf8_lossy(value.as_bytes()).into_owned(),
        AMQPValue::Void => String::new(),
        other => format!("{other:?}"),
    }
}
