# %% [markdown] lang="en" id="title"
# # 3. Image, container, repository
#
# In lesson 1 your container stood on a directory that had been prepared. Where does such a directory come from, how do a hundred
# containers share one, and how does it reach another machine? Docker answers with three words: an **image** is what a container
# is started from, a **container** is what you get, a **repository** is where images are kept. No image, no container: the image is
# the heart of it. You will take each of the three apart. The core takes 75 minutes; what is marked *further* can wait.

# %% [markdown] lang="zh" of="85593d4e"
# # 3. 镜像、容器、仓库
#
# 第 1 课的容器建在一个事先准备好的目录上。这样的目录从哪里来？上百个容器怎样共用一份？又怎样搬到另一台机器上？
# Docker 用三个概念回答：**镜像**（image）是启动容器的前提，**容器**（container）是启动后得到的东西，**仓库**（repository）是存放镜像的场所。
# 没有镜像就没有容器，所以镜像是核心。这一课把三者逐一拆开。主线约 75 分钟，标着**进阶**的可以以后再做。

# %% [markdown] lang="en" id="first"
# ## A container that destroys itself
#
# This container of `busybox` deletes `/etc` and `/home`, and prints what it has left. What will the *next* container find there?

# %% [markdown] lang="zh" of="49a23419"
# ## 毁掉自己的容器
#
# 这个 `busybox` 容器把 `/etc` 和 `/home` 删掉，再打印还剩什么。下一个容器会看到什么？

# %%
from labcore.lab.vocabulary import *
lab.begin(3)
lab.guess("next container")

# %%
show(labcore.plan("busybox", ["sh", "-c", "rm -r /etc /home; echo /*"]))

# %% [markdown] lang="en" id="unharmed"
# The same image once more:

# %% [markdown] lang="zh" of="e0bef2e9"
# 同一个镜像，再来一次：

# %% tags=["nbval-check-output"]
show(labcore.plan("busybox", ["sh", "-c", "echo /*"]))

# %%
lab.outcome("next container")

# %% [markdown] lang="en" id="digest-step"
# Both directories are back: nothing was deleted from the image. How can one be so sure of that? An image is a few files, and each
# is named after what is in it. Such a name is a **digest**; if a single byte changed, the name would be wrong.
#
# **Your first step** computes it: the text `sha256:`, followed by `hashlib.sha256(content).hexdigest()`. (SHA-256 is a way of computing
# a number of 64 hexadecimal digits from any bytes; nobody knows how to find two texts with the same one.)

# %% [markdown] lang="zh" of="1c9eeec3"
# 两个目录都回来了：镜像里什么也没有被删。凭什么这么肯定？镜像就是几个文件，每个文件都以自己的内容命名。
# 这种名字叫**摘要**（digest）；哪怕只改一个字节，名字就对不上了。
#
# **你的第一步**就是计算它：文本 `sha256:`，后面接上 `hashlib.sha256(content).hexdigest()`。（SHA-256 能从任意内容算出一个 64 位十六进制数；
# 至今没有人知道怎样找到两份内容，算出同一个数。）

# %% tags=["exercise"] zh="返回这些字节的名字：`sha256:` 加 64 位十六进制数（1 行）。" of="c2c7daa4"
@lab.step
def digest(content):
    """Return the name of these bytes: `sha256:` and 64 hex digits (1 line)."""
    ...

# %% tags=["check"]
lab.check(digest)

# %% [markdown] lang="en" id="on-disk"
# ## An image on disk
#
# `lab.new_store("busybox")` makes a directory of your own for this lesson, with a copy of the image in it. What do you expect: a
# disk image, an archive, a tree of files?

# %% [markdown] lang="zh" of="9cdac900"
# ## 磁盘上的镜像
#
# `lab.new_store("busybox")` 为这一课建一个你自己的目录，里面放一份镜像的副本。你觉得会看到什么：磁盘映像、压缩包，还是一棵文件树？

# %%
store = lab.new_store("busybox")
for path in sorted(Path(store).rglob("*")):
    if path.is_file():
        print(f"{path.stat().st_size:9,}  {path.relative_to(store)}")

# %% [markdown] lang="en" id="manifest"
# Three *blobs*, files named by their digests, and an index. (This form is a standard, the OCI image layout: skopeo and podman read
# this directory as it is.) `index.json` says which digest the name `busybox:latest` stands for, and that blob is the
# **manifest**, the list of parts:

# %% [markdown] lang="zh" of="abae302a"
# 三个 *blob*，也就是以摘要为名的文件，外加一份索引。（这种布局是标准：OCI 镜像布局，skopeo、podman 都能直接读这个目录。）
# `index.json` 记着 `busybox:latest` 这个名字对应哪个摘要，那个 blob 就是**清单**（manifest），即各个部分的列表：

# %%
manifest = lab.manifest(store, "busybox")
print(json.dumps(manifest, indent=1))

# %% [markdown] lang="en" id="by-hand"
# One config, and the layers from the lowest up: here there is one. Do the names fit? Your `digest` can tell.

# %% [markdown] lang="zh" of="b937d806"
# 一份配置，然后是从下往上的各层，这里只有一层。名字和内容相符吗？用你的 `digest` 验一验。

# %% tags=["nbval-check-output"]
def blob(name):
    return Path(store, "blobs", name.replace(":", "/")).read_bytes()

names = [part["digest"] for part in (manifest["config"], *manifest["layers"])]
[name == digest(blob(name)) for name in names]

# %% [markdown] lang="en" id="config"
# Now the **config**. An image is not only a file system: it also says how its containers want to be run. Environment, command and
# working directory stand here; user, ports and anonymous volumes can, too.

# %% [markdown] lang="zh" of="8cf4d0a2"
# 再看**配置**（config）。镜像不只是文件系统，还包含为运行时准备的参数：这里有环境变量、命令和工作目录；用户、端口、匿名卷也写在这里。

