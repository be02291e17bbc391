"""Wrong answers to the lessons' steps, kept so that the checks stay proved to reject them."""
