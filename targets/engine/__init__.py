"""What docker_host and compose_host share: reading, pulling and awaiting containers of a Docker engine."""
