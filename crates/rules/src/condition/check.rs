//! Types of a condition: CEL's own evaluator learns of a wrong field or type only from an event.

use cel::common::ast::{ComprehensionExpr, Expr, LiteralValue, SelectExpr, operators};
use cel::{IdedExpr, Program};
use contract::program::FieldType;

use super::fault::Fault;
use super::schema::{self, Type};
use crate::activity::{Declared, MINOR};
use crate::suggest::did_you_mean;

/// Levels of the syntax tree. The evaluator recurses for each on its caller's stack, and takes 48 KiB of it for
/// one in a debug build. A chain of `&&` or `||` counts little: the parser balances it.
const DEPTH_MAX: usize = 16;

/// Variables of a macro: its element and its result so far.
pub(super) struct Local {
    name: String,
    of: Type,
}

/// How an expression reads `event.data`, whose size is the producer's choice.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct DataReads {
    pub(super) anywhere: bool,
    /// Times that it is read for each element of a list.
    pub(super) in_macros: usize,
}

/// What the programme says that a condition may name.
#[derive(Clone, Copy)]
pub(super) struct Knows<'a> {
    /// The type of the events.
    pub(super) on: &'a str,
    /// Names of the programme's tiers; none where it has none.
    pub(super) tiers: &'a [&'a str],
    /// The fields of `event.data`, where they are declared.
    pub(super) declared: Option<&'a Declared>,
}

/// One walk over an expression.
pub(super) struct Checker<'a> {
    pub(super) program: &'a Program,
    pub(super) text: &'a str,
    pub(super) knows: Knows<'a>,
    locals: Vec<Local>,
    in_body: bool,
    depth: usize,
    deep_was_told: bool,
    reads: DataReads,
    faults: Vec<Fault>,
}

/// How the condition reads `event.data`; `Err` with all that is wrong with it.
pub(super) fn check(program: &Program, text: &str, knows: Knows<'_>) -> Result<DataReads, Vec<Fault>> {
    let mut checker = Checker {
        program,
        text,
        knows,
        locals: Vec::new(),
        in_body: false,
        depth: 0,
        deep_was_told: false,
        reads: DataReads::default(),
        faults: Vec::new(),
    };
    let root = program.expression();
    let found = checker.infer(root);
    if checker.faults.is_empty() && found != Type::Bool {
        let problem = match found {
            Type::Any => "may be anything; compare it, as in `event.data.vip == true`".to_owned(),
            found => format!("is {found}; a condition must be true or false: compare it with something"),
        };
        checker.fault(root, problem);
    }
    if checker.faults.is_empty() { Ok(checker.reads) } else { Err(checker.faults) }
}

