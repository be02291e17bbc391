"""COPY and ADD: trees of files, what is selected of them, and the archive of a layer that it becomes."""
