"""Benchmarks: `make bench BENCH=submit`. Each measures its own limit in the same run and checks its own result."""
