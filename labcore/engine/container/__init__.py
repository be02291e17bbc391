"""Containers: what is done with one."""
