"""Trace: what a daemon does for a command, as spans with times: a tree, and Chrome's trace events."""

from labcore.trace.capture import Traced, trace
from labcore.trace.chrome import trace_events
from labcore.trace.span import Span, rows

__all__ = ["Span", "Traced", "rows", "trace", "trace_events"]
