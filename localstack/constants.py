"""The local cloud's account and region, its tokens' scopes, its usual size. Imports nothing."""

REGION = "eu-west-1"
ACCOUNT = "000000000000"
ALL_SCOPES = "bookings:write bookings:read operations"
DEFAULT_SANDBOXES = 4
