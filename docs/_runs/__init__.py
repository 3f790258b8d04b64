"""What the pages show of stored runs: a module for each file, described in _extensions/runs.py."""
