"""The notebooks' toolkit: plans in cells, pictures, and JupyterLab itself."""

from labcore.lab.pictures import Picture, waterfall
from labcore.lab.show import show

__all__ = ["Picture", "show", "waterfall"]
