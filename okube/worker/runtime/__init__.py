"""What runs containers: Docker, or processes of this machine."""
