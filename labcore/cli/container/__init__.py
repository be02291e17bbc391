"""`labcore container`: a module for each verb."""
