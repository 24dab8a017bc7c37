//go:build programs

// Package controlplane names the programs of Kubernetes that tests and the single-node cluster run, so that go.mod and
// go.sum hold their versions and checksums. It is never built itself: the programs are, by their import paths.
package controlplane

import (
	_ "k8s.io/kubernetes/cmd/kube-apiserver"
	_ "k8s.io/kubernetes/cmd/kube-controller-manager"
	_ "k8s.io/kubernetes/cmd/kube-proxy"
	_ "k8s.io/kubernetes/cmd/kube-scheduler"
	_ "k8s.io/kubernetes/cmd/kubelet"
)