# %%
config = json.loads(blob(manifest["config"]["digest"]))
print(json.dumps(config, indent=1))

# %% [markdown] lang="en" id="three-digests"
# `diff_ids` is a list of digests as well, but no blob bears them. Whose can they be? Guess, then compare. (A layer's files are put
# into one archive by `tar`, and that is made smaller by `gzip`.)

# %% [markdown] lang="zh" of="9670d487"
# `diff_ids` 里也是摘要，却没有哪个 blob 叫这个名字。它是谁的摘要？先猜，再比较。（一层的文件先用 `tar` 打成一个归档，再用 `gzip` 压缩。）

# %%
lab.guess("diff id")

# %%
import gzip
layer = blob(manifest["layers"][0]["digest"])
archive = gzip.decompress(layer)
print(f"the layer's blob      {digest(layer)[:23]}… {len(layer):9,} bytes")
print(f"the same, unpacked    {digest(archive)[:23]}… {len(archive):9,} bytes")
print(f"named in the config   {config['rootfs']['diff_ids'][0][:23]}…")
lab.outcome("diff id")

# %% [markdown] lang="en" id="unchangeable"
# A blob's digest guards the transport, and the `diff_id` what is in the archive, however it was compressed. Now change one byte of
# a layer: which names no longer fit? The layer's, then the manifest's that names it, and the `diff_id`, and the config's. Hence
# an image can be made anew, but never changed behind your back. (`docker images` shows an **image ID**: that was for long the
# config's digest; newer installations show the manifest's.)

# %% [markdown] lang="zh" of="9561f660"
# blob 的摘要保证传输无误，`diff_id` 保证解压后的内容，与用什么压缩无关。设想改动某一层的一个字节：哪些名字对不上了？
# 先是这一层的，接着是写着它的清单的，还有 `diff_id`，于是配置的也变了。所以镜像构建之后内容不会改变：只能重新做一个，没有人能偷偷改掉它。
# （`docker images` 显示的**镜像 ID**，长期以来就是配置的摘要；较新的安装显示的是清单的摘要。）

# %% [markdown] lang="en" id="layers"
# ## Layers
#
# Most images have more than one layer: somebody took an image and put something on top. So do we: a café, on busybox. A layer is a
# tar archive of what is new in it; `None` stands for a file that it takes away.

# %% [markdown] lang="zh" of="9264b649"
# ## 层
#
# 多数镜像不止一层：有人拿来一个镜像，在上面又加了些东西。我们也这样做：在 busybox 上开一家咖啡馆。
# 一层就是一个 tar 归档，里面是这一层新增的文件；`None` 表示要去掉的文件。

# %%
monday = {"menu/soup": "tomato\n", "menu/fish": "herring\n", "menu/tea": "green\n"}
monday["wine/red"] = "merlot\n"
tuesday = {"menu/soup": "onion\n", "menu/fish": None}
made = lab.image(store, "cafe:v1", [lab.layer(monday), lab.layer(tuesday)])

# %% [markdown] lang="en" id="whiteout"
# But a tar archive can only *contain* files. How might it say that `menu/fish` is gone?

# %% [markdown] lang="zh" of="a3cae897"
# 可是 tar 归档只能“包含”文件。它怎么表示 `menu/fish` 没有了？

# %% tags=["nbval-check-output"]
import io
cafe = lab.manifest(store, "cafe:v1")
tarfile.open(fileobj=io.BytesIO(blob(cafe["layers"][2]["digest"]))).getnames()

# %% [markdown] lang="en" id="flat"
# An empty file with a strange name says it: a **whiteout**. Suppose we unpack one layer over the other into one directory, as one
# would any archives. What will be on the menu? (`lab.tray` makes a directory with three empty ones in it: `upper`, `work` and
# `view`. What the first two are for comes soon; here we unpack into `view`.)

# %% [markdown] lang="zh" of="974d65ef"
# 用一个名字古怪的空文件来表示：这叫 **whiteout**（遮盖标记）。如果像普通压缩包那样，把各层依次解包到同一个目录，菜单上会有什么？
# （`lab.tray` 新建一个目录，里面有三个空目录：`upper`、`work` 和 `view`。前两个的用处马上就讲；这里解包到 `view` 里。）

# %% tags=["nbval-check-output"]
flat = lab.tray("flat") + "/view"
for part in cafe["layers"][1:]:
    file = f"{store}/blobs/{part['digest'].replace(':', '/')}"
    subprocess.run(["tar", "-xf", file, "-C", flat], check=True)
sorted(os.listdir(f"{flat}/menu"))

# %% [markdown] lang="en" id="layers-step"
# The fish is still there, beside a file that nobody wants; Monday's soup is overwritten; and another image with the same lowest
# layer would need all of it again. So each layer gets a directory of its own, once, and nothing is ever changed in it.
#
# **Your second step.** Go through `manifest["layers"]`. A layer's directory is `store/layers/NAME`, its blob
# `store/blobs/sha256/NAME`; `NAME` is the digest without `sha256:`, for a colon will soon mean something else.
#
# - what exists already (`Path(…).exists()`) stays; else `mkdir()` it and run `tar` as above
# - then `whiteouts(directory)` turns marks into what the kernel understands (it is supplied; writing it is a challenge below)
# - return the names `layers/NAME`, **the topmost first**: `stack.insert(0, …)`

# %% [markdown] lang="zh" of="6e47411f"
# 鱼还在，旁边多了个没人要的文件；星期一的汤被覆盖了；另一个镜像要是也用同样的底层，还得全部再解一遍。
# 所以每一层都有自己的目录，只解包一次，之后不再改动。
#
# **你的第二步。** 遍历 `manifest["layers"]`。某一层的目录是 `store/layers/NAME`，它的 blob 是
# `store/blobs/sha256/NAME`；`NAME` 是去掉 `sha256:` 的摘要，因为冒号马上另有用途。
#
# - 已经有的（`Path(…).exists()`）就不动；没有就 `mkdir()`，再像上面那样运行 `tar`
# - 然后用 `whiteouts(directory)` 把标记换成内核认识的形式（已提供；自己写一个，是后面的挑战题）
# - 返回名字 `layers/NAME` 的列表，**最上层在前**：`stack.insert(0, …)`

