"""The repository's own tools: environments, requirements, generated documents."""
