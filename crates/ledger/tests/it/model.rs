//! A plain, slow and obviously right ledger: every point is a thing of its own, and is moved one at a time.
//!
//! Shares no arithmetic and no allocation with the real one. What orders are worth is the programme of [`crate::world`]: a point a
//! cent, +50 for an order of one line.

use std::collections::BTreeMap;

use contract::event::{Event, Kind, LineRef, OfOrder, Purchase, Refund};
use contract::program::TakeBack;
use jiff::{SignedDuration, Timestamp};

mod order;
mod reinstate;
mod reward;
mod warn;

use order::{Order, worth};

/// Where a point is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    Pending,
    Available,
    Held,
    Spent,
    Adjusted,
    Clawed,
    Expired,
    Sent,
}

#[derive(Debug, Clone)]
struct Point {
    lot: usize,
    place: Place,
    activates: Option<Timestamp>,
    expires: Option<Timestamp>,
    /// It has no end of its own, but the member's.
    idles: bool,
    /// It waits for its order to be delivered.
    waits: bool,
}

#[derive(Debug)]
struct Hold {
    /// What it still has, those that end first before the others.
    points: Vec<usize>,
    until: Option<Timestamp>,
}

/// Points that paid for an order and did not come back, in the order in which they were spent; and how many came back.
#[derive(Debug, Default)]
struct Paid {
    left: Vec<usize>,
    came_back: usize,
}

/// One member.
#[derive(Debug)]
pub(crate) struct Model {
    take_back: TakeBack,
    points: Vec<Point>,
    lots: usize,
    orders: BTreeMap<String, Order>,
    /// Also those that have ended: they have no points.
    holds: BTreeMap<String, Hold>,
    /// Refunds that wait for their purchase.
    waiting: Vec<Event>,
    paid: BTreeMap<String, Paid>,
    /// The order of each point that is owed, those that are paid off first in front.
    debts: Vec<String>,
    frozen: bool,
    erased: bool,
    /// When points that idle end.
    idle: Option<Timestamp>,
    warnings: warn::Warnings,
    rewards: reward::Rewards,
}

impl Model {
    pub(crate) fn new(take_back: TakeBack) -> Self {
        let (points, orders, holds, waiting, paid, debts, warnings, rewards) = Default::default();
        let (lots, frozen, erased, idle) = (0, false, false, None);
        Self { take_back, points, lots, orders, holds, waiting, paid, debts, frozen, erased, idle, warnings, rewards }
    }

    /// What the ledger would answer to an event that it has not seen: how many points are in each place afterwards.
    pub(crate) fn apply(&mut self, event: &Event) {
        (self.rewards.is_refused, self.rewards.last) = (false, event.occurred_at);
        self.decide(event);
        self.reward_last();
    }

