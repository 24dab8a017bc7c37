//! A plain, slow and obviously right ledger: every point is a thing of its own, and is moved one at a time.
//!
//! Shares no arithmetic and no allocation with the real one. What orders are worth is the programme of [`crate::world`]: a point a
//! cent, +50 for an order of one line.

use std::collections::BTreeMap;

use contract::event::{Event, Kind, LineRef};
use jiff::{SignedDuration, Timestamp};

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
}

#[derive(Debug, Clone)]
struct Point {
    lot: usize,
    place: Place,
    activates: Option<Timestamp>,
    expires: Option<Timestamp>,
}

#[derive(Debug, Default)]
struct Order {
    lines: Vec<i64>,
    returned: Vec<String>,
    whole: bool,
    lot: Option<usize>,
    awarded: i64,
    due: i64,
    waived: i64,
    /// Points that its refunds hold, in the order in which they were taken.
    taken: Vec<usize>,
}

#[derive(Debug)]
struct Hold {
    /// What it still has, those that end first before the others.
    points: Vec<usize>,
    until: Option<Timestamp>,
}

/// One member.
#[derive(Debug, Default)]
pub(crate) struct Model {
    points: Vec<Point>,
    lots: usize,
    orders: BTreeMap<String, Order>,
    /// Also those that have ended: they have no points.
    holds: BTreeMap<String, Hold>,
}

fn worth(lines: &[i64]) -> i64 {
    lines.iter().sum::<i64>() + if lines.len() == 1 { 50 } else { 0 }
}

impl Model {
    /// What the ledger would answer to an event that it has not seen: how many points are in each place afterwards.
    pub(crate) fn apply(&mut self, event: &Event) {
        let at = event.occurred_at;
        match &event.kind {
            Kind::Purchase(purchase) => {
                let order = purchase.order.to_string();
                if self.orders.contains_key(&order) {
                    return;
                }
                self.night(at);
                let lines: Vec<i64> = purchase.lines.iter().map(|line| line.amount.minor).collect();
                let awarded = worth(&lines);
                let lot = (awarded > 0).then(|| self.earn(awarded, [day(event, "wait"), day(event, "last")]));
                self.orders.insert(order, Order { lines, lot, awarded, ..Order::default() });
            }
            Kind::Redeem(redeem) => {
                self.night(at);
                self.take(i64::try_from(redeem.points.get()).unwrap(), Place::Spent);
            }
            Kind::Adjust(adjust) => {
                self.night(at);
                let points = i64::try_from(adjust.points).unwrap();
                if points > 0 {
                    self.earn(points, [None, None]);
                } else {
                    self.take(-points, Place::Adjusted);
                }
            }
            Kind::Refund(refund) => {
                let lines: Vec<String> = refund.lines.iter().map(|line| named(&line.line)).collect();
                self.refund(refund.order.as_str(), &lines, at);
            }
            Kind::Hold(hold) => {
                self.night(at);
                let wanted = usize::try_from(hold.points.get()).unwrap();
                let points = self.burning();
                if !self.holds.contains_key(hold.hold.as_str()) && points.len() >= wanted {
                    let points = points[..wanted].to_vec();
                    for n in &points {
                        self.points[*n].place = Place::Held;
                    }
                    self.holds.insert(hold.hold.to_string(), Hold { points, until: hold.expires });
                }
            }
            Kind::Capture(capture) => {
                self.night(at);
                let Some(hold) = self.holds.get_mut(capture.hold.as_str()) else { return };
                let wanted = capture.points.map_or(hold.points.len(), |points| usize::try_from(points.get()).unwrap());
                if wanted > hold.points.len() {
                    return;
                }
                for n in hold.points.drain(..wanted) {
                    self.points[n].place = Place::Spent;
                }
                if !capture.keeps_rest {
                    self.free(capture.hold.as_str(), at);
                }
            }
            Kind::Release(release) => {
                self.night(at);
                self.free(release.hold.as_str(), at);
            }
            Kind::Signup | Kind::Custom(_) => {}
        }
    }