# %% tags=["exercise"] zh="每层只解包一次；返回它们的名字，最上层在前（10 行）。" of="7015a697"
@lab.step
def layers(manifest, store):
    """Unpack each layer once; return their names, the topmost first (10 lines)."""
    ...

# %% tags=["check"]
lab.check(layers)

# %% [markdown] lang="en" id="union"
# ## One view of many layers
#
# Several directories, one file system: that is what a **union file system** makes of them, and the kernel's is called overlayfs.
# `lowerdir` names the directories, the topmost first, with colons between them. Which soup is it, and is there fish? And can one
# add something to the menu?

# %% [markdown] lang="zh" of="43b4e8cc"
# ## 多个层，一个视角
#
# 几个目录，合成一个文件系统：这就是**联合文件系统**（Union File System），内核自带的叫 overlayfs。
# `lowerdir` 列出各个目录，最上层在前，中间用冒号隔开。汤是哪一种？有没有鱼？能不能往菜单上添东西？

# %%
stack = layers(cafe, store)
tray = lab.tray()
lab.guess("soup")

# %%
# %%helper
unshare(CloneFlag.NEWNS)
mount("none", "/", flags=MountFlag.REC | MountFlag.PRIVATE)
os.chdir(store)
mount("overlay", f"{tray}/view", "overlay", data=f"lowerdir={':'.join(stack)}")
os.chdir(f"{tray}/view/menu")
os.system("grep . *")
with expect(errno.EROFS):
    open("cake", "w")

# %% [markdown] lang="en" id="stack"
# `EROFS` is "read-only file system": layers are never written to. `view`, in the tray, is where the stack was mounted. Looked at from
# above, the first box in each column is what one sees:

# %% [markdown] lang="zh" of="fb5d6800"
# `EROFS` 的意思是“只读文件系统”：层是从来不写的。叠起来的结果就挂载在 tray 里的 `view` 上。从上往下看，每一列里最先碰到的那一格，就是看到的文件：

# %%
here = [f"{store}/{name}" for name in stack]
lab.stack(here, files=["bin/busybox", "etc/passwd", "menu/fish", "menu/soup", "menu/tea"])

# %%
lab.outcome("soup")

# %% [markdown] lang="en" id="image-is"
# That is an **image**: a stack of read-only layers, seen as one file system, with a description. For whoever looks in, there are
# no layers at all.
#
# You may read that each layer but the lowest *points* to the one below it. So it was until Docker 1.10 (2016). Now a layer knows
# nothing of its neighbours; their order stands in the manifest alone. Therefore any number of images can use the same one:

# %% [markdown] lang="zh" of="839fc63a"
# 这就是**镜像**：一堆只读层，从一个统一的视角看去是一个文件系统，再加一份描述。在用户看来，根本没有“层”。
#
# 你会读到：除了最下面一层，每层都有一个**指针**指向下一层。Docker 1.10（2016 年）以前确实如此。如今，层并不知道自己的邻居，
# 顺序只写在清单里。正因为这样，同一层可以被任意多个镜像使用：

# %%
for name in ("busybox", "cafe:v1"):
    parts = lab.manifest(store, name)["layers"]
    print(f"{name:8}", *(part["digest"][7:19] for part in parts))

# %% [markdown] lang="en" id="upper"
# Layers are no secret: yours lie in `store/layers`, Docker's below `/var/lib/docker`, for root to look at.
#
# ## Container = image + a layer of its own
#
# The first container of this lesson could delete its files, and yet the image is read-only. So there must be something above it:
# `upperdir`, a directory that takes what is written. Only that?

# %% [markdown] lang="zh" of="86d19e05"
# 层并不神秘：你的在 `store/layers` 里，Docker 的在 `/var/lib/docker` 下面，root 在主机上就能看到。
#
# ## 容器 = 镜像 + 读写层
#
# 本课的第一个容器能删自己的文件，而镜像是只读的。可见上面还有一层：`upperdir`，写入的东西都放进这个目录。加上它就行了吗？

# %%
# %%helper
unshare(CloneFlag.NEWNS)
mount("none", "/", flags=MountFlag.REC | MountFlag.PRIVATE)
os.chdir(store)
options = f"lowerdir={':'.join(stack)},upperdir={tray}/upper"
with expect(errno.EINVAL):
    mount("overlay", f"{tray}/view", "overlay", data=options)

# %% [markdown] lang="en" id="five-deeds"
# With a `workdir`, where overlayfs gets things ready before they appear in one step, it works. Five deeds: a new file, a changed
# one, a deleted one, a renamed one, and a directory that is deleted and made again. **What will lie in `upper` afterwards?** Write
# down the names. (`USERXATTR` is empty, unless the lab runs without root; then it asks overlayfs for marks that an ordinary user may
# make.)

# %% [markdown] lang="zh" of="e3796340"
# 再给一个 `workdir` 就行了：overlayfs 在那里做好准备，然后一步到位。做五件事：新建、修改、删除、改名各一个文件，再把一个目录删掉重建。
# **之后 `upper` 里会有什么？** 先把名字写下来。（`USERXATTR` 是空的，除非不用 root 运行实验室：那时它让 overlayfs 使用普通用户也能做的标记。）

# %% tags=["nbval-check-output"]
# %%helper
unshare(CloneFlag.NEWNS)
mount("none", "/", flags=MountFlag.REC | MountFlag.PRIVATE)
os.chdir(store)
options = f"lowerdir={':'.join(stack)},upperdir={tray}/upper,workdir={tray}/work"
mount("overlay", f"{tray}/view", "overlay", data=options + USERXATTR)
os.chdir(f"{tray}/view")
os.system("echo cheese > menu/cake; echo black >> menu/tea; rm menu/soup")
os.system("mv etc/group etc/teams; rm -r wine; mkdir wine; grep -r . menu wine | sort")

