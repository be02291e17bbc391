"""The OCI runtime specification: bundles, and the life of a container that other engines drive."""
