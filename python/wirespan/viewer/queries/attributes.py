"""What the attribute filter can be completed with: keys, and values of one key."""

from typing import Any, Final

from wirespan.viewer.filters import pointer
from wirespan.viewer.queries.reading import Source

RECENT: Final = 20_000
"""Requests that are looked at, the newest: so that the answer comes while one types."""
MOST: Final = 200
_RECENT: Final = (
    "(SELECT attributes, resource_id FROM stored_spans WHERE is_request ORDER BY seq DESC LIMIT ?) recent"
)


def keys(source: Source, prefix: str) -> dict[str, Any]:
    """Keys of spans and of their resources that begin so, in order."""
    rows = source.read(
        f"WITH seen AS (SELECT unnest(json_keys(attributes)) AS key FROM {_RECENT} "  # noqa: S608
        "UNION ALL SELECT unnest(json_keys(attributes)) FROM resources) "
        "SELECT DISTINCT key FROM seen WHERE starts_with(key, ?) ORDER BY key LIMIT ?",
        [RECENT, prefix, MOST],
    )
    return {"keys": [row[0] for row in rows]}


def values(source: Source, key: str) -> dict[str, Any]:
    """Values that the key has, the most frequent first."""
    place = pointer(key)
    rows = source.read(
        "SELECT coalesce(json_extract_string(recent.attributes, ?), "  # noqa: S608
        f"json_extract_string(resources.attributes, ?)) AS value, count(*) AS times FROM {_RECENT} "
        "LEFT JOIN resources USING (resource_id) GROUP BY value HAVING value IS NOT NULL "
        "ORDER BY times DESC, value LIMIT ?",
        [place, place, RECENT, MOST],
    )
    return {"values": [row[0] for row in rows]}
