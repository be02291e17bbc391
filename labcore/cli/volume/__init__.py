"""`labcore volume`: a module for each verb."""
