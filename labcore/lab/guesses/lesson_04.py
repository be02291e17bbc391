"""Guesses of lesson 4."""

from typing import Final

from labcore.lab.guesses import Guess
from labcore.language import Bilingual as T

GUESSES: Final[dict[str, Guess]] = {
    "needs": Guess(
        T("Which three things must a machine have to run a container?", "运行容器，机器上必须有哪三样东西？"),
        why=T(
            "A kernel with namespaces, control groups and an overlay; the right to use them; and a root file system for the "
            "container's processor.",
            "支持命名空间、控制组和 overlay 的内核；使用它们的权限；适合本机处理器的根文件系统。",
        ),
    ),
    "errno": Guess(
        T("One kind of namespace may not be made. Which errno do you expect?", "某种命名空间不许创建，你预计是哪个 errno？"),
        (
            T("EPERM, not permitted", "EPERM，不允许"),
            T("ENOSPC, no space left on device", "ENOSPC，设备上没有剩余空间"),
            T("EINVAL, invalid", "EINVAL，无效"),
            T("ENOENT, no such file", "ENOENT，没有这个文件"),
        ),
        1,
        T(
            "A limit of zero is reached at once; the kernel says ENOSPC then, though no disk is full.",
            "上限为零，一开始就到顶；内核返回 ENOSPC，虽然没有磁盘满了。",
        ),
    ),
    "dev": Guess(
        T(
            "A container without devices: `echo x > /dev/null`, and then `ls -l /dev/null`. What is shown?",
            "没有设备的容器：先 `echo x > /dev/null`，再 `ls -l /dev/null`，会看到什么？",
        ),
        (T("a character device", "字符设备"), T("an ordinary file", "普通文件"), T("no such file", "没有这个文件")),
        1,
        T("The shell creates what is not there: a file that grows.", "文件不存在，shell 就新建一个，它会越写越大。"),
    ),
    "processor": Guess(
        T(
            "Two bytes in a program's header name another processor. What happens?",
            "把程序头部表示处理器的两个字节改成别的，会怎样？",
        ),
        (
            T("it runs all the same", "照样运行"),
            T("the kernel refuses it", "内核拒绝执行"),
            T("it crashes in the middle", "运行到一半崩溃"),
        ),
        1,
        T("The kernel reads the header first, and says ENOEXEC.", "内核先看头部，返回 ENOEXEC。"),
    ),
}
