"""cluster.yaml and its errors, and the reading of YAML and JSON files with line numbers."""

from okube.config.cluster import (
    Capacity,
    Certificates,
    ClusterConfig,
    DockerConfig,
    EntrySsh,
    InstallConfig,
    ManagerConfig,
    Reserve,
    Snapshots,
    SshConfig,
    Timing,
    WorkerConfig,
)
from okube.config.document import Document, line_of, render_errors
from okube.config.load import cluster_of, find_config, load_cluster
from okube.config.yamldoc import load_documents

__all__ = [
    "Capacity",
    "Certificates",
    "ClusterConfig",
    "DockerConfig",
    "Document",
    "EntrySsh",
    "InstallConfig",
    "ManagerConfig",
    "Reserve",
    "Snapshots",
    "SshConfig",
    "Timing",
    "WorkerConfig",
    "cluster_of",
    "find_config",
    "line_of",
    "load_cluster",
    "load_documents",
    "render_errors",
]
