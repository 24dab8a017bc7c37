//! Groups of rules: what is wrong with them as they are written, and which awards of a group stay.

use contract::decision::{Award, Passed, Picked};
use contract::program::{GROUPS_MAX, Group, PRIORITY_MAX, Pick, Rule};
use contract::ruleset::Ruleset;
use contract::{GroupName, RuleName, Scale};

use crate::check::Faults;
use crate::suggest::not_there;

const PATH: &str = "spec.program.groups";

/// The group of a rule, where it picks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Picks {
    pub(crate) name: GroupName,
    /// Never `All`.
    pub(crate) pick: Pick,
}

/// The group that a rule is one of, if that picks.
pub(crate) fn of(rule: &Rule, ruleset: &Ruleset) -> Option<Picks> {
    let named = rule.group.as_ref()?;
    let group = ruleset.program.groups.iter().find(|group| group.name == *named && group.pick != Pick::All)?;
    Some(Picks { name: group.name.clone(), pick: group.pick })
}

/// Whether one of the two rules may stand where the other does: it is the same, or a group picks one of them.
pub(crate) fn in_place(ruleset: &Ruleset, one: &RuleName, other: &RuleName) -> bool {
    let picks =
        |name: &RuleName| ruleset.rules.iter().find(|rule| rule.name == *name).and_then(|rule| of(rule, ruleset));
    one == other || picks(one).is_some_and(|group| picks(other) == Some(group))
}

/// What is wrong with the groups of a programme.
pub(crate) fn shape(ruleset: &Ruleset, faults: &mut Faults) {
    let groups = &ruleset.program.groups;
    if groups.len() > GROUPS_MAX {
        faults.add(PATH, format!("has {} groups; at most {GROUPS_MAX} are allowed", groups.len()));
    }
    for (index, group) in groups.iter().enumerate() {
        if let Some(first) = groups[..index].iter().position(|other| other.name == group.name) {
            let problem = format!("`{}` is also the name of {PATH}[{first}]; give each group its own", group.name);
            faults.add(format!("{PATH}[{index}].name"), problem);
        }
    }
}

/// What is wrong with a rule's place among the others.
pub(crate) fn of_rule(path: &str, (rule, index): (&Rule, usize), ruleset: &Ruleset, faults: &mut Faults) {
    if rule.priority.abs() > PRIORITY_MAX {
        let problem = format!("is {}; give -{PRIORITY_MAX} to {PRIORITY_MAX}", rule.priority);
        faults.add(format!("{path}.priority"), problem);
    }
    let Some(name) = &rule.group else { return };
    let groups = &ruleset.program.groups;
    let Some(group) = groups.iter().find(|group| group.name == *name) else {
        let known = groups.iter().map(|group| group.name.as_str());
        return faults.add(format!("{path}.group"), not_there("group", name.as_str(), known));
    };
    let before = ruleset.rules[..index].iter().find(|other| other.group.as_ref() == Some(name));
    if let Some(before) = before.filter(|_| group.pick != Pick::All) {
        alike(path, group, (before, rule), faults);
    }
}

/// Rules of which one stands in the other's place give the same kind of thing: a refund may find the other one.
fn alike(path: &str, group: &Group, (before, rule): (&Rule, &Rule), faults: &mut Faults) {
    let (Group { name, .. }, other) = (group, &before.name);
    match (&before.earn, &rule.earn) {
        (Some(one), Some(two)) if one.wallet != two.wallet => {
            let problem = format!(
                "is `{}`, and rule `{other}` of group `{name}` gives into `{}`; a group that picks gives into one wallet",
                two.wallet, one.wallet
            );
            faults.add(format!("{path}.earn.wallet"), problem);
        }
        (Some(one), Some(two)) if one.budget != two.budget => {
            let told =
                |budget: &Option<_>| budget.as_ref().map_or("no budget".to_owned(), |name| format!("budget `{name}`"));
            let problem = format!(
                "would let the rule give out of {}, and rule `{other}` of group `{name}` gives out of {}; a group that picks gives out of one",
                told(&two.budget),
                told(&one.budget)
            );
            faults.add(format!("{path}.earn.budget"), problem);
        }
        (Some(_), None) | (None, Some(_)) => {
            let problem = format!("`{name}` has rules that earn and rules that multiply; make it two groups");
            faults.add(format!("{path}.group"), problem);
        }
        _ => {}
    }
}

/// An award with the group that its rule is one of, and the scale of its wallet.
pub(crate) struct Grouped<'a> {
    pub(crate) award: Award,
    pub(crate) picks: Option<&'a Picks>,
    pub(crate) scale: Scale,
}

/// The awards that stay: of each group that picks one.
pub(crate) fn pick(awards: Vec<Grouped<'_>>) -> Vec<Award> {
    let mut stay: Vec<Grouped<'_>> = Vec::with_capacity(awards.len());
    for mut next in awards {
        let Some(picks) = next.picks else {
            stay.push(next);
            continue;
        };
        let Some(at) = stay.iter().position(|known| known.picks == Some(picks)) else {
            let Picks { name, pick } = picks.clone();
            next.award.inputs.group = Some(Picked { name, pick, over: Vec::new() });
            stay.push(next);
            continue;
        };
        // The rules come in their order: of equals the first stays.
        let known = &mut stay[at];
        let mut group = known.award.inputs.group.take();
        let is_better = picks.pick == Pick::Best && next.award.points > known.award.points;
        let passed = if is_better { &known.award } else { &next.award };
        if let Some(group) = &mut group {
            group.over.push(Passed { rule: passed.rule.clone(), points: passed.points.to_decimal(next.scale) });
        }
        let stays = if is_better { &mut next.award } else { &mut known.award };
        stays.inputs.group = group;
        if is_better {
            // In the place of its own rule, after those before it.
            stay.remove(at);
            stay.push(next);
        }
    }
    stay.into_iter().map(|grouped| grouped.award).collect()
}