impl Checker<'_> {
    /// The type of an expression. After a fault it is `Any`, so that one mistake is told once.
    pub(super) fn infer(&mut self, expr: &IdedExpr) -> Type {
        if self.depth == DEPTH_MAX {
            return self.too_deep(expr);
        }
        self.depth += 1;
        let found = match &expr.expr {
            Expr::Literal(literal) => self.literal(expr, literal),
            Expr::Ident(name) => self.name(expr, name),
            Expr::Select(select) => self.select(expr, select),
            Expr::Call(call) => self.call(expr, call),
            Expr::List(list) => self.list(&list.elements),
            Expr::Comprehension(comprehension) => self.comprehension(expr, comprehension),
            Expr::Map(_) => self.fault(expr, "maps cannot be written here; use a list"),
            Expr::Struct(_) => self.fault(expr, "messages cannot be written here; compare fields one by one"),
            Expr::Unspecified => self.fault(expr, "is not an expression"),
        };
        self.depth -= 1;
        found
    }

    /// Told at the first place only: what is too deep is so in many.
    fn too_deep(&mut self, expr: &IdedExpr) -> Type {
        if std::mem::replace(&mut self.deep_was_told, true) {
            return Type::Any;
        }
        self.fault(expr, format!("is more than {DEPTH_MAX} levels deep; make it two rules"))
    }

    pub(super) fn fault(&mut self, expr: &IdedExpr, problem: impl Into<String>) -> Type {
        let byte = self.byte_of(expr);
        let fault = Fault::at(self.text, byte, problem);
        // A macro puts one written expression in several places.
        if !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
        Type::Any
    }

    /// Where a person would point: the parser notes a field's dot and a call's bracket.
    fn byte_of(&self, expr: &IdedExpr) -> usize {
        let start = self.program.source_info().offset_for(expr.id).map_or(0, |(start, _)| start);
        let start = usize::try_from(start).unwrap_or(0);
        let (before, after) = self.text.split_at_checked(start).unwrap_or((self.text, ""));
        if let Some(field) = after.strip_prefix('.') {
            return start + 1 + (field.len() - field.trim_start().len());
        }
        if after.starts_with('(') {
            let name = before.trim_end();
            return name.rfind(|c: char| !c.is_ascii_alphanumeric() && c != '_').map_or(0, |at| at + 1);
        }
        start
    }

    fn literal(&mut self, expr: &IdedExpr, literal: &LiteralValue) -> Type {
        match literal {
            LiteralValue::Boolean(_) => Type::Bool,
            LiteralValue::Int(_) => Type::Int,
            LiteralValue::String(_) => Type::Text,
            LiteralValue::Double(_) => Type::Double,
            LiteralValue::Null => Type::Null,
            LiteralValue::UInt(_) => self.fault(expr, "numbers here are ints; write it without the `u`"),
            LiteralValue::Bytes(_) => {
                self.fault(expr, "there are no bytes in an event; write a string, without the `b`")
            }
        }
    }

    fn name(&mut self, expr: &IdedExpr, name: &str) -> Type {
        if let Some(local) = self.locals.iter().rev().find(|local| local.name == name) {
            return local.of.clone();
        }
        match name {
            "event" => Type::Event,
            "member" if self.knows.tiers.is_empty() => {
                self.fault(expr, "there is no `member`, as the programme has no tiers; who it is, is `event.member`")
            }
            "member" => Type::Member,
            "now" => self.fault(expr, "there is no `now`; the event's own time is `event.occurredAt`"),
            _ => {
                let near = did_you_mean(name, ["event", "true", "false", "null"]);
                let hint =
                    if near.is_empty() { "; a condition sees `event`, and text stands in quotes" } else { &near };
                self.fault(expr, format!("there is no `{name}`{hint}"))
            }
        }
    }

    fn select(&mut self, expr: &IdedExpr, select: &SelectExpr) -> Type {
        let field = select.field.as_str();
        match self.infer(&select.operand) {
            Type::Event | Type::Line | Type::Local | Type::Member if select.test => {
                self.fault(expr, format!("`{field}` is always there; compare it, with '' for one that was not sent"))
            }
            Type::Data | Type::Any if select.test => Type::Bool,
            Type::Data | Type::Any => Type::Any,
            Type::Declared => self.declared_field(expr, field, select.test),
            Type::Local => schema::local_field(field).unwrap_or_else(|| {
                let known = schema::local_fields();
                self.fault(expr, format!("the local time has no `{field}`{}", near_or_all(field, &known)))
            }),
            Type::Event => self.event_field(expr, field),
            Type::Member if field == "tier" => Type::Tier,
            Type::Member => self.fault(expr, format!("a member has no field `{field}`; there is `member.tier`")),
            Type::Line => schema::line_field(field).unwrap_or_else(|| {
                let known = schema::line_fields();
                self.fault(expr, format!("a line has no field `{field}`{}", near_or_all(field, &known)))
            }),
            Type::List(_) => self
                .fault(expr, format!("a list has no field `{field}`; ask `exists(line, line.{field} == ...)` of it")),
            other => self.fault(expr, format!("{other} has no fields; remove `.{field}`")),
        }
    }

    fn event_field(&mut self, expr: &IdedExpr, field: &str) -> Type {
        let purchase = self.knows.on == "purchase";
        if field == "lines" && self.in_body {
            return self.fault(expr, "`event.lines` cannot be read within a macro; a macro sees one element at a time");
        }
        if field == "data" {
            self.reads.anywhere = true;
            self.reads.in_macros += usize::from(self.in_body);
            if self.knows.declared.is_some() {
                return Type::Declared;
            }
        }
        if let Some(found) = schema::event_field(field, purchase) {
            return found;
        }
        if schema::event_field(field, true).is_some() {
            let problem = format!("only a purchase has `{field}`; this rule is on `{}`", self.knows.on);
            return self.fault(expr, problem);
        }
        let near = did_you_mean(field, schema::event_fields(purchase));
        let hint = if near.is_empty() { format!("; what a producer adds is in `event.data.{field}`") } else { near };
        self.fault(expr, format!("an event has no field `{field}`{hint}"))
    }

    /// A field of `event.data` that the programme declares; `test` asks only whether it is there.
    pub(super) fn declared_field(&mut self, expr: &IdedExpr, field: &str, test: bool) -> Type {
        let Some(declared) = self.knows.declared else { return Type::Any };
        if declared.of_money(field).is_some() {
            return if test { Type::Bool } else { Type::Int };
        }
        match declared.fields.get(field) {
            Some(_) if test => Type::Bool,
            Some(FieldType::Int) => Type::Int,
            Some(FieldType::Bool) => Type::Bool,
            Some(FieldType::String) => Type::Text,
            Some(FieldType::Money) => {
                self.fault(expr, format!("`{field}` is money; read `{field}{MINOR}`, which is in whole minor units"))
            }
            None => {
                let known: Vec<&str> = declared.fields.keys().map(String::as_str).collect();
                let near = near_or_all(field, &known);
                self.fault(expr, format!("activity `{}` declares no field `{field}`{near}", self.knows.on))
            }
        }
    }

    /// Elements of one type; what a producer sent goes with all.
    fn list(&mut self, elements: &[IdedExpr]) -> Type {
        let mut of = Type::Any;
        for element in elements {
            let found = self.infer(element);
            if !of.goes_with(&found) {
                self.fault(element, format!("is {found} in a list of which an element is {of}; a list has one type"));
            } else if of == Type::Any {
                of = found;
            }
        }
        Type::List(Box::new(of))
    }

    /// A macro, already spelled out by the parser: what it adds is well-typed, so its types follow from its parts.
    fn comprehension(&mut self, expr: &IdedExpr, comprehension: &ComprehensionExpr) -> Type {
        if self.in_body {
            return self.fault(expr, "macros cannot stand within macros; make it two rules, or ask for each alone");
        }
        let element = match self.infer(&comprehension.iter_range) {
            Type::List(of) => *of,
            Type::Any => Type::Any,
            other => return self.fault(expr, format!("is asked of {other}; macros go over lists")),
        };
        let start = self.infer(&comprehension.accu_init);
        self.in_body = true;
        self.locals.push(Local { name: comprehension.accu_var.clone(), of: start });
        self.locals.push(Local { name: comprehension.iter_var.clone(), of: element });
        let step = self.infer(&comprehension.loop_step);
        self.locals.pop();
        self.in_body = false;
        if let Some(result) = self.locals.last_mut() {
            result.of = step;
        }
        let found = self.infer(&comprehension.result);
        self.locals.pop();
        found
    }

    /// Whether this is the result so far of a macro, which only a macro can name.
    pub(super) fn is_result(expr: &IdedExpr) -> bool {
        matches!(&expr.expr, Expr::Ident(name) if name.starts_with('@'))
    }

    /// Whether the operator was written by a macro and not by a person.
    pub(super) fn is_operator(name: &str) -> bool {
        name.starts_with('_') || name.ends_with('_') || name == operators::IN
    }
}

fn near_or_all(given: &str, known: &[&str]) -> String {
    let near = did_you_mean(given, known.iter().copied());
    if near.is_empty() { format!("; it has {}", quoted(known)) } else { near }
}

pub(super) fn quoted(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
