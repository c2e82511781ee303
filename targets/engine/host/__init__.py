"""What every kind of target on a Docker engine does alike."""
