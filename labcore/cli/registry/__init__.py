"""`labcore registry`: a module for each verb."""
