"""Guesses of lesson 3."""

from typing import Final

from labcore.lab.guesses import Guess
from labcore.language import Bilingual as T

GUESSES: Final[dict[str, Guess]] = {
    "next container": Guess(
        T("What does the next container of busybox find of /etc and /home?", "下一个 busybox 容器里，/etc 和 /home 还在吗？"),
        (T("both are gone", "都没了"), T("both are there", "都在"), T("they are there, and empty", "在，但是空的")),
        1,
        T("What a container writes or deletes lies in a layer of its own.", "容器写的、删的，都在它自己的那一层里。"),
    ),
    "diff id": Guess(
        T("Of what is a `diff_id` the digest?", "`diff_id` 是什么的摘要？"),
        (
            T("of the blob as it was sent", "传输时那个 blob"),
            T("of the layer's archive, unpacked from its compression", "解压后的层归档"),
            T("of the manifest", "清单"),
        ),
        1,
        T("It stays the same however a registry compresses the layer.", "无论仓库怎么压缩，它都不变。"),
    ),
    "soup": Guess(
        T(
            "Two layers have `menu/soup`. Which one is seen through the overlay?",
            "两层里都有 `menu/soup`，透过 overlay 看到哪一个？",
        ),
        (T("the upper layer's", "上层的"), T("the lower layer's", "下层的"), T("both, one behind the other", "两个接在一起")),
        0,
        T(
            "A name is looked up from the top; the first layer that has it counts.",
            "从最上层往下找，第一个有这个名字的层算数。",
        ),
    ),
    "latest": Guess(
        T("`cafe:v1` was pushed. What comes if one asks for `cafe`?", "推送的是 `cafe:v1`；只写 `cafe` 会拉到什么？"),
        (
            T("cafe:v1, the newest", "cafe:v1，最新的"),
            T("nothing: there is no such tag", "什么也没有：没有这个标签"),
            T("all tags", "所有标签"),
        ),
        1,
        T("`latest` is a tag like any other: somebody has to push it.", "`latest` 只是个普通标签：得有人推送它。"),
    ),
    "moved tag": Guess(
        T("The tag v1 is moved. What does whoever wrote down the digest get?", "标签 v1 被移走了，记下摘要的人拉到什么？"),
        (T("the new image", "新镜像"), T("the old image", "旧镜像"), T("an error", "报错")),
        1,
        T("A digest names content, and content does not move.", "摘要指的是内容，内容不会移动。"),
    ),
}