# %% [markdown] lang="en" id="upper-picture"
# The process is gone, and the mount with it. The directory is still there:

# %% [markdown] lang="zh" of="7a8dd8f3"
# 进程没了，挂载也随之消失。那个目录却还在：

# %%
files = ["menu/cake", "menu/tea", "menu/soup", "etc/group", "etc/teams"]
lab.stack(here, upper=f"{tray}/upper", files=[*files, "wine/", "wine/red"])

# %%
print(subprocess.check_output(["ls", "-lR"], cwd=f"{tray}/upper", text=True))
os.getxattr(f"{tray}/upper/wine", OPAQUE)

# %% [markdown] lang="en" id="copy-up"
# - **New**: the file, and nothing else.
# - **Changed**: all of `tea`, with Monday's line. The file was copied up before it was written to (*copy-up*): for one more line
#   in a database of 10 GB, 10 GB. Data that is written much belongs on a *volume*, outside of the layers.
# - **Deleted**: `c`, and `0, 0` in place of a size: a device that no driver has. This is overlayfs's own whiteout; your `layers`
#   puts the same in place of `.wh.fish`.
# - **Renamed**: a copy under the new name, and a whiteout under the old one.
# - **A directory made again**: it is *opaque*. An attribute on it, `trusted.overlay.opaque`, says that nothing from below is to be
#   seen in it: one mark for however many files.
#
# What lies below has not changed by one bit. `docker diff` reads just this directory, and `docker commit` makes a layer of it.

# %% [markdown] lang="zh" of="a048e51b"
# - **新建**：只有这个文件，没有别的。
# - **修改**：整个 `tea`，连同星期一的那一行。写之前，文件先被整个**向上复制**（copy-up）：
#   10 GB 的数据库加一行，就要复制 10 GB。频繁写入的数据应当放在**卷**（volume）里，不放在层里。
# - **删除**：类型是 `c`，本该写大小的地方是 `0, 0`：一个没有驱动的设备。这是 overlayfs 自己的 whiteout；你的 `layers` 正是用它代替了 `.wh.fish`。
# - **改名**：新名字下是一份副本，旧名字下是一个 whiteout。
# - **重建的目录**：它是**不透明**（opaque）的。属性 `trusted.overlay.opaque` 表示下层在这里的东西一概看不到，一个标记就够了。
#
# 下面各层一个比特都没变。`docker diff` 读的就是这个目录，`docker commit` 则把它做成新的一层。

# %% [markdown] lang="en" id="container-is"
# So a **container is an image plus a layer that can be written to**; but for that top layer, the two are the same. Nothing here
# says that anything must be *running*: what lies in the tray is a container without a process, such as `docker create` makes and
# `docker ps -a` lists; `docker start` gives it a process (lesson 1), and `docker rm` throws its top layer away. (Docker also keeps
# a name, the config and an address with it: "image + read-write layer" is its file system, not all of it.)
#
# **Your third step** puts this into a plan. `root` is an `OverlayRoot`: `root.layers` are names inside `root.directory`, and
# `root.scratch` is an empty directory there. The ops:
#
# - `ops.Chdir` into the directory, so that names stay short: all options together must fit into one page of memory
# - `ops.Mount("tmpfs", …, "tmpfs")` on the scratch: the top layer will live in memory and vanish with the container
# - `ops.MakeDirectories((…, …, …))` in it: `upper`, `work` and `view`
# - `ops.Mount("overlay", …, "overlay", data=…)` on `view`, and `ops.Chdir` there. The options are those of the last helper cell, with
#   the names as they are seen from the directory: `root.layers`, and below the scratch `upper` and `work`
#
# (Where the lab runs without root, `USERXATTR` belongs at the end of the options; for root it is empty.)

# %% [markdown] lang="zh" of="059dd0ef"
# 所以，**容器 = 镜像 + 读写层**；除了最上面可读可写的那一层，两者一模一样。这个定义并没有说一定要有东西在“运行”：
# 托盘（tray）里放着的，就是一个没有进程的容器。`docker create` 造出来的正是它，`docker ps -a` 能列出它；
# `docker start` 给它一个进程（第 1 课），`docker rm` 扔掉它的读写层。（Docker 还为容器保存名字、配置和地址：“镜像 + 读写层”说的是它的文件系统，不是全部。）
#
# **你的第三步**把这些写进计划。`root` 是一个 `OverlayRoot`：`root.layers` 是 `root.directory` 里的名字，
# `root.scratch` 是那里的一个空目录。操作依次是：
#
# - `ops.Chdir` 进入该目录，这样名字就短：所有选项加起来不能超过一页内存
# - 在 scratch 上 `ops.Mount("tmpfs", …, "tmpfs")`：读写层放在内存里，随容器一起消失
# - `ops.MakeDirectories((…, …, …))` 在里面建 `upper`、`work` 和 `view`
# - `ops.Mount("overlay", …, "overlay", data=…)` 挂载到 `view`，再 `ops.Chdir` 进去。选项和上一个辅助单元格一样，
#   只是名字从该目录看起：`root.layers`，以及 scratch 下面的 `upper` 和 `work`
#
# （不用 root 运行实验室时，选项末尾要加上 `USERXATTR`；对 root 来说它是空的。）

# %% tags=["exercise"] zh="返回把 `root.layers` 叠在一个新层之下、并进入其中的操作（9 行）。" of="3fb7c4e0"
@lab.step
def overlay(root):
    """Return the ops that stack `root.layers` below a new one, and enter it (9 lines)."""
    ...

# %% tags=["check"]
lab.check(overlay)

