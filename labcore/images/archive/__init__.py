"""Images in archives: what `docker save` and `podman save` write, OCI layouts, and root file systems without an image."""
