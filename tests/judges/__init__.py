"""Exact solvers that judge the planner and the worker's own solver. Tests and bench use them."""
