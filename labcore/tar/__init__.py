"""Tar archives, the form in which layers and images travel: their entries, and what they are compressed with."""

from labcore.tar.decompressing import compression, decompressed
from labcore.tar.fields import BadArchive
from labcore.tar.reading import Archive, Chunk, Entry

__all__ = ["Archive", "BadArchive", "Chunk", "Entry", "compression", "decompressed"]
