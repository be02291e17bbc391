"""Attacks from inside containers: each test is one of them, and where it is cheap shows that it works without the defence."""
