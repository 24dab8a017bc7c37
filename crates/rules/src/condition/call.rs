//! Operators and functions of a condition: which there are, and what they take.

use cel::common::ast::{CallExpr, Expr, LiteralValue, operators};
use cel::{IdedExpr, Program, Value};
use contract::program::Weekday;

use super::check::{Checker, quoted};
use super::schema::Type;
use super::scope;
use crate::suggest::{did_you_mean, not_there};

/// All functions that a condition may call. Their cost is linear in what they look at, and none of them makes
/// a double.
const FUNCTIONS: [&str; 17] = [
    "has",
    "size",
    "startsWith",
    "endsWith",
    "contains",
    "all",
    "exists",
    "exists_one",
    "map",
    "filter",
    "timestamp",
    "duration",
    "getFullYear",
    "getMonth",
    "getDate",
    "getDayOfWeek",
    "getHours",
];

/// Parts of a time; of those that a duration has, too, its whole hours, minutes or seconds.
const PARTS: [&str; 9] = [
    "getFullYear",
    "getMonth",
    "getDate",
    "getDayOfMonth",
    "getDayOfWeek",
    "getDayOfYear",
    "getHours",
    "getMinutes",
    "getSeconds",
];
const PARTS_OF_SPAN: [&str; 3] = ["getHours", "getMinutes", "getSeconds"];

