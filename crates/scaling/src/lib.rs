//! placeholder until the real room is built; overwrite freely
#![allow(missing_docs)]
use std::time::Duration;
pub struct Target { pub min: u32, pub max: u32, pub drain_within: Duration }
pub struct Signals { pub at: Duration, pub ready: Option<u64>, pub unacked: Option<u64>, pub delayed: Option<u64>, pub acked: Option<Counter>, pub replicas: u32, pub workers_ready: u32 }
pub struct Counter { pub total: u64, pub at: Duration }
pub struct Scaler;
impl Scaler { pub fn new() -> Self { Self } pub fn decide(&mut self, t: &Target, s: &Signals) -> Decision {
  let n = if s.ready.unwrap_or(0) > 0 { t.max.min(1 + s.replicas) } else { t.min };
  Decision { replicas: n, limited_by: LimitedBy::Nothing, drain: Drain::OnTarget, reason: "placeholder".into(), backlog: s.ready, arrival_per_s: None, acked_per_s: None, drain_s: None } } }
pub struct Decision { pub replicas: u32, pub limited_by: LimitedBy, pub drain: Drain, pub reason: String, pub backlog: Option<u64>, pub arrival_per_s: Option<f64>, pub acked_per_s: Option<f64>, pub drain_s: Option<f64> }
#[derive(PartialEq, Clone, Copy)] pub enum LimitedBy { Nothing, Maximum }
impl LimitedBy { pub fn as_str(self) -> &'static str { "Nothing" } }
pub enum Drain { OnTarget, Behind, Stalled, Saturated, Unknown }
