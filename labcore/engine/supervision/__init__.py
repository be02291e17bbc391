"""Supervision: what the daemon does when a container ends, or when it begins itself; health checks."""
