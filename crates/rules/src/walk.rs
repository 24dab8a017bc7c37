//! Which rules apply to an event, in their order.

use contract::event::{Event, Kind, Purchase};
use contract::program::Pick;
use contract::{BuryReason, Refusal, TierName};

use crate::Compiled;
use crate::compile::CompiledRule;
use crate::condition::{Scope, Seen};
use crate::effect::Effect;

/// A rule that applied.
pub(crate) struct Applied<'a> {
    pub(crate) rule: &'a CompiledRule,
    /// Positions of the lines that it counts, ascending; none for an event without lines.
    pub(crate) lines: Vec<usize>,
}

/// Asks the rules of the event's type one after the other, until one that applied ends the walk.
///
/// The cheap questions come first: a condition is only evaluated, and so can only fail, at a time at which the rule holds and for an order
/// that is large enough and has a line that the rule selects.
pub(crate) fn walk<'a>(
    compiled: &'a Compiled,
    event: &Event,
    tier: Option<&TierName>,
) -> Result<Vec<Applied<'a>>, Refusal> {
    walk_with(compiled, (event, tier), |failed| failed)
}

/// The same for what was kept of an order. A condition that held for the order and cannot be evaluated any more (it asks for a
/// line that came back) does not hold for the rest: the refund itself is not at fault, and must not be buried for it.
pub(crate) fn walk_kept<'a>(
    compiled: &'a Compiled,
    event: &Event,
    tier: Option<&TierName>,
) -> Result<Vec<Applied<'a>>, Refusal> {
    walk_with(compiled, (event, tier), |asked| Ok(asked.unwrap_or(false)))
}

fn walk_with<'a>(
    compiled: &'a Compiled,
    (event, tier): (&Event, Option<&TierName>),
    on_failure: impl Fn(Result<bool, Refusal>) -> Result<bool, Refusal>,
) -> Result<Vec<Applied<'a>>, Refusal> {
    let purchase = match &event.kind {
        Kind::Purchase(purchase) => Some(purchase),
        _ => None,
    };
    let (mut scope, tier) = (None, compiled.tier(tier));
    let mut applied = Vec::new();
    for rule in compiled.rules_on(event.type_name()) {
        if rule.valid.as_ref().is_some_and(|valid| !valid.cover(event.occurred_at, &compiled.zone)) {
            continue;
        }
        if passed_over(rule, &applied) {
            continue;
        }
        let Some(lines) = reached(rule, purchase) else { continue };
        let asked = holds(rule, &mut scope, || {
            let declared = compiled.declared.get(event.type_name());
            Scope::of(Seen { event, zone: &compiled.zone, declared }, tier)
        });
        if on_failure(asked)? {
            applied.push(Applied { rule, lines });
            if rule.stop_after {
                break;
            }
        }
    }
    Ok(applied)
}

/// Whether another rule of its group came first. Of multipliers each line has a first one of its own.
fn passed_over(rule: &CompiledRule, applied: &[Applied<'_>]) -> bool {
    let first = rule.group.as_ref().filter(|group| group.pick == Pick::First);
    let earns = !matches!(rule.effect, Effect::Multiply(_));
    first.is_some_and(|group| earns && applied.iter().any(|other| other.rule.group.as_ref() == Some(group)))
}

/// The lines that the rule selects; `None` when the order is too small or has no such line.
fn reached(rule: &CompiledRule, purchase: Option<&Purchase>) -> Option<Vec<usize>> {
    let Some(purchase) = purchase else { return Some(Vec::new()) };
    if rule.minimum.is_some_and(|minimum| purchase.amount.to_decimal() < minimum) {
        return None;
    }
    Some(rule.picker.pick(&purchase.lines)).filter(|lines| !lines.is_empty())
}

/// What conditions see is bound for the first one that is asked.
fn holds<'e>(
    rule: &CompiledRule,
    scope: &mut Option<Scope<'e>>,
    bind: impl FnOnce() -> Scope<'e>,
) -> Result<bool, Refusal> {
    let Some(condition) = &rule.condition else { return Ok(true) };
    condition.holds(scope.get_or_insert_with(bind)).map_err(|error| {
        let detail = format!("rule `{}` could not be evaluated on this event: {error}", rule.name);
        Refusal::new(BuryReason::RuleFailed, detail)
    })
}
