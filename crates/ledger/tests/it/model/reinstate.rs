//! Points that ended and are given back.

use std::cmp::Reverse;

use jiff::Timestamp;

use super::{Model, Place, Point};

impl Model {
    /// All of them or none, those that ended last first; answers which.
    pub(super) fn reinstate(&mut self, wanted: usize, expires: Option<Timestamp>) -> bool {
        let mut ended: Vec<usize> =
            (0..self.points.len()).filter(|n| self.points[*n].place == Place::Expired).collect();
        if ended.len() < wanted {
            return false;
        }
        ended.sort_by_key(|n| Reverse((self.end(*n), self.points[*n].lot)));
        self.lots += 1;
        for n in &ended[..wanted] {
            let (lot, place) = (self.lots, Place::Expired);
            self.points[*n] = Point { lot, place, activates: None, expires, idles: false, waits: false };
            self.arrive(*n);
        }
        true
    }
}
