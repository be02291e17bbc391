"""Images: pull, push, load, import, commit, list, remove."""
