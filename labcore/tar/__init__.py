"""Tar archives of layers and images: a streaming reader, and decompression."""

from __future__ import annotations

from labcore.tar.decompressing import compression, decompressed
from labcore.tar.fields import BadArchive
from labcore.tar.reading import Archive, Chunk, Entry

__all__ = ["Archive", "BadArchive", "Chunk", "Entry", "compression", "decompressed"]