    fn free(&mut self, hold: &str, at: Timestamp) {
        let Some(hold) = self.holds.get_mut(hold) else { return };
        for n in hold.points.drain(..) {
            let ended = self.points[n].expires.is_some_and(|expires| expires <= at);
            self.points[n].place = if ended { Place::Expired } else { Place::Available };
        }
    }

    fn earn(&mut self, points: i64, [activates, expires]: [Option<Timestamp>; 2]) -> usize {
        self.lots += 1;
        let place = if activates.is_some() { Place::Pending } else { Place::Available };
        let point = Point { lot: self.lots, place, activates, expires };
        self.points.extend((0..points).map(|_| point.clone()));
        self.lots
    }

    /// Each point goes where it belongs at this time.
    pub(crate) fn night(&mut self, at: Timestamp) {
        let ends = |(name, hold): (&String, &Hold)| Some((name.clone(), hold.until.filter(|until| *until <= at)?));
        for (hold, until) in self.holds.iter().filter_map(ends).collect::<Vec<_>>() {
            self.free(&hold, until);
        }
        for point in &mut self.points {
            let held = matches!(point.place, Place::Pending | Place::Available);
            if held && point.expires.is_some_and(|expires| expires <= at) {
                point.place = Place::Expired;
            } else if point.place == Place::Pending && point.activates.is_some_and(|activates| activates <= at) {
                point.place = Place::Available;
            }
        }
    }

    /// Available points, those that end first before the others.
    fn burning(&self) -> Vec<usize> {
        let mut points: Vec<usize> =
            (0..self.points.len()).filter(|n| self.points[*n].place == Place::Available).collect();
        points.sort_by_key(|n| {
            let Point { lot, expires, .. } = self.points[*n];
            (expires.unwrap_or(Timestamp::MAX), lot)
        });
        points
    }

    fn take(&mut self, wanted: i64, to: Place) {
        let wanted = usize::try_from(wanted).unwrap();
        let points = self.burning();
        if points.len() >= wanted {
            for n in &points[..wanted] {
                self.points[*n].place = to;
            }
        }
    }

    fn refund(&mut self, name: &str, lines: &[String], at: Timestamp) {
        let Some(order) = self.orders.get_mut(name) else { return };
        if lines.iter().any(|line| line.parse::<usize>().unwrap() > order.lines.len()) {
            return;
        }
        order.whole |= lines.is_empty();
        order.returned.extend_from_slice(lines);
        let (due, lot) = (order.now_due(), order.lot);
        self.night(at);
        let mut order = self.orders.remove(name).unwrap();
        while order.due < due {
            order.due += 1;
            match self.next_claim(lot) {
                Some(n) => {
                    self.points[n].place = Place::Clawed;
                    order.taken.push(n);
                }
                None => order.waived += 1,
            }
        }
        while order.due > due {
            order.due -= 1;
            if order.waived > 0 {
                order.waived -= 1;
            } else {
                let point = &mut self.points[order.taken.pop().unwrap()];
                let waits = point.activates.is_some_and(|activates| activates > at);
                let ended = point.expires.is_some_and(|expires| expires <= at);
                point.place = if ended {
                    Place::Expired
                } else if waits {
                    Place::Pending
                } else {
                    Place::Available
                };
            }
        }
        self.orders.insert(name.to_owned(), order);
    }

    /// The point that a refund asks for next: the order's own, expired before pending before available; then any that burns next.
    fn next_claim(&self, lot: Option<usize>) -> Option<usize> {
        let own =
            |place| (0..self.points.len()).find(|n| self.points[*n].place == place && Some(self.points[*n].lot) == lot);
        [Place::Expired, Place::Pending, Place::Available]
            .into_iter()
            .find_map(own)
            .or_else(|| self.burning().first().copied())
    }

    pub(crate) fn count(&self, place: Place) -> usize {
        self.points.iter().filter(|point| point.place == place).count()
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

impl Order {
    fn now_due(&self) -> i64 {
        let kept = |n: usize| !self.whole && !self.returned.contains(&n.to_string());
        let lines: Vec<i64> = (1..).zip(&self.lines).filter(|(n, _)| kept(*n)).map(|(_, line)| *line).collect();
        let now = if lines.is_empty() { 0 } else { worth(&lines) };
        (self.awarded - now).clamp(0, self.awarded)
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