    fn decide(&mut self, event: &Event) {
        let at = event.occurred_at;
        if self.erased {
            return;
        }
        match &event.kind {
            Kind::Purchase(purchase) => self.purchase(event, purchase),
            Kind::Redeem(redeem) => {
                self.night(at);
                if self.frozen {
                    return;
                }
                let spent = self.take(i64::try_from(redeem.points.get()).unwrap(), Place::Spent);
                let accepted = !spent.is_empty();
                if let Some(order) = &redeem.order {
                    self.paid.entry(order.to_string()).or_default().left.extend(spent);
                    self.pay_back(order.as_str(), at);
                }
                if accepted {
                    self.active(event);
                }
            }
            Kind::Adjust(adjust) => {
                self.night(at);
                let points = i64::try_from(adjust.points).unwrap();
                if points > 0 {
                    self.earn(points, ([None, None], [false, false]));
                    self.active(event);
                } else if !self.take(-points, Place::Adjusted).is_empty() {
                    self.active(event);
                }
            }
            Kind::Reinstate(reinstate) => {
                self.night(at);
                if self.reinstate(usize::try_from(reinstate.points.get()).unwrap(), reinstate.expires) {
                    self.active(event);
                }
            }
            Kind::Refund(refund) if self.orders.contains_key(refund.order.as_str()) => self.refund(refund, at),
            Kind::OfOrder(of) if self.orders.contains_key(of.order.as_str()) => self.delivered(event, of),
            Kind::Refund(_) | Kind::OfOrder(_) => {
                self.night(at);
                self.waiting.push(event.clone());
            }
            Kind::Hold(hold) => {
                self.night(at);
                let wanted = usize::try_from(hold.points.get()).unwrap();
                let points = self.in_burn_order(Place::Available);
                if !self.frozen && !self.holds.contains_key(hold.hold.as_str()) && points.len() >= wanted {
                    let points = points[..wanted].to_vec();
                    for n in &points {
                        self.points[*n].place = Place::Held;
                    }
                    self.holds.insert(hold.hold.to_string(), Hold { points, until: hold.expires });
                    self.active(event);
                }
            }
            Kind::Capture(capture) => {
                self.night(at);
                let points = self.held(capture.hold.as_str());
                let wanted = capture.points.map_or(points.len(), |points| usize::try_from(points.get()).unwrap());
                if wanted == 0 || wanted > points.len() {
                    return;
                }
                let (spent, rest) = points.split_at(wanted);
                for n in spent {
                    self.points[*n].place = Place::Spent;
                }
                self.holds.get_mut(capture.hold.as_str()).unwrap().points = rest.to_vec();
                if !capture.keeps_rest {
                    self.free(capture.hold.as_str(), at);
                }
                if let Some(order) = &capture.order {
                    self.paid.entry(order.to_string()).or_default().left.extend(spent);
                    self.pay_back(order.as_str(), at);
                }
                self.active(event);
            }
            Kind::Release(release) => {
                self.night(at);
                self.free(release.hold.as_str(), at);
            }
            Kind::Transfer(transfer) => {
                self.night(at);
                let points = i64::try_from(transfer.points.get()).unwrap();
                if !self.frozen && !self.take(points, Place::Sent).is_empty() {
                    self.active(event);
                }
            }
            Kind::Freeze(_) | Kind::Unfreeze(_) => {
                self.night(at);
                self.frozen = matches!(event.kind, Kind::Freeze(_));
            }
            Kind::Erase(_) => self.erase(at),
            // Histories of the model have none: `merging` has its own.
            Kind::Signup | Kind::Custom(_) | Kind::Merge(_) | Kind::Promote(_) => {}
        }
    }

    fn purchase(&mut self, event: &Event, purchase: &Purchase) {
        let (order, at) = (purchase.order.to_string(), event.occurred_at);
        if self.orders.contains_key(&order) {
            self.rewards.is_refused = true;
            return;
        }
        self.night(at);
        let lines: Vec<i64> = purchase.lines.iter().map(|line| line.amount.minor).collect();
        let awarded = worth(&lines);
        self.active(event);
        let lot = (awarded > 0).then(|| {
            if let Some(end) = day(event, "idle") {
                self.begin_idling(event, end);
            }
            let last = day(event, "last").filter(|_| !event.data.contains_key("idle"));
            let waits = event.data.contains_key("until");
            let lot = self.earn(awarded, ([day(event, "wait"), last], [event.data.contains_key("idle"), waits]));
            if let Some(last) = last {
                self.lot_warns(lot, (event, last));
            }
            lot
        });
        self.orders.insert(order.clone(), Order { lines, lot, awarded, ..Order::default() });
        self.refund_waiting(&order);
    }

    /// Each point of the order that waited for it is there.
    fn delivered(&mut self, event: &Event, of: &OfOrder) {
        let at = event.occurred_at;
        self.night(at);
        self.active(event);
        let lot = self.orders[of.order.as_str()].lot;
        for n in 0..self.points.len() {
            let point = &mut self.points[n];
            if Some(point.lot) != lot || !point.waits || of.name.as_str() != "delivered" {
                continue;
            }
            point.waits = false;
            point.activates = Some(point.activates.map_or(at, |activates| activates.min(at)));
            if point.place == Place::Pending {
                self.arrive(n);
            }
        }
    }

