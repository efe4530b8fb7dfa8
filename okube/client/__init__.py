"""The API client: a list of managers, failover, retries with request ids."""
