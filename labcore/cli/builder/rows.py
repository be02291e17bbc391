"""Rows of `labcore builder ls` and `labcore system df -v`: what is in the cache of builds."""

from __future__ import annotations

from labcore.cli.formatting import ago, moment_of, short_id, size
from labcore.cli.template.values import Row

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from labcore.client.system import CacheRecord

HEADS: Final = {
    "ID": "CACHE ID", "CacheType": "CACHE TYPE", "Size": "SIZE", "CreatedSince": "CREATED", "LastUsedSince": "LAST USED",
    "UsageCount": "USAGE", "Shared": "SHARED", "InUse": "IN USE", "Reclaimable": "RECLAIMABLE", "Description": "DESCRIPTION",
    "CreatedAt": "CREATED AT", "LastUsedAt": "LAST USED AT", "LastAccessed": "LAST ACCESSED", "Parent": "PARENT",
}  # fmt: skip


def row(record: CacheRecord, *, whole: bool = False) -> Row:
    """Return the fields of a record, by their names in formats."""
    return Row(
        {
            "ID": lambda: record.id if whole else short_id(record.id),
            "CacheType": lambda: record.kind,
            "Size": lambda: size(record.size),
            "CreatedSince": lambda: _since(record.created),
            "LastUsedSince": lambda: _since(record.last_used),
            "LastAccessed": lambda: _since(record.last_used or record.created),
            "UsageCount": lambda: str(record.uses),
            "Shared": lambda: str(record.is_shared).lower(),
            "InUse": lambda: str(record.is_in_use).lower(),
            "Reclaimable": lambda: str(not record.is_in_use).lower(),
            "Description": lambda: record.description,
            "CreatedAt": lambda: record.created,
            "LastUsedAt": lambda: record.last_used,
            "Parent": lambda: ",".join(each if whole else short_id(each) for each in record.parents),
        }
    )


def _since(moment: str) -> str:
    return ago(moment_of(moment)) if moment else ""