# %% [markdown] lang="en" id="rootfs-step"
# **Your fourth step** is an old one. Take `rootfs` as you wrote it in lesson 1 (it stands in `my_runtime.py`). Two of its ops, the
# bind mount and the first `Chdir`, are for a plain directory. For `isinstance(spec.root, OverlayRoot)` the ops of
# `overlay(spec.root)` take their place. Both kinds must work: the check tries both.
#
# One more line moves: mount `/proc` before the turn, in the directory that will be the root: `ops.Mount("proc", "proc", "proc")`. In a
# user namespace the kernel mounts one only while another is in sight, and before the turn the old one is. (With root the check
# here takes either place; lesson 4 starts your container in a user namespace.)

# %% [markdown] lang="zh" of="57141543"
# **你的第四步**是旧题新做。拿出第 1 课写的 `rootfs`（就在 `my_runtime.py` 里）。其中两个操作，绑定挂载和第一个 `Chdir`，是针对普通目录的。
# 如果 `isinstance(spec.root, OverlayRoot)`，就换成 `overlay(spec.root)` 的操作。两种都要能用：检查会都试一遍。
#
# 还有一行要挪个位置：`/proc` 改在换根之前挂载，就挂在将要成为根的目录里：`ops.Mount("proc", "proc", "proc")`。
# 在用户命名空间里，只有还看得见另一个 `/proc`，内核才允许挂载新的；换根之前，旧的还在眼前。
# （有 root 权限时，这里的检查两种位置都接受；第 4 课会在用户命名空间里启动你的容器。）

# %% tags=["exercise"] zh="返回建立根的操作：目录或各层都行，并挂上 /proc（新增 5 行）。" of="d896c5d3"
@lab.step
def rootfs(spec):
    """Return the ops that make the root, directory or layers, and /proc (5 new lines)."""
    ...

# %% tags=["check"]
lab.check(rootfs)

# %% [markdown] lang="en" id="two-containers"
# Two containers on one image, at the same time. `one` deletes the tea and `two` does not. What does each of them see, looked at
# from out here through `/proc/PID/root`?

# %% [markdown] lang="zh" of="4cca5ba7"
# 同一个镜像上，两个容器同时运行。`one` 删掉了茶，`two` 没有。从外面通过 `/proc/PID/root` 看，它们各看到什么？

# %%
from my_runtime import namespaces  # yours, of lesson 1

def start(deed):
    root = OverlayRoot(store, tuple(stack), "scratch")
    spec = ContainerSpec(root=root, argv=("/bin/sh", "-c", f"{deed}; echo done; cat"))
    program = ops.Execve(spec.argv, spec.environment)
    plan = Plan([*namespaces(spec), *rootfs(spec), program])
    return spawn(plan, stdin=PIPE, stdout=PIPE)

# %% tags=["nbval-check-output"]
one, two = start("rm /menu/tea"), start("echo herbs > /menu/tea")
for box in (one, two):
    box.stdout.readline()
    print(sorted(os.listdir(f"/proc/{box.pid}/root/menu")))
    box.close()

# %% [markdown] lang="en" id="registry"
# Both stand on the same three directories, and neither knows of the other.
#
# ## A place for images
#
# An image that was built here is easily run here. To run it elsewhere, a service is needed that stores images and hands them out:
# a **registry**. It is a web server, no more. Let us start one that ends with this notebook, and send it busybox. Which requests
# will that take?

# %% [markdown] lang="zh" of="87d04e27"
# 两者建在同样的三个目录上，互不知晓。
#
# ## 存放镜像的地方
#
# 镜像构建好以后，在本机运行很容易。要在别的机器上用，就需要一个集中存储、分发镜像的服务：**Registry**（仓库注册服务器）。
# 它不过是一个 Web 服务器。我们启动一个，笔记本关闭时它也随之结束，然后把 busybox 推送上去。这需要哪些请求？

# %%
registry = lab.registry()
print(lab.push(store, "busybox", registry))
registry.access_log()

# %% [markdown] lang="en" id="push"
# For each blob: *have you got it?* (`HEAD`), no; *then I want to send something* (`POST`), here; the bytes, with their digest
# (`PUT`). At last the manifest, and only that is put under a word, the **tag** `latest`. If we push the same image again, how many
# of these lines will there be?

# %% [markdown] lang="zh" of="a8ec0e53"
# 对每个 blob：“你有吗？”（`HEAD`）没有；“那我要上传”（`POST`），往这里传；然后是内容连同它的摘要（`PUT`）。
# 最后是清单，只有它是放在一个单词之下的，这个单词就是**标签** `latest`。同一个镜像再推送一次，会有几行？

# %%
lab.push(store, "busybox", registry)
registry.access_log()

# %% [markdown] lang="en" id="names"
# What is there already is not sent again; layers make that possible.
#
# The words are easily confused. A **registry** is the server. It holds **repositories**, usually one for each piece of software; a
# repository holds **tags**, usually one for each version; and each tag stands for one image. If you know Git: the registry is what
# GitHub is, a repository is a repository, a tag a tag. (There is no history and no merging, though; what Git and images really share
# is that everything is named by its digest.) What will `busybox` mean in full?

# %% [markdown] lang="zh" of="5739edc8"
# 已经有的不会再传一遍，这正是分层的好处。
#
# 这几个词很容易混淆。**Registry** 是服务器。它包含多个**仓库**（repository），通常一个软件一个；
# 仓库包含多个**标签**（tag），通常一个版本一个；每个标签对应一个镜像。如果你了解 Git：Registry 相当于 GitHub，仓库就是仓库，标签就是标签。
# （不过这里没有提交历史，也没有合并；Git 和镜像真正的共同点，是一切都以摘要命名。）`busybox` 写全了是什么？

# %% tags=["nbval-check-output"]
for name in ("busybox", "angelkitty/nginx_web:v1", "127.0.0.1:5000/cafe"):
    full = Reference.parse(name)
    print(f"{name:24} = {full.registry} / {full.repository} : {full.tag}")

