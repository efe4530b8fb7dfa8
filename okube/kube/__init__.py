"""The kube-scheduler extender."""
