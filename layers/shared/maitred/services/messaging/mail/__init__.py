"""E-mail to guests and restaurants, in their language, with a calendar event."""