# %% [markdown] lang="en" id="latest"
# Where no registry is named, Docker means its own, Docker Hub (`docker.io`). There, `library/` holds the official images, looked
# after by Docker and the software's makers; other repositories stand below the name of a user or an organisation.
#
# And where no tag is given, it is `latest` (in lower case: tags tell `Latest` from `latest`). Let us push the café, `cafe:v1`, and
# ask for `cafe`. Which version will come?

# %% [markdown] lang="zh" of="55fda7cd"
# 没写注册服务器，Docker 就认为是它自己的 Docker Hub（`docker.io`）。在那里，`library/` 下是官方镜像，由 Docker 和软件作者维护；
# 其他仓库都放在用户或组织的名字下面。
#
# 没给出标签，默认就是 `latest`（全小写：标签区分 `Latest` 和 `latest`）。我们推送咖啡馆 `cafe:v1`，再去要 `cafe`。会得到哪个版本？

# %%
lab.guess("latest")

# %%
lab.push(store, "cafe:v1", registry)
with lab.expect(errno.ENOENT):
    lab.fetch(f"{registry.url}/v2/cafe/manifests/latest")
lab.outcome("latest")

# %% [markdown] lang="en" id="just-a-word"
# None. `latest` is only the word that is used when none is given; it does not mean the newest, and it is there only if somebody has
# pushed it. This is what the registry holds by now:

# %% [markdown] lang="zh" of="1393b449"
# 一个也没有。`latest` 只是没写标签时用的那个词；它不代表“最新”，有人推送过它才存在。注册服务器里现在有这些：

# %%
lab.repositories(registry)

# %% [markdown] lang="en" id="by-tag"
# Whoever asks for `v1` is given the manifest that the arrow leads to. Is it the one that was made above?

# %% [markdown] lang="zh" of="18c6e1ca"
# 要 `v1`，得到的就是箭头所指的清单。它是前面做出来的那一个吗？

# %% tags=["nbval-check-output"]
content = lab.fetch(f"{registry.url}/v2/cafe/manifests/v1")
digest(content) == made

# %% [markdown] lang="en" id="pull-step"
# **Your fifth step** is the way back, `docker pull`. `registry` is such a URL as `registry.url`.
#
# - fetch the manifest as above; `json.loads` reads it
# - for the config and each layer fetch `/v2/REPOSITORY/blobs/DIGEST`
# - **trust nobody**: if a blob's `digest` is another than you asked for, `raise ValueError(…)`
# - keep it in `store/blobs/sha256/…`: `Path(store, "blobs", part["digest"].replace(":", "/")).write_bytes(…)`
# - `lab.tag(store, f"{repository}:{tag}", content)` enters the manifest's bytes in the store's index; return the manifest

# %% [markdown] lang="zh" of="4b13168b"
# **你的第五步**是反过来的路：`docker pull`。参数 `registry` 是 `registry.url` 那样的地址。
#
# - 像上面那样取回清单，用 `json.loads` 读它
# - 配置和每一层，都从 `/v2/REPOSITORY/blobs/DIGEST` 取
# - **谁也别信**：blob 的 `digest` 与所要的不符，就 `raise ValueError(…)`
# - 存到 `store/blobs/sha256/…`：`Path(store, "blobs", part["digest"].replace(":", "/")).write_bytes(…)`
# - `lab.tag(store, f"{repository}:{tag}", content)` 把清单的内容登记到存储的索引里；返回清单

# %% tags=["exercise"] zh="把镜像取到 `store` 里，每部分都核对；返回清单（10 行）。" of="de122450"
@lab.step
def pull(registry, repository, tag, store):
    """Get an image into `store`, each part checked; return the manifest (10 lines)."""
    ...

# %% tags=["check"]
lab.check(pull)

# %% [markdown] lang="en" id="liar"
# Now as on another machine: the store is empty. First from a registry that lies, and sends blobs with one bit changed:

# %% [markdown] lang="zh" of="0555d2bd"
# 现在假设换了一台机器：存储是空的。先从一个撒谎的注册服务器拉取，它发来的 blob 都被改了一个比特：

# %%
store = lab.new_store()
with registry.tampering() as tampering, lab.expect(ValueError):
    pull(tampering.url, "cafe", "v1", store)

# %%
registry.access_log()
for name, tag in (("busybox", "latest"), ("cafe", "v1")):
    pull(registry.url, name, tag, store)
registry.access_log()

# %% [markdown] lang="en" id="run-step"
# The digests in the manifest convict the liar. But who vouches for the manifest itself? If you ask by *tag*, nobody but the
# registry. If you ask by *digest*, `cafe@sha256:…`, its bytes must fit too: then nothing can be slipped in anywhere.
#
# **Your last step** is `run`, as in lesson 2 (or 1, if you come from there), with a root that may also be the *name of an image*:
#
# - if `root.startswith("/")`, it is a directory: `BindRoot(root)` as before
# - else `OverlayRoot(store, tuple(…), "scratch")`, where `store = lab.store()` and the layers are those of `lab.manifest(store, root)`

# %% [markdown] lang="zh" of="231e2daf"
# 清单里的摘要让谎话无处可藏。那么清单本身由谁担保？按标签要，只能相信注册服务器。按摘要要（`cafe@sha256:…`），清单的内容也必须相符：
# 这样哪里都塞不进假东西。
#
# **最后一步**是 `run`，和第 2 课一样（没学第 2 课就照第 1 课的来），只是 root 还可以是镜像的名字：
#
# - 如果 `root.startswith("/")`，就是目录：和以前一样 `BindRoot(root)`
# - 否则是 `OverlayRoot(store, tuple(…), "scratch")`，其中 `store = lab.store()`，各层来自 `lab.manifest(store, root)`

# %% tags=["exercise"] zh="以一个目录或一个镜像为根启动 `argv`；返回它的退出码（新增 5 行）。" of="adfa8691"
@lab.step
def run(root, argv, name="box", **more):
    """Start `argv` on a directory or an image; return its exit code (5 new lines)."""
    ...

# %% tags=["check"]
lab.check(run)

# %% [markdown] lang="en" id="run-it"
# From the registry to a running container, all by your own functions:

