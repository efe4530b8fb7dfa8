"""The manager process: API routes, leader loops, forwarding."""