impl Checker<'_> {
    pub(super) fn call(&mut self, expr: &IdedExpr, call: &CallExpr) -> Type {
        match (call.func_name.as_str(), call.target.as_deref(), call.args.as_slice()) {
            (operators::CONDITIONAL, None, [test, yes, no]) => self.choice(expr, [test, yes, no]),
            (operators::LOGICAL_AND | operators::LOGICAL_OR | operators::LOGICAL_NOT, None, operands) => {
                self.logic(sign(&call.func_name), operands)
            }
            (operators::NEGATE, None, [operand]) => self.negate(expr, operand),
            (operators::INDEX, None, [of, at]) => self.index(expr, of, at),
            (operators::IN, None, [item, list]) => self.within(expr, item, list),
            (name, None, [left, right]) if Self::is_operator(name) => self.binary(expr, name, [left, right]),
            ("size", Some(of), []) | ("size", None, [of]) => self.size(expr, of),
            ("startsWith" | "endsWith" | "contains", Some(text), [part]) => {
                self.search(expr, &call.func_name, [text, part])
            }
            ("timestamp" | "duration", None, [text]) => self.time(expr, &call.func_name, text),
            (name, Some(time), zone) if PARTS.contains(&name) && zone.len() <= 1 => self.part(expr, name, (time, zone)),
            (name, ..) => self.unknown_function(expr, name),
        }
    }

    fn unknown_function(&mut self, expr: &IdedExpr, name: &str) -> Type {
        if FUNCTIONS.contains(&name) || PARTS.contains(&name) {
            return self.fault(expr, format!("`{name}` is not called like this; {}", usage(name)));
        }
        let near = did_you_mean(name, FUNCTIONS);
        let hint = match name {
            "int" | "uint" | "double" | "string" | "dyn" => {
                "; amounts and whole numbers in `event.data` are ints already".to_owned()
            }
            _ if near.is_empty() => format!("; there are {}", quoted(&FUNCTIONS)),
            _ => near,
        };
        self.fault(expr, format!("there is no function `{name}`{hint}"))
    }

    fn choice(&mut self, expr: &IdedExpr, [test, yes, no]: [&IdedExpr; 3]) -> Type {
        self.logic("? :", std::slice::from_ref(test));
        let (yes, no) = (self.infer(yes), self.infer(no));
        if !yes.goes_with(&no) {
            return self.fault(expr, format!("`? :` chooses between {yes} and {no}; both must be of one type"));
        }
        if yes == Type::Any { no } else { yes }
    }

    fn logic(&mut self, sign: &str, operands: &[IdedExpr]) -> Type {
        for operand in operands {
            let found = self.infer(operand);
            if !found.goes_with(&Type::Bool) {
                self.fault(operand, format!("is {found}, but `{sign}` takes true or false; compare it with something"));
            }
        }
        Type::Bool
    }

    fn negate(&mut self, expr: &IdedExpr, operand: &IdedExpr) -> Type {
        match self.infer(operand) {
            number @ (Type::Int | Type::Double | Type::Any) => number,
            other => self.fault(expr, format!("`-` takes a number, not {other}")),
        }
    }

    fn index(&mut self, expr: &IdedExpr, of: &IdedExpr, at: &IdedExpr) -> Type {
        let key = at;
        let (of, at) = (self.infer(of), self.infer(at));
        match (of, at) {
            (Type::List(of), Type::Int | Type::Any) => *of,
            (Type::List(_), other) => self.fault(expr, format!("a list is indexed by an int from 0, not by {other}")),
            (Type::Data, Type::Text | Type::Any) | (Type::Any, Type::Text | Type::Int | Type::Any) => Type::Any,
            (Type::Data | Type::Any, other) => {
                self.fault(expr, format!("a map is indexed by a string, not by {other}"))
            }
            (Type::Declared, Type::Text) if literal(key).is_some() => {
                self.declared_field(expr, literal(key).unwrap_or_default(), false)
            }
            (Type::Event | Type::Line | Type::Local | Type::Declared, _) => {
                self.fault(expr, "fields are named after a dot, as in `event.channel`")
            }
            (other, _) => self.fault(expr, format!("{other} has no elements; remove the index")),
        }
    }

    fn within(&mut self, expr: &IdedExpr, item: &IdedExpr, list: &IdedExpr) -> Type {
        let sides = [item, list];
        let (item, list) = (self.infer(item), self.infer(list));
        self.known_names((&item, &list), sides);
        if !comparable(&item, true) {
            return self.fault(expr, format!("`in` cannot look for {item}; look for one of its fields"));
        }
        match list {
            Type::List(of) if !item.goes_with(&of) => self.fault(
                expr,
                format!("`in` looks for {item} in a list of which an element is {of}; both must be of one type"),
            ),
            Type::Data if !item.goes_with(&Type::Text) => {
                self.fault(expr, format!("`in` looks for {item} among the names of a map, which are strings"))
            }
            Type::List(_) | Type::Data | Type::Any => Type::Bool,
            other => self.fault(
                expr,
                format!("`in` needs a list on its right, not {other}; a part of a text is found by `contains`"),
            ),
        }
    }

    fn binary(&mut self, expr: &IdedExpr, name: &str, [left, right]: [&IdedExpr; 2]) -> Type {
        let by_macro = Self::is_result(left);
        let sides = [left, right];
        let (left, right) = (self.infer(left), self.infer(right));
        self.known_names((&left, &right), sides);
        match name {
            operators::EQUALS | operators::NOT_EQUALS => self.compare(expr, name, [&left, &right]),
            operators::LESS | operators::LESS_EQUALS | operators::GREATER | operators::GREATER_EQUALS => {
                self.compare(expr, name, [&left, &right])
            }
            _ => match arithmetic(name, &left, &right, by_macro) {
                Some(found) => found,
                None => self.fault(expr, no_arithmetic(sign(name), &left, &right)),
            },
        }
    }

    /// A tier that is compared with a name is one of the programme's, and a day of the week one that there is.
    fn known_names(&mut self, (left, right): (&Type, &Type), [of_left, of_right]: [&IdedExpr; 2]) {
        let (of, other) = match (left, right) {
            (Type::Tier | Type::Weekday, _) => (left, of_right),
            (_, Type::Tier | Type::Weekday) => (right, of_left),
            _ => return,
        };
        let written = match &other.expr {
            Expr::List(list) => list.elements.as_slice(),
            _ => std::slice::from_ref(other),
        };
        for name in written {
            let Some(text) = literal(name) else { continue };
            let tiers = self.knows.tiers;
            if *of == Type::Tier && !tiers.contains(&text) {
                self.fault(name, not_there("tier", text, tiers.iter().copied()));
            }
            let days = Weekday::ALL.map(Weekday::as_str);
            if *of == Type::Weekday && !days.contains(&text) {
                let near = did_you_mean(text, days);
                let hint = if near.is_empty() { format!("; there are {}", quoted(&days)) } else { near };
                self.fault(name, format!("there is no day of the week `{text}`{hint}"));
            }
        }
    }

    fn compare(&mut self, expr: &IdedExpr, name: &str, [left, right]: [&Type; 2]) -> Type {
        let sign = sign(name);
        if matches!((left, right), (Type::Double, Type::Int) | (Type::Int, Type::Double)) {
            let problem = "compares an int with a double; amounts are whole minor units: write 1250 for 12.50";
            return self.fault(expr, format!("`{sign}` {problem}"));
        }
        if !left.goes_with(right) {
            return self.fault(expr, format!("`{sign}` compares {left} with {right}; both sides must be of one type"));
        }
        let either = if *left == Type::Any { right } else { left };
        let fits = comparable(either, matches!(name, operators::EQUALS | operators::NOT_EQUALS));
        if fits {
            Type::Bool
        } else {
            self.fault(expr, format!("`{sign}` cannot compare {left} with {right}; compare their parts"))
        }
    }

    fn size(&mut self, expr: &IdedExpr, of: &IdedExpr) -> Type {
        match self.infer(of) {
            Type::Text | Type::List(_) | Type::Data | Type::Any => Type::Int,
            other => self.fault(expr, format!("`size` is asked of {other}; it takes a string, a list or a map")),
        }
    }

    fn search(&mut self, expr: &IdedExpr, name: &str, [text, part]: [&IdedExpr; 2]) -> Type {
        for side in [text, part] {
            let found = self.infer(side);
            if matches!(found, Type::List(_)) {
                return self.fault(
                    expr,
                    format!("`{name}` looks into a string; an element of a list is found by `x in list`"),
                );
            }
            if !found.goes_with(&Type::Text) {
                return self.fault(expr, format!("`{name}` takes strings, not {found}"));
            }
        }
        Type::Bool
    }

    fn time(&mut self, expr: &IdedExpr, name: &str, text: &IdedExpr) -> Type {
        let found = self.infer(text);
        if !found.goes_with(&Type::Text) {
            return self.fault(expr, format!("`{name}` takes a string, not {found}"));
        }
        if literal(text).is_some() && Value::resolve(expr, scope::root()).is_err() {
            let form = if name == "timestamp" { "'2026-11-01T00:00:00Z'" } else { "'36h' or '90m'" };
            return self.fault(text, format!("is not a {name}; write it like {form}"));
        }
        if name == "timestamp" { Type::Time } else { Type::Span }
    }

    fn part(&mut self, expr: &IdedExpr, name: &str, (time, zone): (&IdedExpr, &[IdedExpr])) -> Type {
        match self.infer(time) {
            Type::Time => {}
            Type::Span if PARTS_OF_SPAN.contains(&name) && zone.is_empty() => return Type::Int,
            other => return self.fault(expr, format!("`{name}` is asked of {other}; ask it of `event.occurredAt`")),
        }
        if let Some(zone) = zone.first().filter(|zone| !literal(zone).is_some_and(is_zone)) {
            self.fault(zone, "is not a time zone; write its name as a text, such as 'Europe/Berlin'");
        }
        Type::Int
    }
}

