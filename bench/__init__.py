"""wirespan and its peers side by side on one core: `python -m bench.run`. Method: bench/README.md."""
