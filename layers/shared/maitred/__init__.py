"""Maitred: a maître d' for restaurants, as a serverless function set."""

__version__ = "0.1.0"