fn comparable(of: &Type, equality: bool) -> bool {
    match of {
        Type::Event | Type::Line | Type::Local | Type::Member | Type::Data | Type::Declared => false,
        Type::Int | Type::Double | Type::Text | Type::Time | Type::Span | Type::Any => true,
        // Of names the letters say nothing about which is higher.
        Type::Bool | Type::Null | Type::Tier | Type::Weekday => equality,
        Type::List(of) => equality && comparable(of, equality),
    }
}

fn literal(expr: &IdedExpr) -> Option<&str> {
    match &expr.expr {
        Expr::Literal(LiteralValue::String(text)) => Some(text.inner()),
        _ => None,
    }
}

/// Whether the evaluator knows the zone: only it can tell.
fn is_zone(name: &str) -> bool {
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || "/_+-:".contains(c));
    let asked = format!("timestamp('2026-01-01T00:00:00Z').getHours('{name}')");
    plain && Program::compile(&asked).is_ok_and(|program| program.execute(scope::root()).is_ok())
}

/// The result of an arithmetic operator, or `None` when it does not go. Lists are only added by macros: by
/// hand they would make a list longer than the event is.
fn arithmetic(name: &str, left: &Type, right: &Type, by_macro: bool) -> Option<Type> {
    use Type::{Any, Int, List, Span, Text, Time};
    match (name, left, right) {
        (operators::ADD, List(_), List(of)) if by_macro => Some(List(of.clone())),
        (_, Int, Int) => Some(Int),
        (operators::ADD, Text, Text | Any) | (operators::ADD, Any, Text) => Some(Text),
        (operators::ADD | operators::SUBSTRACT, Time, Span) | (operators::ADD, Span, Time) => Some(Time),
        (operators::ADD | operators::SUBSTRACT, Span, Span) | (operators::SUBSTRACT, Time, Time) => Some(Span),
        (_, Any, Any | Int) | (_, Int, Any) => Some(Any),
        _ => None,
    }
}

fn no_arithmetic(sign: &str, left: &Type, right: &Type) -> String {
    if [left, right].contains(&&Type::Double) {
        return format!("`{sign}` cannot compute with doubles; amounts are whole minor units: write 1250 for 12.50");
    }
    format!("`{sign}` does not go with {left} and {right}")
}

/// `_&&_` as it is written.
fn sign(name: &str) -> &str {
    match name {
        operators::IN => "in",
        name => name.trim_matches('_'),
    }
}

fn usage(name: &str) -> String {
    match name {
        "has" => "write `has(event.data.field)`".to_owned(),
        "size" => "write `event.lines.size()`".to_owned(),
        "startsWith" | "endsWith" | "contains" => format!("write `event.channel.{name}('...')`"),
        "timestamp" => "write `timestamp('2026-11-01T00:00:00Z')`".to_owned(),
        "duration" => "write `duration('36h')`".to_owned(),
        name if PARTS.contains(&name) => format!("write `event.occurredAt.{name}('Europe/Berlin')`"),
        name => format!("write `event.lines.{name}(line, line.amountMinor > 0)`"),
    }
}
