"""The operator's commands. ``python -m local.ops --help`` lists them; docs/operations.md shows each."""
