"""Records: what is kept of containers that stay, and their directories."""
