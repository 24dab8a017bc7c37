//! What is kept of an order, and what follows from it.

use super::{Order, worth};

impl Order {
    fn kept(&self) -> Vec<i64> {
        let kept = |n: usize| !self.whole && !self.returned.contains(&n.to_string());
        (1..).zip(&self.lines).filter(|(n, _)| kept(*n)).map(|(_, line)| *line).collect()
    }

    pub(super) fn now_due(&self) -> i64 {
        let kept = self.kept();
        let now = if kept.is_empty() { 0 } else { worth(&kept) };
        (self.awarded - now).clamp(0, self.awarded)
    }

    /// Of so many points that paid. One after the other stays with the shop, until the share of what was kept is paid for.
    pub(super) fn to_come_back(&self, paid: usize) -> usize {
        let kept = self.kept();
        let (mut part, mut whole) = (kept.iter().sum::<i64>(), self.lines.iter().sum::<i64>());
        if whole == 0 {
            (part, whole) = (i64::try_from(kept.len()).unwrap(), i64::try_from(self.lines.len()).unwrap());
        }
        let all = i64::try_from(paid).unwrap();
        let mut stay = 0;
        while stay * whole < all * part {
            stay += 1;
        }
        usize::try_from(all - stay).unwrap()
    }
}
