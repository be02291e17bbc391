"""Hints of lesson 7."""

from labcore.language import Bilingual as T

HINTS = {
    "bridge": (
        T(
            "What would happen with the second container, if the bridge was made for each?",
            "如果每个容器都建一次网桥，第二个容器会怎样？",
        ),
        T(
            "Three lines of the cell above, behind a question: is there a link of that name?",
            "就是上面单元格里的三行，只是先问一句：有没有叫这个名字的接口？",
        ),
        T(
            "`ip = lab.ip(host)`; `if not ip.has('lab0'):` `ip.add_bridge(…)`, `ip.add_address(…)`, `ip.set_up(…)`",
            "`ip = lab.ip(host)`；`if not ip.has('lab0'):` `ip.add_bridge(…)`、`ip.add_address(…)`、`ip.set_up(…)`",
        ),
    ),
    "connect": (
        T(
            "A cable has two ends. Which of your two `lab.ip` has to do with which?",
            "网线有两端。你的两个 `lab.ip`，各管哪一端？",
        ),
        T(
            "Outside: make the pair, give one end away, put the other into the bridge, and switch it on. Inside: address, both links up, route.",
            "外面：建 veth 对，交出一端，另一端插进网桥并启用。里面：地址，启用两个接口，路由。",
        ),
        T(
            "`out.add_veth(f'veth{number}', f'peer{number}')`; `out.set_netns(f'peer{number}', pid, 'eth0')`; `out.set_master(…)`; `out.set_up(…)`; `inside.add_address(…)`; `inside.set_up('lo', 'eth0')`; `inside.add_default_route('10.7.0.1')`",
            "`out.add_veth(f'veth{number}', f'peer{number}')`；`out.set_netns(f'peer{number}', pid, 'eth0')`；`out.set_master(…)`；`out.set_up(…)`；`inside.add_address(…)`；`inside.set_up('lo', 'eth0')`；`inside.add_default_route('10.7.0.1')`",
        ),
    ),
    "run": (
        T(
            "Which process has to be there already when the cable is laid, and which program not yet?",
            "接网线的时候，哪个进程必须已经在了，哪个程序还不能运行？",
        ),
        T(
            "A sync behind `namespaces`: the new process waits there, and your function is called with it.",
            "在 `namespaces` 之后放一个 sync：新进程停在那里，你的函数以它为参数被调用。",
        ),
        T(
            "`cable = ops.Sync('connects it', lambda process: connect(lab.host(), process.pid))`; `[*limits(spec), *namespaces(spec), cable, *hostname(spec)]`",
            "`cable = ops.Sync('connects it', lambda process: connect(lab.host(), process.pid))`；`[*limits(spec), *namespaces(spec), cable, *hostname(spec)]`",
        ),
    ),
    "publish": (
        T(
            "Somebody sends a question and waits for the answer. Which of the two directions must not wait for the other?",
            "有人发来问题，等着应答。两个方向，谁能等谁？",
        ),
        T(
            "One direction in the background, the other here; and each end is passed on: who has nothing more to say shuts down his half.",
            "一个方向放到后台，另一个就在这里；结束也要转达：话说完的一方，关掉自己的那一半。",
        ),
        T(
            "`def copy(source, target): while data := source.recv(1 << 16): …`; `def serve(client): with lab.dial(…) as server: lab.background(copy, client, server); copy(server, client)`; `lab.accept(…)`",
            "`def copy(source, target): while data := source.recv(1 << 16): …`；`def serve(client): with lab.dial(…) as server: lab.background(copy, client, server); copy(server, client)`；`lab.accept(…)`",
        ),
    ),
    "create": (
        T(
            "Three answers are possible: what does the request hold when no `-p` was given?",
            "有三种可能：没有给 `-p` 时，请求里是什么？",
        ),
        T(
            "`.get('HostConfig', {}).get('PortBindings') or {}`; a port of the container may have several of the machine.",
            "`.get('HostConfig', {}).get('PortBindings') or {}`；容器的一个端口，可以对应机器的几个端口。",
        ),
        T(
            "`for inside, bindings in (…).items(): for each in bindings: container.before_start(publish, int(each['HostPort'] or 0), container, int(inside.split('/')[0]))`",
            "`for inside, bindings in (…).items(): for each in bindings: container.before_start(publish, int(each['HostPort'] or 0), container, int(inside.split('/')[0]))`",
        ),
    ),
    "start": (
        T(
            "Who has to be in the cgroup first, so that every process of the container is born in it?",
            "谁要先进 cgroup，容器的每个进程才会一出生就在里面？",
        ),
        T(
            "The shell moves itself, then becomes your runtime by `exec`; what that clones is born where it is.",
            "shell 先把自己搬进去，再用 `exec` 变成你的运行时；运行时 clone 出来的进程，就出生在那里。",
        ),
        T(
            "`enter = ['sh', '-c', 'echo $$ > \"$0\"/cgroup.procs; exec \"$@\"', lab.cgroup(…)['freezer']]`; `container.start([*enter, *daemon.runtime, 'run', …])`",
            "`enter = ['sh', '-c', 'echo $$ > \"$0\"/cgroup.procs; exec \"$@\"', lab.cgroup(…)['freezer']]`；`container.start([*enter, *daemon.runtime, 'run', …])`",
        ),
    ),
    "pause": (
        T(
            "Must the container's processes be told, one after the other?",
            "需要逐个通知容器里的进程吗？",
        ),
        T(
            "One file of the cgroup that `start` has made.",
            "只写 `start` 建好的 cgroup 里的一个文件。",
        ),
        T(
            "`Path(lab.group(container.id[:12])['freezer'], FREEZER).write_text(FROZEN)`; `return Reply(204)`",
            "`Path(lab.group(container.id[:12])['freezer'], FREEZER).write_text(FROZEN)`；`return Reply(204)`",
        ),
    ),
    "unpause": (
        T("Which file did `pause` write to?", "`pause` 写的是哪个文件？"),
        T("The same file, the other word.", "同一个文件，另一个词。"),
        T(
            "`Path(lab.group(daemon.containers[id].id[:12])['freezer'], FREEZER).write_text(THAWED)`; `return Reply(204)`",
            "`Path(lab.group(daemon.containers[id].id[:12])['freezer'], FREEZER).write_text(THAWED)`；`return Reply(204)`",
        ),
    ),
    "exec_create": (
        T(
            "The second request names only an id. What must you remember for it?",
            "第二个请求只给出一个 id。为它要记住什么？",
        ),
        T(
            "An `Exec` of the container and of `request.json()['Cmd']`, kept in `daemon.execs` under its own id.",
            "用容器和 `request.json()['Cmd']` 造一个 `Exec`，按它自己的 id 存进 `daemon.execs`。",
        ),
        T(
            "`made = Exec(container, request.json()['Cmd'])`; `daemon.execs[made.id] = made`; `return Reply(201, {'Id': made.id})`",
            "`made = Exec(container, request.json()['Cmd'])`；`daemon.execs[made.id] = made`；`return Reply(201, {'Id': made.id})`",
        ),
    ),
    "exec_start": (
        T(
            "Who joins the namespaces: the process that becomes the program, or the one that clones it?",
            "加入命名空间的是谁：变成程序的那个进程，还是 clone 它的那个？",
        ),
        T(
            "Cgroup, join, clone, execve, in this order; then `made.start(plan)`, and the frames of lesson 6.",
            "依次是 cgroup、加入、clone、execve；然后 `made.start(plan)`，再发第 6 课的帧。",
        ),
        T(
            "`joins = tuple((NAMESPACE_FLAGS[kind], f'/proc/{pid}/ns/{NAMESPACE_FILES[kind]}') for kind in NAMESPACES)`; `Plan([ops.JoinCgroup((…,)), ops.JoinNamespaces(joins), ops.Clone(), ops.Execve(…)])`; `Hijack(bytes([number, 0, 0, 0]) + len(text).to_bytes(4, 'big') + text for …)`",
            "`joins = tuple((NAMESPACE_FLAGS[kind], f'/proc/{pid}/ns/{NAMESPACE_FILES[kind]}') for kind in NAMESPACES)`；`Plan([ops.JoinCgroup((…,)), ops.JoinNamespaces(joins), ops.Clone(), ops.Execve(…)])`；`Hijack(bytes([number, 0, 0, 0]) + len(text).to_bytes(4, 'big') + text for …)`",
        ),
    ),
    "inspect": (
        T("What does the container know of itself?", "容器知道自己的哪些情况？"),
        T(
            "`.id`, `.name`, `.image`, `.argv`, `.state`, `.pid`, `.returncode`; the last two may be `None`.",
            "`.id`、`.name`、`.image`、`.argv`、`.state`、`.pid`、`.returncode`；后两个可能是 `None`。",
        ),
        T(
            "`Reply(200, {'Id': …, 'Name': f'/{container.name}', 'State': {'Status': …, 'Running': …, 'Pid': container.pid or 0, 'ExitCode': container.returncode or 0}, 'Config': {…}})`",
            "`Reply(200, {'Id': …, 'Name': f'/{container.name}', 'State': {'Status': …, 'Running': …, 'Pid': container.pid or 0, 'ExitCode': container.returncode or 0}, 'Config': {…}})`",
        ),
    ),
    "exec_inspect": (
        T("When is a program's exit code known?", "什么时候才知道程序的退出码？"),
        T("It runs as long as `made.returncode` is `None`.", "`made.returncode` 还是 `None`，就说明它在运行。"),
        T(
            "`Reply(200, {'ID': made.id, 'ContainerID': made.container.id, 'Running': code is None, 'ExitCode': code})`",
            "`Reply(200, {'ID': made.id, 'ContainerID': made.container.id, 'Running': code is None, 'ExitCode': code})`",
        ),
    ),
}
