"""`labcore snapshot`: a module for each verb."""
