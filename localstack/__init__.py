"""The cloud on one machine: runs the handlers as the template deploys them. Never deployed itself."""
