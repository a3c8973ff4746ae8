"""The viewer: an OTLP receiver, a store in one DuckDB file, an HTTP API and a page, on wirespan itself."""
