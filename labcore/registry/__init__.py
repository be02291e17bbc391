"""Registry: both ends of the distribution protocol, client and server (OCI distribution-spec)."""
