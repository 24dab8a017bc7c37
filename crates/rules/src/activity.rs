//! Custom activities whose fields are declared: what is wrong with a declaration, and with an event that does not keep to it.

use std::collections::BTreeMap;

use contract::event::{BUILT_IN_TYPES, Event};
use contract::program::{ACTIVITIES_MAX, Activity, FIELDS_MAX, FieldType};
use contract::ruleset::Ruleset;
use contract::{BuryReason, Currency, EventType, Money, Refusal};
use serde_json::Value;

use crate::check::Faults;

const PATH: &str = "spec.program.activities";

/// What follows the name of a field of money where a condition reads it, as in `amountMinor`.
pub(crate) const MINOR: &str = "Minor";

/// The declared fields of one activity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Declared {
    name: EventType,
    pub(crate) fields: BTreeMap<String, FieldType>,
    currency: Currency,
}

/// What is declared of an event type, if anything is.
pub(crate) fn of(on: &EventType, ruleset: &Ruleset) -> Option<Declared> {
    let Activity { name, fields } = ruleset.program.activities.iter().find(|activity| activity.name == *on)?;
    Some(Declared { name: name.clone(), fields: fields.clone(), currency: ruleset.currency() })
}

/// What is wrong with the activities of a programme.
pub(crate) fn shape(ruleset: &Ruleset, faults: &mut Faults) {
    let activities = &ruleset.program.activities;
    if activities.len() > ACTIVITIES_MAX {
        faults.add(PATH, format!("has {} activities; at most {ACTIVITIES_MAX} are allowed", activities.len()));
    }
    for (index, Activity { name, fields: declared }) in activities.iter().enumerate() {
        if let Some(first) = activities[..index].iter().position(|other| other.name == *name) {
            let problem = format!("`{name}` is also the name of {PATH}[{first}]; declare all of its fields there");
            faults.add(format!("{PATH}[{index}].name"), problem);
        }
        if BUILT_IN_TYPES.contains(&name.as_str()) {
            let problem = format!("`{name}` is built in and has fields of its own; declare an activity of yours");
            faults.add(format!("{PATH}[{index}].name"), problem);
        }
        fields(&format!("{PATH}[{index}].fields"), declared, faults);
    }
}

fn fields(path: &str, fields: &BTreeMap<String, FieldType>, faults: &mut Faults) {
    match fields.len() {
        0 => faults.add(path, "is empty; declare at least one field, or leave the activity out"),
        1..=FIELDS_MAX => {}
        many => faults.add(path, format!("has {many} fields; at most {FIELDS_MAX} are allowed")),
    }
    for (name, of) in fields {
        let begins = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        if !begins || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            let problem =
                "is no name that a condition could read; use letters, digits and `_`, and begin with a letter";
            faults.add(format!("{path}.{name}"), problem);
        }
        if *of == FieldType::Money && fields.contains_key(&format!("{name}{MINOR}")) {
            let problem = format!("is money, which conditions read as `{name}{MINOR}`: rename the field of that name");
            faults.add(format!("{path}.{name}"), problem);
        }
    }
}

impl Declared {
    /// Whether each declared field that the event has is of its type.
    pub(crate) fn check(&self, event: &Event) -> Result<(), Refusal> {
        for (field, of) in &self.fields {
            let Some(value) = event.data.get(field) else { continue };
            let fits = match of {
                FieldType::Int => value.as_i64().is_some(),
                FieldType::Bool => value.is_boolean(),
                FieldType::String => value.is_string(),
                FieldType::Money => self.money(field, value)?.is_some(),
            };
            if !fits {
                return Err(self.wrong_type(field, *of, value));
            }
        }
        Ok(())
    }

    /// Minor units; `None` where it is neither a text nor a whole number.
    fn money(&self, field: &str, value: &Value) -> Result<Option<i64>, Refusal> {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) if number.is_i64() || number.is_u64() => number.to_string(),
            _ => return Ok(None),
        };
        let money = Money::parse(&text, self.currency).map_err(|error| {
            let problem = format!("`data.{field}` {error}; activity `{}` declares it as Money", self.name);
            Refusal::new(BuryReason::BadValue, problem)
        })?;
        Ok(Some(money.minor))
    }

    /// A field of money that a condition names, in minor units.
    pub(crate) fn minor(&self, named: &str, data: &BTreeMap<String, Value>) -> Option<i64> {
        let field = self.of_money(named)?;
        self.money(field, data.get(field)?).ok().flatten()
    }

    /// The field of money that a condition means by this name.
    pub(crate) fn of_money<'n>(&self, named: &'n str) -> Option<&'n str> {
        named.strip_suffix(MINOR).filter(|field| self.fields.get(*field) == Some(&FieldType::Money))
    }

    fn wrong_type(&self, field: &str, of: FieldType, value: &Value) -> Refusal {
        let is = match value {
            Value::Null => "null",
            Value::Bool(_) => "true or false",
            Value::Number(number) if number.is_i64() => "a whole number",
            Value::Number(_) => "a number that is not whole, or too large",
            Value::String(_) => "a text",
            Value::Array(_) => "a list",
            Value::Object(_) => "an object",
        };
        let form = match of {
            FieldType::Int => "a whole number",
            FieldType::Bool => "`true` or `false`",
            FieldType::String => "a text",
            FieldType::Money => "a decimal text such as \"12.50\"",
        };
        let problem = format!(
            "`data.{field}` is {is}, and activity `{}` declares it as {}; send {form}, or leave it out",
            self.name,
            of.as_str()
        );
        Refusal::new(BuryReason::WrongType, problem)
    }
}
