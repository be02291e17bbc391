"""Image archives: `docker save` and `load`, OCI layouts, and `docker import` of root file systems."""
