"""What the repository needs of itself: environments, requirements, generated documents."""
