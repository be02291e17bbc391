"""Guesses of lesson 10."""

from typing import Final

from labcore.lab.guesses import Guess
from labcore.language import Bilingual as T

GUESSES: Final[dict[str, Guess]] = {
    "layers of the page": Guess(
        T("How many layers will the image have more than nginx?", "做好的镜像会比 nginx 多几层？"),
        (T("none", "不多"), T("one", "一层"), T("two", "两层"), T("three", "三层")),
        1,
        T(
            "Only what changes files makes a layer: the RUN. MAINTAINER changes the config, FROM takes over what is there.",
            "只有改动文件的指令才产生层：RUN。MAINTAINER 只改配置，FROM 把已有的接过来。",
        ),
    ),
    "chain": Guess(
        T(
            "The third of five steps reads a file that has changed. How many are carried out again?",
            "五步中第三步读的文件变了。有几步要重做？",
        ),
        (T("one: the third", "一步：第三步"), T("three: from the third on", "三步：从第三步起"), T("all five", "全部五步")),
        1,
        T(
            "Each key is in the next one: what lies above a change has another key.",
            "每个键都包含在下一个键里：改变之上的每一步，键都不同。",
        ),
    ),
    "touch": Guess(
        T("Only the time of the page is new. Is the COPY done again?", "网页只是时间变了。COPY 会重做吗？"),
        (
            T("yes: the file has changed", "会：文件变了"),
            T("no: its bytes are the same", "不会：内容没变"),
            T("only if it is older than the image", "只有比镜像旧才会"),
        ),
        1,
        T(
            "Times are no part of the digest: they are new wherever sources are checked out anew.",
            "时间不算在摘要里：源代码每重新检出一次，时间都会变。",
        ),
    ),
    "figures": Guess(
        T(
            "How long does a start take on your stages, beside labcore's own?",
            "在你的各阶段上启动要多久？和 labcore 自己的相比：",
        ),
        (T("half as long", "一半"), T("about the same", "差不多"), T("twice as long", "两倍")),
    ),
}
