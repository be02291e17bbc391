"""Both ends of the distribution protocol: a registry to be served, and the client that pulls and pushes (distribution-spec)."""
