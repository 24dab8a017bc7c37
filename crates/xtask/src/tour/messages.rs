//! What the tour publishes: the real purchases, and everything that goes wrong around real purchases.

use std::fmt::Write as _;

use super::purchases::Purchase;

/// Exchange of the example's shop.
pub const EXCHANGE: &str = "cdnow.shop";

/// Every so many-th order is returned.
pub const REFUND_EVERY: usize = 50;

/// Every so many-th event is sent twice, as a producer does that missed a confirm.
pub const TWICE_EVERY: usize = 20;

/// How many messages later a refund, or the second copy of an event, comes.
const LATER: usize = 40;

/// A body that no event can have.
const LARGE_BODY_BYTES: usize = 5 << 20;

/// One message, ready to be published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Routing key on [`EXCHANGE`].
    pub routing_key: &'static str,
    /// The body, garbage included.
    pub body: Vec<u8>,
}

/// Everything in the order in which it is published, and what must come out of it.
#[derive(Debug, Default)]
pub struct Tour {
    /// To be published.
    pub messages: Vec<Message>,
    /// Orders that are returned.
    pub refunds: usize,
    /// Messages that are sent a second time.
    pub doubles: usize,
    /// Messages that end among the dead letters, each with a reason of its own.
    pub garbage: usize,
}

impl Tour {
    /// The tour of these purchases; the same every time.
    #[must_use]
    pub fn of(purchases: &[Purchase]) -> Self {
        let mut tour = Self::default();
        let mut later: std::collections::VecDeque<(usize, Message)> = std::collections::VecDeque::new();
        let mut garbage = garbage(purchases).into_iter();
        let between = purchases.len() / 10;
        for (n, purchase) in purchases.iter().enumerate() {
            let message = Message { routing_key: "purchase.web", body: purchase.to_json().into_bytes() };
            if (n + 1) % TWICE_EVERY == 0 {
                tour.doubles += 1;
                later.push_back((n + LATER, message.clone()));
            }
            tour.messages.push(message);
            if (n + 1) % REFUND_EVERY == 0 {
                tour.refunds += 1;
                later.push_back((n + LATER, Message { routing_key: "refund.web", body: refund(purchase) }));
            }
            if n % between.max(1) == between / 2 {
                tour.add_garbage(garbage.next());
            }
            while later.front().is_some_and(|(at, _)| *at <= n) {
                tour.messages.extend(later.pop_front().map(|(_, message)| message));
            }
        }
        tour.messages.extend(later.into_iter().map(|(_, message)| message));
        garbage.for_each(|rest| tour.add_garbage(Some(rest)));
        tour
    }

    fn add_garbage(&mut self, message: Option<Message>) {
        self.garbage += usize::from(message.is_some());
        self.messages.extend(message);
    }
}

fn refund(purchase: &Purchase) -> Vec<u8> {
    format!(
        r#"{{"id":"{id}-refund","type":"refund","occurredAt":"{day}T18:00:00Z","member":"{member}","order":"{id}"}}"#,
        id = purchase.id,
        day = purchase.day(),
        member = purchase.customer,
    )
    .into_bytes()
}

/// Ten messages of ten different kinds that must be buried with ten different reasons.
fn garbage(purchases: &[Purchase]) -> Vec<Message> {
    let Some(first) = purchases.first() else { return Vec::new() };
    let good = first.to_json();
    let fresh = |n: u32| good.replace(&first.id, &format!("garbage-{n}"));
    let member = format!(r#""member":"{}""#, first.customer);
    let amount = format!(r#""amount":"{}""#, first.dollars);
    let bodies = [
        "<purchase amount='29.33'/>".to_owned(),
        fresh(2)[..60].to_owned(),
        fresh(3).replace(&member, r#""member":17"#),
        fresh(4).replace("purchase", "purchace"),
        r#"{"id":"garbage-5","type":"redeem","occurredAt":"1997-01-02T12:00:00Z","member":"00004","points":"1"}"#
            .into(),
        fresh(6).replace(r#""id":"garbage-6","#, ""),
        fresh(7).replace(&amount, r#""amount":"-29.33""#),
        fresh(8).replace(r#""lines""#, r#""currency":"EUR","lines""#),
        good.replace(&amount, r#""amount":"999.00""#),
        large(),
    ];
    bodies.into_iter().map(|body| Message { routing_key: "purchase.web", body: body.into_bytes() }).collect()
}

fn large() -> String {
    let mut body = String::with_capacity(LARGE_BODY_BYTES);
    let _ = write!(body, r#"{{"id":"garbage-10","type":"purchase","data":{{"note":""#);
    while body.len() < LARGE_BODY_BYTES {
        body.push_str("all work and no play makes a large message ");
    }
    body + r#""}}"#
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tour_has_every_purchase_and_its_share_of_trouble() {
        let purchases: Vec<_> = (1..=1000).map(Purchase::sample).collect();
        let tour = Tour::of(&purchases);
        assert_eq!((tour.refunds, tour.doubles, tour.garbage), (20, 50, 10));
        assert_eq!(tour.messages.len(), 1000 + 20 + 50 + 10);
        let at = |text: &str| tour.messages.iter().position(|m| m.body == text.as_bytes()).unwrap();
        let fiftieth = at(&purchases[49].to_json());
        let refunded = tour.messages.iter().position(|m| m.routing_key == "refund.web").unwrap();
        assert!(refunded > fiftieth, "a refund comes after its purchase");
    }
}
