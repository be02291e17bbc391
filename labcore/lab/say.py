"""What the lab says, in the reader's language."""

from labcore.language import Catalogue

say = Catalogue("lab")
