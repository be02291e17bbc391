"""Hints of lesson 3."""

from labcore.language import Bilingual as T

HINTS = {
    "digest": (
        T("A digest has two parts with a colon between them. Which?", "摘要由冒号隔开的两部分组成，是哪两部分？"),
        T(
            "`hashlib.sha256(…)` takes bytes, as they are; `.hexdigest()` gives 64 digits.",
            "`hashlib.sha256(…)` 直接接受字节；`.hexdigest()` 给出 64 位数字。",
        ),
        T("`return 'sha256:' + hashlib.sha256(content).…`", "`return 'sha256:' + hashlib.sha256(content).…`"),
    ),
    "layers": (
        T(
            "The manifest lists the layers from the lowest up. In which order does an overlay want them?",
            "清单从最下层往上列出各层。overlay 要的是什么顺序？",
        ),
        T(
            "A directory `layers/DIGITS` for each; unpack only if it is not there, and let `whiteouts` turn the marks. Put each name before the earlier ones.",
            "每层一个目录 `layers/数字`；不存在才解包，再用 `whiteouts` 转换标记。每个名字放到前面的名字之前。",
        ),
        T(
            "`for layer in manifest['layers']:` … `if not directory.exists():` mkdir, tar -xf … -C …, whiteouts(…); `stack.insert(0, f'layers/{name}')`",
            "`for layer in manifest['layers']:` … `if not directory.exists():` mkdir、tar -xf … -C …、whiteouts(…)；`stack.insert(0, f'layers/{name}')`",
        ),
    ),
    "overlay": (
        T(
            "What the container writes is to be gone with it. On which kind of file system must the upper directory lie?",
            "容器写的东西要随它一起消失。上层目录应当放在哪种文件系统上？",
        ),
        T(
            "Enter `root.directory` first, so that the options can be short names; a tmpfs on `root.scratch` holds upper, work and view.",
            "先进入 `root.directory`，选项里就能用短名字；`root.scratch` 上挂 tmpfs，里面放 upper、work 和 view。",
        ),
        T(
            "`[ops.Chdir(…), ops.Mount('tmpfs', top, 'tmpfs'), ops.MakeDirectories((…, …, …)), ops.Mount('overlay', …, 'overlay', data=options), ops.Chdir(…)]`",
            "`[ops.Chdir(…), ops.Mount('tmpfs', top, 'tmpfs'), ops.MakeDirectories((…, …, …)), ops.Mount('overlay', …, 'overlay', data=options), ops.Chdir(…)]`",
        ),
    ),
    "rootfs": (
        T(
            "Two kinds of roots now. Which lines of lesson 1's `rootfs` do they share, and which differ?",
            "现在有两种根。第 1 课的 `rootfs` 里，哪些行是共同的，哪些不同？",
        ),
        T(
            "Only the way into the new root differs: bind and Chdir for a directory, `overlay(root)` for layers. Mount `proc` by its short name before the turn.",
            "不同的只是怎样进入新根：目录用绑定和 Chdir，层用 `overlay(root)`。换根之前用短名字挂载 `proc`。",
        ),
        T(
            "`enter = overlay(root) if isinstance(root, OverlayRoot) else [bind, ops.Chdir(root.directory)]`, then `[private, *enter, ops.Mount('proc', 'proc', 'proc'), ops.PivotRoot('.', '.'), …]`",
            "`enter = overlay(root) if isinstance(root, OverlayRoot) else [bind, ops.Chdir(root.directory)]`，然后 `[private, *enter, ops.Mount('proc', 'proc', 'proc'), ops.PivotRoot('.', '.'), …]`",
        ),
    ),
    "pull": (
        T(
            "When may a blob be written to the store, and when may the image get its name?",
            "什么时候才能把 blob 写进存储？什么时候才能给镜像起名字？",
        ),
        T(
            "Fetch the manifest by its tag, then the config and each layer by digest; compare `digest(blob)` before anything is written, and tag last.",
            "先按标签取清单，再按摘要取配置和每一层；写入之前先比较 `digest(blob)`，最后才打标签。",
        ),
        T(
            "`for part in [manifest['config'], *manifest['layers']]:` fetch, `if digest(blob) != part['digest']: raise ValueError(…)`, write; then `lab.tag(store, …, content)`",
            "`for part in [manifest['config'], *manifest['layers']]:` 获取，`if digest(blob) != part['digest']: raise ValueError(…)`，写入；最后 `lab.tag(store, …, content)`",
        ),
    ),
    "run": (
        T("How does `run` tell a directory from the name of an image?", "`run` 怎样区分目录和镜像名？"),
        T(
            "A path begins with `/`. For a name, `lab.manifest(store, root)` gives the manifest and your `layers` its directories; the rest is lesson 2's.",
            "路径以 `/` 开头。若是名字，`lab.manifest(store, root)` 给出清单，你的 `layers` 给出目录；其余与第 2 课相同。",
        ),
        T(
            "`below = BindRoot(root)`; `if not root.startswith('/'): below = OverlayRoot(store, tuple(layers(…)), 'scratch')`; `ContainerSpec(root=below, …, **more)`",
            "`below = BindRoot(root)`；`if not root.startswith('/'): below = OverlayRoot(store, tuple(layers(…)), 'scratch')`；`ContainerSpec(root=below, …, **more)`",
        ),
    ),
    "whiteouts": (
        T(
            "Two kinds of marks: one hides a name, the other all that lies below a directory. What does overlayfs use for each?",
            "有两种标记：一种遮住某个名字，一种遮住目录下面的一切。overlayfs 各用什么表示？",
        ),
        T(
            "`.wh..wh..opq` becomes the attribute `OPAQUE` on its directory, any other `.wh.NAME` a character device 0/0 called NAME. Remove each mark.",
            "`.wh..wh..opq` 变成所在目录的 `OPAQUE` 属性，其余 `.wh.名字` 变成名为该名字的 0/0 字符设备。标记本身要删掉。",
        ),
        T(
            "`for mark in list(Path(directory).rglob('.wh.*')):` unlink; `os.setxattr(mark.parent, OPAQUE, b'y')` or `os.mknod(mark.with_name(…), stat.S_IFCHR)`",
            "`for mark in list(Path(directory).rglob('.wh.*')):` 先 unlink；再 `os.setxattr(mark.parent, OPAQUE, b'y')` 或 `os.mknod(mark.with_name(…), stat.S_IFCHR)`",
        ),
    ),
    "dig": (
        T("Is what a layer deletes gone from the layers below it?", "某一层删掉的文件，从下面的层里消失了吗？"),
        T(
            "Each layer is an archive of its own in the store: open them one by one, and do not look at the marks.",
            "每一层在存储里都是独立的归档：逐个打开，不必理会标记。",
        ),
        T(
            "`for layer in manifest['layers']:` `with tarfile.open(…) as archive:` `if path in archive.getnames(): found.append(archive.extractfile(path).read())`",
            "`for layer in manifest['layers']:` `with tarfile.open(…) as archive:` `if path in archive.getnames(): found.append(archive.extractfile(path).read())`",
        ),
    ),
}
