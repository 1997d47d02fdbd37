"""The operator's commands. ``python -m ops --help`` lists them; docs/operations.md shows each."""