    /// Points of a hold, those that end first before the others; none where there is no such hold, or nothing left of it.
    fn held(&self, hold: &str) -> Vec<usize> {
        let mut points = self.holds.get(hold).map(|hold| hold.points.clone()).unwrap_or_default();
        self.sort(&mut points);
        points
    }

    fn free(&mut self, hold: &str, at: Timestamp) {
        let points = self.held(hold);
        for n in points {
            if self.ended(n, at) {
                self.points[n].place = Place::Expired;
            } else {
                self.arrive(n);
            }
        }
        if let Some(hold) = self.holds.get_mut(hold) {
            hold.points.clear();
        }
    }

    /// Nothing is held any more, whatever is left ends, and what is owed is waived.
    fn erase(&mut self, at: Timestamp) {
        self.quietly(|model| model.night(at));
        for hold in self.holds.keys().cloned().collect::<Vec<_>>() {
            self.free(&hold, at);
        }
        for point in &mut self.points {
            if matches!(point.place, Place::Pending | Place::Available) {
                point.place = Place::Expired;
            }
        }
        for order in std::mem::take(&mut self.debts) {
            self.orders.get_mut(&order).unwrap().waived += 1;
        }
        self.erased = true;
    }

    /// When a point ends.
    fn end(&self, n: usize) -> Option<Timestamp> {
        if self.points[n].idles { self.idle } else { self.points[n].expires }
    }

    fn ended(&self, n: usize, at: Timestamp) -> bool {
        self.end(n).is_some_and(|end| end <= at)
    }

    /// Points that idle have ended by now, or will end with the next ones: those stay with their time.
    fn begin_idling(&mut self, event: &Event, end: Timestamp) {
        if self.idle.is_some_and(|idle| idle > event.occurred_at) {
            return;
        }
        for point in self.points.iter_mut().filter(|point| point.idles) {
            (point.idles, point.expires) = (false, self.idle);
        }
        self.idle = Some(end);
        self.idle_warns(event, end);
    }

    /// If the event is an activity: nothing that idles ends sooner than it says.
    fn active(&mut self, event: &Event) {
        let Some(end) = day(event, "active") else { return };
        self.begin_idling(event, end);
        if self.idle < Some(end) {
            self.idle = Some(end);
            self.idle_warns(event, end);
        }
    }

    fn earn(
        &mut self,
        points: i64,
        ([activates, expires], [idles, waits]): ([Option<Timestamp>; 2], [bool; 2]),
    ) -> usize {
        self.lots += 1;
        for _ in 0..points {
            self.points.push(Point { lot: self.lots, place: Place::Pending, activates, expires, idles, waits });
            if activates.is_none() && !waits {
                self.arrive(self.points.len() - 1);
            }
        }
        self.lots
    }

    /// A point can be spent, unless it is taken for what is owed longest.
    fn arrive(&mut self, n: usize) {
        if self.debts.is_empty() {
            self.points[n].place = Place::Available;
        } else {
            let order = self.debts.remove(0);
            self.points[n].place = Place::Clawed;
            self.orders.get_mut(&order).unwrap().taken.push(n);
        }
    }

