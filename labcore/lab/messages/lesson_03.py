"""Messages of lesson 3: its checks."""

CHINESE = {
    # digest
    "it returns a text": "返回的是文本",
    "which begins with sha256:": "以 sha256: 开头",
    "and is the digest of the bytes that were given": "正是所给字节的摘要",
    # layers, and what a container sees of them
    "layers returned {what}: it returns the names in a list, the topmost first": (
        "layers 返回了 {what}：应当返回名字的列表，最上层在前"
    ),
    "each layer has a directory of its own in the store": "每一层在存储里各有一个目录",
    "with that layer's files, and no other's": "里面是这一层的文件，没有别层的",
    "unpacked once: the second time the same names come back": "只解包一次：第二次返回同样的名字",
    "what lay in the store is as it was": "存储里原有的东西没有变",
    "its root is an overlay": "它的根是一个 overlay",
    "with a layer on top that can be written to": "最上面有一层可写",
    "its read-only layers are the image's, the topmost first": "只读层就是镜像的各层，最上层在前",
    "each file is that of the topmost layer that has it": "每个文件都来自拥有它的最上面一层",
    "/etc/gone, which a layer deletes, is not to be seen": "/etc/gone 被某一层删除，看不到了",
    "/etc/back, deleted and made again, is": "/etc/back 删除后又重建，看得到",
    # overlay and rootfs
    "what the container wrote was in memory, and is gone with it": "容器写的东西在内存里，随它一起消失了",
    "on a plain directory, too: its root is no overlay": "普通目录也可以：这时根不是 overlay",
    # pull
    "the manifest was asked for by its tag": "按标签请求了清单",
    "the manifest came back": "返回了清单",
    "config and layers lie in the store, each under its digest": "配置和各层都在存储里，各以摘要为名",
    "the image has its name there, {name}": "镜像在那里有了名字：{name}",
    "the config": "配置",
    "the lowest layer": "最下层",
    "a layer": "某一层",
    "the topmost layer": "最上层",
    "{what}: other bytes than were asked for are refused": "{what}：内容与所要的不符，就拒绝",
    "and not kept": "也没有留下来",
    # whiteouts
    "a file that the layer deletes is not to be seen": "这一层删除的文件看不到了",
    "nor is a whole directory that it deletes": "它删除的整个目录也看不到了",
    "what stands beside the mark is": "标记旁边的文件看得到",
    "an opaque directory shows what the layer has in it": "不透明目录显示本层放在里面的内容",
    "and nothing that lower layers have there": "不显示下层在那里的任何内容",
    "no mark is left": "没有留下任何标记",
    "a device 0/0 stands for what is deleted": "被删除的文件换成了设备 0/0",
    # dig
    "a file that each layer has is found in each, the lowest first": "每层都有的文件，在每层都找到了，最下层在前",
    "one that a layer deletes is found below": "被某层删除的文件，在下面那层找到了",
    "one that is in one layer only, once": "只在一层里的文件，找到一次",
    "one that there is not, nowhere": "不存在的文件，哪里也没有",
}  # fmt: skip
