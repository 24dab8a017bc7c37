//! Groups of rules: what is wrong with them as they are written, and which awards of a group stay.

use contract::decision::{Award, AwardInputs, Passed, Picked};
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

/// An award with what its group needs to know.
pub(crate) struct Grouped<'a> {
    award: Award,
    picks: Option<&'a Picks>,
    /// Of the wallet.
    scale: Scale,
    /// Those that it was picked over so far.
    over: Vec<Passed>,
}

impl<'a> Grouped<'a> {
    pub(crate) fn new(award: Award, picks: Option<&'a Picks>, scale: Scale) -> Self {
        Self { award, picks, scale, over: Vec::new() }
    }

    /// Whether it stands in the place of one of its group that came before it: of equals the first stays.
    fn beats(&self, before: &Self) -> bool {
        self.picks.is_some_and(|group| group.pick == Pick::Best) && self.award.points > before.award.points
    }

    fn picked_over(mut self, other: Self) -> Self {
        let Award { rule, points, .. } = other.award;
        self.over.extend(other.over);
        self.over.push(Passed { rule, points: points.to_decimal(other.scale) });
        self
    }

    fn told(self) -> Award {
        let picked = self.picks.cloned().map(|Picks { name, pick }| Picked { name, pick, over: self.over });
        let inputs = AwardInputs { group: picked, ..self.award.inputs };
        Award { inputs, ..self.award }
    }
}

/// The awards that stay, in the order of their rules: of each group that picks one.
pub(crate) fn pick(awards: Vec<Grouped<'_>>) -> Vec<Award> {
    let mut stay: Vec<Grouped<'_>> = Vec::with_capacity(awards.len());
    for next in awards {
        let known = stay.iter().position(|known| known.picks.is_some() && known.picks == next.picks);
        match known {
            None => stay.push(next),
            Some(at) if next.beats(&stay[at]) => {
                let passed = stay.remove(at);
                stay.push(next.picked_over(passed));
            }
            Some(at) => {
                let stays = stay.remove(at);
                stay.insert(at, stays.picked_over(next));
            }
        }
    }
    stay.into_iter().map(Grouped::told).collect()
}