    /// Each point goes where it belongs at this time, one moment after the other: points come, holds end, points end.
    pub(crate) fn night(&mut self, by: Timestamp) {
        let times = (0..self.points.len()).flat_map(|n| [self.points[n].activates, self.end(n)]);
        let mut moments: Vec<Timestamp> = times.chain(self.holds.values().map(|hold| hold.until)).flatten().collect();
        moments.extend(self.times_to_warn());
        moments.extend(self.days_to_reward(by));
        moments.retain(|moment| *moment <= by);
        moments.sort();
        moments.dedup();
        for moment in moments {
            for n in self.in_burn_order(Place::Pending) {
                if self.points[n].activates == Some(moment) {
                    self.arrive(n);
                }
            }
            let ends = |(name, hold): (&String, &Hold)| (hold.until == Some(moment)).then(|| name.clone());
            for hold in self.holds.iter().filter_map(ends).collect::<Vec<_>>() {
                self.free(&hold, moment);
            }
            self.reward(moment);
            for n in 0..self.points.len() {
                let held = matches!(self.points[n].place, Place::Pending | Place::Available);
                if held && self.end(n) == Some(moment) {
                    self.points[n].place = Place::Expired;
                }
            }
            self.warn(moment, by);
        }
    }

    /// Points of a place, those that end first before the others.
    fn in_burn_order(&self, place: Place) -> Vec<usize> {
        let mut points: Vec<usize> = (0..self.points.len()).filter(|n| self.points[*n].place == place).collect();
        self.sort(&mut points);
        points
    }

    fn sort(&self, points: &mut [usize]) {
        points.sort_by_key(|n| (self.end(*n).unwrap_or(Timestamp::MAX), self.points[*n].lot));
    }

    /// All of them or none; answers which.
    fn take(&mut self, wanted: i64, to: Place) -> Vec<usize> {
        let wanted = usize::try_from(wanted).unwrap();
        let mut points = self.in_burn_order(Place::Available);
        points.truncate(if points.len() >= wanted { wanted } else { 0 });
        for n in &points {
            self.points[*n].place = to;
        }
        points
    }

    fn refund_waiting(&mut self, order: &str) {
        let is_it = |event: &Event| event.order().is_some_and(|of| of.as_str() == order);
        let (mut waiting, others) = std::mem::take(&mut self.waiting).into_iter().partition::<Vec<_>, _>(is_it);
        self.waiting = others;
        waiting.sort_by(|a, b| (a.occurred_at, &a.source, &a.id).cmp(&(b.occurred_at, &b.source, &b.id)));
        let rule = self.rewards.rule.take();
        for event in waiting {
            match &event.kind {
                Kind::Refund(refund) => self.refund(refund, event.occurred_at),
                Kind::OfOrder(of) => self.delivered(&event, of),
                _ => unreachable!(),
            }
            if !std::mem::take(&mut self.rewards.is_refused) {
                self.rewards.last = self.rewards.last.max(event.occurred_at);
            }
        }
        self.rewards.rule = rule;
    }

    fn refund(&mut self, refund: &Refund, at: Timestamp) {
        let name = refund.order.as_str();
        let lines: Vec<String> = refund.lines.iter().map(|line| named(&line.line)).collect();
        let order = self.orders.get_mut(name).unwrap();
        if lines.iter().any(|line| line.parse::<usize>().unwrap() > order.lines.len()) {
            self.rewards.is_refused = true;
            return;
        }
        order.whole |= lines.is_empty();
        order.returned.extend_from_slice(&lines);
        let due = order.now_due();
        self.night(at);
        self.pay_back(name, at);
        while self.orders[name].due < due {
            self.orders.get_mut(name).unwrap().due += 1;
            self.claim(name);
        }
        while self.orders[name].due > due {
            self.orders.get_mut(name).unwrap().due -= 1;
            self.unclaim(name, at);
        }
    }

    /// One point more is due.
    fn claim(&mut self, name: &str) {
        if let Some(n) = self.next_claim(self.orders[name].lot) {
            self.points[n].place = Place::Clawed;
            self.orders.get_mut(name).unwrap().taken.push(n);
        } else if self.take_back == TakeBack::Unlimited {
            // Behind what is owed for the same order, else behind everything.
            let at = self.debts.iter().rposition(|of| of == name).map_or(self.debts.len(), |last| last + 1);
            self.debts.insert(at, name.to_owned());
        } else {
            self.orders.get_mut(name).unwrap().waived += 1;
        }
    }