# %% [markdown] lang="zh" of="4d3b2995"
# 从注册服务器到运行中的容器，全是你自己的函数：

# %% tags=["nbval-check-output"]
run("busybox", ["sh", "-c", "hostname; rm -r /etc /home; echo /*"])

# %% tags=["nbval-check-output"]
run("cafe:v1", ["sh", "-c", "grep . /menu/*"])

# %% [markdown] lang="en" id="public-private"
# ## Public and private
#
# Anybody may read from our registry and write to it. A **public** registry lets all users pull what is public, and those who have
# an account push to their own repositories; Docker Hub, GitHub's and Quay are such services, and they offer private repositories
# too, mostly for money. A **private** registry is one that you run yourself. Docker has long offered an image for that, called
# `registry` (today it is the project *distribution*); labcore's is `labcore registry serve`. Whether a registry asks who you are is
# one line of its settings:

# %% [markdown] lang="zh" of="2ef1ff61"
# ## 公有与私有
#
# 我们的注册服务器谁都能读写。**公有**（public）服务允许所有用户拉取公开的镜像，有账号的可以推送到自己的仓库；
# Docker Hub、GitHub 的镜像服务和 Quay 都是这样，它们也提供私有仓库，多半收费。**私有**（private）的则由你自己搭建。
# Docker 官方早就提供了一个现成的镜像，叫 `registry`（如今是 *distribution* 项目）；labcore 的是 `labcore registry serve`。
# 要不要问“你是谁”，只是一行配置：

# %%
private = registry.private("ada", "lovelace")
with lab.expect(errno.EACCES):
    lab.fetch(f"{private.url}/v2/cafe/tags/list")

# %% [markdown] lang="en" id="password"
# `401` and a challenge: *say who you are*. `docker login` asks for the password and keeps it; then each request carries it.

# %% [markdown] lang="zh" of="53d7965e"
# `401` 和一个质询：“请说明身份”。`docker login` 会询问密码并保存下来，之后每个请求都带上它。

# %%
print(lab.fetch(f"{private.url}/v2/cafe/tags/list", user="ada:lovelace"))
private.access_log()

# %% [markdown] lang="en" id="hub"
# That is basic authentication, fit for a loopback; over a network it takes TLS, or whoever listens reads the password. Docker Hub
# hands out *tokens* instead, also to those who have no account; and it counts: whoever pulls too often is answered
# `429 Too Many Requests`, and a class that shares one address soon does. A registry in the house is the cure.

# %% [markdown] lang="zh" of="476ded16"
# 这是 Basic 认证，在本机回环上够用；走网络必须加 TLS，否则旁听的人就能读到密码。Docker Hub 发放的是**令牌**（token），没有账号也发；
# 它还会计数：拉取太频繁就回答 `429 Too Many Requests`，全班共用一个地址时很快就会碰到。在内部架一个注册服务器就好了。

# %% [markdown] lang="en" id="architecture"
# ## Who does what
#
# You now have all of the three words, and two directions: **push** carries an image from a machine to a repository, **pull** from
# there to another machine. In this lesson you did by hand what Docker spreads over three parties. Its **client**, the command
# `docker`, only passes on what you want; its **server**, the daemon `dockerd`, builds, runs and stores; the **registry** hands
# out. Client and server may be on one machine, over a Unix socket, or on two, over the network, with a REST interface in both
# cases (where the article writes *Stock*, read *socket*). Lesson 5 builds that.
#
# Two things have changed since 2019. *Docker Cloud*, in the article's drawing, was closed in 2018; Docker Hub has stayed. And
# Docker's default registry cannot be *configured* away: one can set mirrors for it, and use any other by writing its address before
# the name (podman lets you list where short names are looked for).

# %% [markdown] lang="zh" of="eeca3baa"
# ## 谁做什么
#
# 三个概念都齐了，还有两个方向：**push** 把镜像从一台机器送到仓库，**pull** 从仓库取到另一台机器。这一课里你亲手做的事，Docker 分给了三方：
# **客户端**（`docker` 命令）只转达你的要求；**服务端**（守护进程 `dockerd`）负责构建、运行和保存；**Registry** 负责分发。
# 客户端和服务端可以在同一台机器上，通过 Unix 套接字通信，也可以在两台机器上，通过网络通信，用的都是 REST 接口
# （文章里的 *Stock* 应为 *socket*，套接字）。第 5 课就来实现它。
#
# 2019 年以来有两点变化。文章图中的 *Docker Cloud* 已在 2018 年关闭，Docker Hub 还在。另外，Docker 的默认仓库并不能通过“配置”换掉：
# 可以给它设镜像站（mirror），也可以在名字前写上地址，使用任何别的注册服务器（podman 则可以列出到哪里去找短名字）。

# %% [markdown] lang="en" id="moved-tag"
# ## Further: a tag moves
#
# `cafe:v1` in the registry is a word. Somebody makes another image and pushes it under the same word. What do those get who pull
# `cafe:v1` tomorrow, and those who wrote down the digest?

# %% [markdown] lang="zh" of="0aed7ba8"
# ## 进阶：标签会移动
#
# 注册服务器里的 `cafe:v1` 只是一个词。有人做了另一个镜像，用同一个词推送上去。明天拉取 `cafe:v1` 的人得到什么？记下摘要的人呢？

# %%
lab.guess("moved tag")

# %%
pinned = digest(content)
lab.image(store, "cafe:v1", [lab.layer({"menu/soup": "of yesterday\n"})])
lab.push(store, "cafe:v1", registry)
for name in ("v1", pinned):
    manifest = lab.fetch(f"{registry.url}/v2/cafe/manifests/{name}")
    print(f"{name:14.14} gives", digest(manifest)[:14])
lab.outcome("moved tag")

# %%
lab.repositories(registry)

