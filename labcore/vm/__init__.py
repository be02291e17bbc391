r"""Virtual machines to compare containers with: qemu, a distribution's kernel, the image `busybox` as the root.

    >>> with labcore.vm.start() as machine:
    ...     machine.ready_after, machine.run("uname -r")
    (1.8, '6.1.0-56-cloud-amd64\n')

`setup` fetches and makes what they need; they never outlive whoever has started them.
"""

from labcore.vm.guests import accelerator, setup, start
from labcore.vm.kernel import NoGuestKernel
from labcore.vm.machine import Machine, MachineFailed
from labcore.vm.qemu import Hardware
from labcore.vm.timeline import Phase

__all__ = ["Hardware", "Machine", "MachineFailed", "NoGuestKernel", "Phase", "accelerator", "setup", "start"]
