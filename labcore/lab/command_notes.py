"""Catalogue of docker's common commands, in both languages: what the daemon and the kernel do for each."""

from collections.abc import Mapping
from typing import Final

from labcore.language import Bilingual as T

NOTES: Final[Mapping[str, T]] = {
    "run": T(
        "create + start: layers stacked by overlay, a process cloned into new namespaces, born in a cgroup",
        "create + start：用 overlay 叠好各层，clone 出在新命名空间里的进程，它一出生就在自己的 cgroup 里",
    ),
    "create": T("a record, and an empty writable layer; no process yet", "一条记录，外加一个空的可写层；还没有进程"),
    "start": T("the process is cloned; what was written before is still there", "clone 出进程；以前写的文件都还在"),
    "ps": T("nothing: the daemon reads its records", "内核什么也不做：守护进程读自己的记录"),
    "inspect": T("nothing: the record as JSON", "内核什么也不做：把记录以 JSON 给出"),
    "logs": T("the file is read into which the container's monitor writes", "读取容器的监视进程写的那个文件"),
    "top": T(
        "/proc/PID of each process in the cgroup: numbers seen from outside", "读 cgroup 里各进程的 /proc/PID：外面看到的编号"
    ),
    "stats": T("the cgroup's counters, read twice", "把 cgroup 的计数器读两遍"),
    "exec": T("setns into the container's namespaces, clone, execve", "setns 进入容器的各个命名空间，然后 clone、execve"),
    "pause": T(
        "FROZEN into the cgroup's freezer.state (v2: 1 into cgroup.freeze)",
        "把 FROZEN 写进 cgroup 的 freezer.state（v2：把 1 写进 cgroup.freeze）",
    ),
    "unpause": T("THAWED into that file (v2: 0)", "把 THAWED 写进同一个文件（v2：写 0）"),
    "update": T("other numbers into the cgroup's files", "往 cgroup 的文件里写别的数字"),
    "cp": T("a tar archive, made and unpacked below /proc/PID/root", "一个 tar 归档，在 /proc/PID/root 下打包、解包"),
    "diff": T("the writable layer's directory is listed", "列出可写层目录里的内容"),
    "commit": T(
        "paused meanwhile; the writable layer becomes an image's topmost one", "期间先暂停；可写层变成镜像最上面的一层"
    ),
    "stop": T(
        "SIGTERM to process 1; after the time of -t (10 seconds) SIGKILL",
        "给 1 号进程发 SIGTERM；到了 -t 给的时间（默认 10 秒）发 SIGKILL",
    ),
    "kill": T(
        "SIGKILL to process 1: the kernel ends all others in its PID namespace",
        "给 1 号进程发 SIGKILL：内核随之结束同一 PID 命名空间里的其他进程",
    ),
    "restart": T("stop, then start", "先 stop，再 start"),
    "wait": T("waits for the end of process 1", "等待 1 号进程结束"),
    "rename": T("nothing: another name in the record", "内核什么也不做：记录里换个名字"),
    "rm": T("the writable layer is deleted, and the record", "删除可写层和记录"),
    "build": T(
        "a container for each RUN, whose writable layer becomes one of the image's",
        "每条 RUN 一个容器，它的可写层成为镜像的一层",
    ),
    "images": T("nothing: the store's index is read", "内核什么也不做：读存储的索引"),
    "history": T("nothing: the image's config is read", "内核什么也不做：读镜像的配置"),
    "tag": T("nothing: a second name for a digest", "内核什么也不做：给同一个摘要再起一个名字"),
    "push": T("HTTP to the registry: layers that it lacks, then the manifest", "用 HTTP 把仓库缺的层发过去，最后是清单"),
    "pull": T(
        "HTTP from the registry: manifest, config, layers, each checked against its digest",
        "用 HTTP 从仓库取清单、配置和各层，逐一核对摘要",
    ),
    "rmi": T(
        "the name goes; with its last name the image, and layers that nobody else has",
        "去掉名字；最后一个名字没了，镜像和别人不用的层也就删除",
    ),
    "events": T("nothing: the daemon tells what it does", "内核什么也不做：守护进程报告自己在做什么"),
    "version": T("nothing: both ends say who they are", "内核什么也不做：两端各报版本"),
    "info": T("nothing: the daemon tells of itself and its machine", "内核什么也不做：守护进程介绍自己和机器"),
    "network create": T("a bridge, an address on it, a rule for masquerading", "一个网桥，网桥上的地址，一条地址伪装规则"),
    "network ls": T("nothing: the daemon reads its records", "内核什么也不做：守护进程读自己的记录"),
    "network connect": T(
        "a veth pair: one end on the bridge, one in the container's namespace", "一对 veth：一端接网桥，一端放进容器的命名空间"
    ),
    "network rm": T("the bridge is deleted", "删除网桥"),
}
