"""What guests and restaurants are told: letters in their language, with an entry for the calendar."""
