"""Every option in one table: a frozen dataclass whose fields carry help, unit and bounds.

The command line (`--limit-head-bytes`), the environment (`WIRESPAN_LIMIT_HEAD_BYTES`), TOML files and keyword
arguments (`limit_head_bytes=`) are all made from these fields. Those that the engine reads have the same name in
`core/src/config.rs`; a test compares the two.
"""
