"""Networks as the API's objects, and the files in a container that speak of them."""
