"""Questions of lesson 3: layers, digests, overlay, registries."""

from labcore.lab.questions import Question
from labcore.language import Bilingual as T

QUESTIONS = {
    "read-only": Question(
        T("A container deletes a file of its image. What happens to the image?", "容器删掉镜像里的一个文件，镜像会怎样？"),
        (
            T("nothing", "没有变化"),
            T("the file is gone for all containers", "所有容器里都没有这个文件了"),
            T("a new image is made", "生成新镜像"),
        ),
        0,
        T("A mark in the container's own layer hides the file.", "容器自己那一层里的标记把文件遮住了。"),
    ),
    "whiteout": Question(
        T("How does overlayfs mark a deleted file in the upper layer?", "overlayfs 怎样在上层标记已删除的文件？"),
        (
            T("by a file .wh.NAME", "用文件 .wh.名字"),
            T("by a character device 0/0 of that name", "用同名的字符设备 0/0"),
            T("by an entry in a list", "在列表里登记"),
        ),
        1,
        T("In an image's archive it is `.wh.NAME`, and is turned into that.", "镜像归档里是 `.wh.名字`，解包时转成它。"),
    ),
    "config digest": Question(
        T("One byte of a layer is changed. Which names stop fitting?", "某一层改了一个字节，哪些名字不再相符？"),
        (
            T("the layer's only", "只有这一层的"),
            T("the layer's, the config's and the manifest's", "这一层、配置和清单的"),
            T("none", "都不变"),
        ),
        1,
        T("Each names the next by its digest, up to the manifest.", "它们逐级用摘要相互指认，直到清单。"),
    ),
    "diff_id": Question(
        T("What is the difference between a layer's digest and its diff_id?", "层的摘要和 diff_id 有何区别？"),
        (
            T(
                "the digest is of the compressed blob, the diff_id of the archive in it",
                "摘要针对压缩后的 blob，diff_id 针对里面的归档",
            ),
            T("they are the same", "二者相同"),
            T("the diff_id is of the files on disk", "diff_id 针对磁盘上的文件"),
        ),
        0,
        T("So the layer may be compressed anew, and is known all the same.", "所以重新压缩之后，仍认得出是同一层。"),
    ),
    "copy-up": Question(
        T(
            "A byte is appended to a file of 1 GB in a lower layer. How much lands in the upper one?",
            "给下层一个 1 GB 的文件追加一个字节，上层会多出多少？",
        ),
        (T("one byte", "一个字节"), T("one block", "一个块"), T("the whole file", "整个文件")),
        2,
        T("Copy-up copies the file before it is changed.", "复制到上层（copy-up）发生在修改之前，复制整个文件。"),
    ),
    "order": Question(
        T("In `lowerdir=a:b:c`, which directory is on top?", "`lowerdir=a:b:c` 里，哪个目录在最上面？"),
        (T("a", "a"), T("c", "c"), T("the newest", "最新的")),
        0,
        T("From the top down, as one reads.", "从上往下，照阅读顺序。"),
    ),
    "registry": Question(
        T("Registry, repository, tag: what holds what?", "Registry、仓库、标签：谁包含谁？"),
        (
            T("a repository holds registries, these hold tags", "仓库包含 registry，registry 包含标签"),
            T("a registry holds repositories, these hold tags", "registry 包含仓库，仓库包含标签"),
            T("they are words for one thing", "说的是同一样东西"),
        ),
        1,
        T("The registry is the server.", "Registry 是服务器。"),
    ),
    "latest": Question(
        T("What is `latest`?", "`latest` 是什么？"),
        (
            T("always the newest image", "永远是最新镜像"),
            T("the tag that is meant where none is named", "没写标签时默认的标签"),
            T("an image of today", "今天的镜像"),
        ),
        1,
        T("It points where somebody last pushed it, which may be long ago.", "它指向最后一次推送它的地方，可能很久以前。"),
    ),
    "pull order": Question(
        T("Why does `pull` tag the image last?", "`pull` 为什么最后才打标签？"),
        (
            T("so that a name never stands for an image that is not whole", "这样名字绝不会指向不完整的镜像"),
            T("the registry asks for it", "仓库的要求"),
            T("the tag is only known then", "那时才知道标签"),
        ),
        0,
        T("A pull that is interrupted leaves blobs, and no name.", "中断的拉取会留下 blob，但不会留下名字。"),
    ),
    "who vouches": Question(
        T("Pulled by tag, what vouches for the manifest?", "按标签拉取时，谁为清单担保？"),
        (
            T("its digest", "它的摘要"),
            T("only the registry, and the connection to it", "只有仓库和到它的连接"),
            T("the config", "配置"),
        ),
        1,
        T("Pulled by digest, the name itself does.", "按摘要拉取，名字本身就是担保。"),
    ),
    "secret": Question(
        T("A key is added in one layer and deleted in the next. Is it safe?", "一层加入密钥，下一层又删掉，安全吗？"),
        (
            T("yes, no container sees it", "安全，容器里看不到"),
            T("no, the lower layer is in the image still", "不安全，下面那层还在镜像里"),
            T("yes, once it is pushed", "推送之后就安全了"),
        ),
        1,
        T("Whoever has the image can open that layer.", "谁有镜像，谁就能打开那一层。"),
    ),
}
