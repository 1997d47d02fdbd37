"""OpenAPI 3.1, made from the models that parse requests, those of the replies, and a table of the calls."""
