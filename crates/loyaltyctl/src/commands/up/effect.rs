//! What of a spec has an effect on this machine, and what has one only in a cluster. Pure.

use api::{Autoscaling, AutoscalingMode, DeletionPolicy, LoyaltyPipelineSpec, Resources};

/// Why no worker shall run, if so.
pub(super) fn no_worker(spec: &LoyaltyPipelineSpec) -> Option<&'static str> {
    let is_off = spec.workers.autoscaling.mode == AutoscalingMode::Off;
    match spec.suspend {
        true => Some("`suspend` is set"),
        false if is_off && spec.workers.count == 0 => Some("`workers.count` is 0 and autoscaling is `Off`"),
        false => None,
    }
}

/// Fields that say something which nobody does here.
pub(super) fn only_in_a_cluster(spec: &LoyaltyPipelineSpec) -> Vec<&'static str> {
    let workers = &spec.workers;
    let is_off = workers.autoscaling.mode == AutoscalingMode::Off;
    let has = |is: bool, field: &'static str| is.then_some(field);
    let volume = spec.ledger.sqlite.as_ref();
    let fields = [
        has(volume.is_some_and(|volume| volume.size.is_some()), "ledger.sqlite.size"),
        has(volume.is_some_and(|volume| volume.storage_class_name.is_some()), "ledger.sqlite.storageClassName"),
        has(is_off && workers.count > 1, "workers.count"),
        has(workers.resources != Resources::default(), "workers.resources"),
        has(!is_off && workers.autoscaling != Autoscaling::default(), "workers.autoscaling"),
        has(spec.deletion_policy == DeletionPolicy::Delete, "deletionPolicy"),
    ];
    fields.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::{no_worker, only_in_a_cluster};

    fn spec(more: &str) -> api::LoyaltyPipelineSpec {
        let text = format!(
            "apiVersion: loyalty.dev/v1alpha1
kind: LoyaltyPipeline
metadata: {{ name: coffee }}
spec:
  broker: {{ secretRef: {{ name: rabbitmq }} }}
  events: {{ sources: [{{ exchange: {{ name: shop }}, routingKeys: [a], types: [purchase] }}] }}
  program: {{ currency: EUR, wallets: [{{ name: points }}] }}
{more}"
        );
        api::parse(&text).unwrap().pipelines[0].spec.clone()
    }

    #[test]
    fn what_a_machine_alone_cannot_do_is_named() {
        for (more, fields) in [
            ("  ledger: { sqlite: {} }\n", ""),
            ("  ledger: { sqlite: {} }\n  workers: { count: 1, autoscaling: { mode: Off } }\n", ""),
            ("  ledger: { sqlite: {} }\n  workers: { count: 7 }\n", ""),
            (
                "  ledger: { sqlite: { size: 2Gi, storageClassName: fast } }\n",
                "ledger.sqlite.size ledger.sqlite.storageClassName",
            ),
            (
                "  ledger: { sqlite: {} }\n  workers: { count: 2, autoscaling: { mode: Off, max: 4 } }\n",
                "workers.count",
            ),
            (
                "  ledger: { sqlite: {} }\n  workers: { resources: { limits: { memory: 1Gi } }, autoscaling: { max: 4 } }\n  deletionPolicy: Delete\n",
                "workers.resources workers.autoscaling deletionPolicy",
            ),
        ] {
            assert_eq!(only_in_a_cluster(&spec(more)).join(" "), fields, "{more}");
        }
    }

    #[test]
    fn no_worker_runs_where_none_is_wanted() {
        for (more, why) in [
            ("  suspend: true\n", Some("`suspend` is set")),
            (
                "  workers: { count: 0, autoscaling: { mode: Off } }\n",
                Some("`workers.count` is 0 and autoscaling is `Off`"),
            ),
            ("  workers: { count: 0 }\n", None),
            ("", None),
        ] {
            assert_eq!(no_worker(&spec(&format!("  ledger: {{ sqlite: {{}} }}\n{more}"))), why, "{more}");
        }
    }
}