# %% [markdown] lang="en" id="sharing"
# The word has moved, the image has not. Builds that are to be the same tomorrow name their images by digest.
#
# ## Further: what sharing saves
#
# `cafe:v1` of before, with three layers, and of now, with two, are both on disk, and both stand on busybox. How many layers lie on
# the disk, and how much do they take? And how much, if each image had copies of its own of all its layers?

# %% [markdown] lang="zh" of="2bed3eb6"
# 移动的是这个词，镜像还在原处。要让明天的构建和今天一样，就用摘要指定镜像。
#
# ## 进阶：共享省了多少
#
# 原来的 `cafe:v1`（三层）和现在的（两层）都在磁盘上，都建在 busybox 上。磁盘上一共有几层，占多大？如果每个镜像都各存一份自己的层，又要多大？

# %%
both = [*stack, *layers(lab.manifest(store, "cafe:v1"), store)]
listed = subprocess.check_output(["du", "-sk", *set(both)], cwd=store, text=True)
kb = {line.split()[1]: int(line.split()[0]) for line in listed.splitlines()}
print(f"shared: {len(kb)} layers on disk, {sum(kb.values())} kB")
print(f"if each image had its own: {len(both)}, {sum(kb[name] for name in both)} kB")

# %% [markdown] lang="en" id="whiteouts-step"
# A hundred images on one base: its files are on disk once, and in memory, too, for the kernel keeps what it has read of a file once,
# whoever asks.
#
# ## Further: two challenges
#
# **`whiteouts`** is what your `layers` has called all the time. Below a directory, `Path(directory).rglob(".wh.*")` finds the marks.
# Remove each, and put in place of `.wh.NAME` a character device 0/0 called `NAME`: `os.mknod(path, stat.S_IFCHR)`. A mark called
# `.wh..wh..opq` says instead that its directory hides *all* that lower layers have in it: `os.setxattr(directory, OPAQUE, b"y")`.

# %% [markdown] lang="zh" of="0476fae8"
# 上百个镜像建在同一个底层上，它的文件在磁盘上只有一份；在内存里也只有一份：读过的文件内容，内核只保留一份，谁来要都一样。
#
# ## 进阶：两道挑战题
#
# **`whiteouts`** 就是你的 `layers` 一直在调用的函数。`Path(directory).rglob(".wh.*")` 能找到目录下的所有标记。
# 把每个标记删掉；`.wh.NAME` 换成名为 `NAME` 的字符设备 0/0：`os.mknod(path, stat.S_IFCHR)`。
# 名为 `.wh..wh..opq` 的标记则表示，它所在的目录遮住下层在那里的全部内容：`os.setxattr(directory, OPAQUE, b"y")`。

# %% tags=["exercise"] zh="把解包出来的层里的标记换成 overlayfs 的标记（6 行）。" of="e4eace98"
@lab.step
def whiteouts(directory):
    """Turn the marks of an unpacked layer into those of overlayfs (6 lines)."""
    ...

# %% tags=["check"]
lab.check(whiteouts)

# %% [markdown] lang="en" id="secret"
# **`dig`.** Somebody put a key into an image by mistake, and deleted it in the next layer. Is it gone?

# %% [markdown] lang="zh" of="a385302d"
# **`dig`。** 有人不小心把密钥放进了镜像，又在下一层把它删掉。它真的没了吗？

# %%
first, then = lab.layer({"root/key": "s3cret\n"}), lab.layer({"root/key": None})
lab.image(store, "leaky", [first, then])
run("leaky", ["ls", "-A", "/root"])

# %% [markdown] lang="en" id="dig-step"
# The container does not see it. Return what a file holds in each layer that has it, the lowest first. `tarfile.open(path)` opens a
# blob, `.getnames()` lists it, `.extractfile(name).read()` reads.

# %% [markdown] lang="zh" of="1648416c"
# 容器里看不到它。请返回一个文件在每个拥有它的层里的内容，最下层在前。`tarfile.open(path)` 打开 blob，`.getnames()` 列出文件名，
# `.extractfile(name).read()` 读取内容。

# %% tags=["exercise"] zh="返回一个文件在每个拥有它的层里的内容，最下层在前（6 行）。" of="d472d68e"
@lab.step
def dig(manifest, store, path):
    """Return what a file holds in each layer that has it, the lowest first (6 lines)."""
    ...

# %% tags=["check"]
lab.check(dig)

# %% tags=["nbval-check-output"]
dig(lab.manifest(store, "leaky"), store, "root/key")

# %% [markdown] lang="en" id="reset"
# A layer can cover what lies below; it cannot take it back. What was pushed once must be treated as public.
#
# ## Five questions
#
# Answer without scrolling up. The button draws others.

# %% [markdown] lang="zh" of="511586d7"
# 上面的层可以遮住下面的内容，却收不回来。一旦推送出去，就要当作已经公开。
#
# ## 五道题
#
# 不要往上翻，直接作答。按钮可以换一组题。

# %%
lab.quiz()

# %% [markdown] lang="en" id="nothing-left"
# ## Nothing is left

# %% [markdown] lang="zh" of="54013e95"
# ## 什么都没留下

# %%
private.close(), registry.close()
lab.reset()

# %% [markdown] lang="en" id="next"
# Your `my_runtime.py` has gained `digest`, `layers`, `overlay`, `pull`, and better versions of `rootfs` and `run`. What it does not do
# that labcore does: go on with a download that broke off, fetch layers side by side, unpack beside and rename (a `tar` that is
# interrupted leaves half a layer under its full name), choose the image for this machine's processor. In lesson 4 it becomes a
# command.

# %% [markdown] lang="zh" of="1cb61be4"
# 你的 `my_runtime.py` 多了 `digest`、`layers`、`overlay`、`pull`，还有更好的 `rootfs` 和 `run`。labcore 会做而它还不会的：
# 接着下载中断的文件，并行下载各层，先解包到旁边再改名（`tar` 中途被打断，会留下名字完整、内容只有一半的层），为本机的处理器挑选镜像。
# 第 4 课里，它会变成一个命令。