    /// One point less is due.
    fn unclaim(&mut self, name: &str, at: Timestamp) {
        let order = self.orders.get_mut(name).unwrap();
        if order.waived > 0 {
            order.waived -= 1;
            return;
        }
        if let Some(owed) = self.debts.iter().position(|of| of == name) {
            self.debts.remove(owed);
            return;
        }
        let n = order.taken.pop().unwrap();
        let ended = self.ended(n, at);
        let point = &mut self.points[n];
        if ended {
            point.place = Place::Expired;
        } else if point.activates.map_or(point.waits, |activates| activates > at) {
            point.place = Place::Pending;
        } else {
            self.arrive(n);
        }
    }

    /// The point that a refund asks for next: the order's own, expired before pending before available; then any that burns next.
    fn next_claim(&self, lot: Option<usize>) -> Option<usize> {
        let own =
            |place| (0..self.points.len()).find(|n| self.points[*n].place == place && Some(self.points[*n].lot) == lot);
        let waits = own(Place::Expired).or_else(|| own(Place::Pending));
        if self.take_back == TakeBack::OnlyPending {
            return waits;
        }
        waits.or_else(|| own(Place::Available)).or_else(|| self.in_burn_order(Place::Available).first().copied())
    }

    /// Points that paid for what did not stay with the customer come back, the last ones first.
    fn pay_back(&mut self, name: &str, at: Timestamp) {
        let (Some(order), Some(paid)) = (self.orders.get(name), self.paid.get_mut(name)) else { return };
        let mut back = Vec::new();
        while paid.came_back < order.to_come_back(paid.left.len() + paid.came_back) {
            back.push(paid.left.pop().unwrap());
            paid.came_back += 1;
        }
        let grace = at + SignedDuration::from_hours(5 * 24);
        let (ending, lasting) =
            back.into_iter().partition::<Vec<_>, _>(|n| self.end(*n).is_some_and(|end| end < grace));
        for n in lasting {
            self.arrive(n);
        }
        if !ending.is_empty() {
            self.lots += 1;
        }
        for n in ending {
            let (lot, expires) = (self.lots, Some(grace));
            self.points[n] = Point { lot, place: Place::Spent, activates: None, expires, idles: false, waits: false };
            self.arrive(n);
        }
    }

    pub(crate) fn count(&self, place: Place) -> usize {
        self.points.iter().filter(|point| point.place == place).count()
    }

    pub(crate) fn debt(&self) -> usize {
        self.debts.len()
    }

    /// What refunds took of each order, or left to be paid off, and what they waived.
    pub(crate) fn taken(&self) -> BTreeMap<&str, (usize, i64)> {
        let owed = |name: &str| self.debts.iter().filter(|of| *of == name).count();
        self.orders
            .iter()
            .map(|(name, order)| (name.as_str(), (order.taken.len() + owed(name), order.waived)))
            .collect()
    }

    /// Pending, available and held points of each lot that still has some.
    pub(crate) fn lots(&self) -> BTreeMap<i64, [usize; 3]> {
        let mut lots: BTreeMap<i64, [usize; 3]> = BTreeMap::new();
        for point in &self.points {
            let at = match point.place {
                Place::Pending => 0,
                Place::Available => 1,
                Place::Held => 2,
                _ => continue,
            };
            lots.entry(i64::try_from(point.lot).unwrap()).or_default()[at] += 1;
        }
        lots
    }
}

fn named(line: &LineRef) -> String {
    let (LineRef::Id(name) | LineRef::Sku(name)) = line;
    name.clone()
}

fn day(event: &Event, name: &str) -> Option<Timestamp> {
    let days = event.data.get(name).and_then(serde_json::Value::as_i64)?;
    Some(event.occurred_at + SignedDuration::from_hours(24 * days))
}
