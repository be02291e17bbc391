"""Seccomp: the default profile of system calls, and the compilation of profiles to filters."""
