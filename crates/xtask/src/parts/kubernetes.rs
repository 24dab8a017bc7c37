//! A real Kubernetes API: etcd, kube-apiserver and kube-controller-manager.

mod programs;

pub use programs::{ControlPlane, NodePrograms};
