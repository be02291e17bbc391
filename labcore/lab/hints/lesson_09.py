"""Hints of lesson 9."""

from labcore.language import Bilingual as T

HINTS = {
    "expand": (
        T(
            "Three things begin with a dollar sign or a backslash. Can one pattern find all of them, in one pass from left to right?",
            "以美元符号或反斜杠开头的有三种东西。能不能用一个模式、从左到右一遍全部找到？",
        ),
        T(
            "Alternatives, joined by `|`: a backslash with a dollar sign; `$` and `\\w+`; `${`, `\\w+`, perhaps `:-` and what is up to `}`, and `}`. A function decides by the groups what to put in.",
            "用 `|` 连接几种可能：反斜杠加美元符号；`$` 加 `\\w+`；`${`、`\\w+`、可能有 `:-` 和直到 `}` 的内容、`}`。用一个函数，根据各组决定换成什么。",
        ),
        T(
            "`r'\\\\\\$|\\$(\\w+)|\\$\\{(\\w+)(?::-([^}]*))?\\}'`; the name is `found[1] or found[2]`; without a name it is `$`, else `variables.get(name) or found[3] or ''`",
            "`r'\\\\\\$|\\$(\\w+)|\\$\\{(\\w+)(?::-([^}]*))?\\}'`；名字是 `found[1] or found[2]`；没有名字就是 `$`，否则 `variables.get(name) or found[3] or ''`",
        ),
    ),
    "apply": (
        T(
            "Which of the seven write their text as it is, which expand it, and which add to what is there already?",
            "七条指令里，哪些原样写入，哪些要展开变量，哪些是在原有的上面添加？",
        ),
        T(
            "A list is the exec form, a text the shell form: only CMD and ENTRYPOINT care. `config | {…}` makes a new dict; a dict of ENV is `lab.environment(config) | lab.pairs(text)`, and has to become lines again. EXPOSE and LABEL add to a dict, each to its own: one `if` does for both.",
            "列表是 exec 形式，文本是 shell 形式：只有 CMD 和 ENTRYPOINT 要区分。`config | {…}` 得到新字典；ENV 的字典是 `lab.environment(config) | lab.pairs(text)`，还要变回一行行。EXPOSE 和 LABEL 都是往字典里添加，只是字段不同：一个 `if` 就够。",
        ),
        T(
            "`text = expand(str(value), lab.environment(config))`; `if name in ('CMD', 'ENTRYPOINT'): return config | {name.capitalize(): …}`; `os.path.join('/', config.get('WorkingDir') or '', text)`; `if field := {'EXPOSE': 'ExposedPorts', 'LABEL': 'Labels'}.get(name):`; `return config | {field: (config.get(field) or {}) | more}`; for ports, `more = {port if '/' in port else f'{port}/tcp': {} for port in text.split()}`",
            "`text = expand(str(value), lab.environment(config))`；`if name in ('CMD', 'ENTRYPOINT'): return config | {name.capitalize(): …}`；`os.path.join('/', config.get('WorkingDir') or '', text)`；`if field := {'EXPOSE': 'ExposedPorts', 'LABEL': 'Labels'}.get(name):`；`return config | {field: (config.get(field) or {}) | more}`；端口的 `more = {port if '/' in port else f'{port}/tcp': {} for port in text.split()}`",
        ),
    ),
    "overlay": (
        T(
            "Two things depend on `root.writable`: where `upper` and `work` lie, and one mount. Which?",
            "有两件事取决于 `root.writable`：`upper` 和 `work` 放在哪里，以及一次挂载。是哪一次？",
        ),
        T(
            "`top = root.writable or root.scratch`, and `upper`, `work` and `view` lie in there. The tmpfs is needed only where nothing is to stay.",
            "`top = root.writable or root.scratch`，`upper`、`work`、`view` 都在里面。只有什么都不必留下时才需要 tmpfs。",
        ),
        T(
            "`top = …`, and in the list `*([] if root.writable else [ops.Mount('tmpfs', top, 'tmpfs')])`; the rest stays",
            "`top = …`，列表里写 `*([] if root.writable else [ops.Mount('tmpfs', top, 'tmpfs')])`；其余不变",
        ),
    ),
    "layer": (
        T(
            "A tar archive is read by people who have no overlayfs. What has to stand in it for a file that was deleted, and for a directory that hides what is below?",
            "读 tar 归档的人没有 overlayfs。已删除的文件、遮住下层内容的目录，在归档里该写成什么？",
        ),
        T(
            "One loop over the sorted paths: a device 0/0 becomes an empty member `.wh.NAME`; anything else is added by itself, not recursively; a directory with the attribute gets one more member.",
            "对排好序的路径循环一遍：设备 0/0 变成空成员 `.wh.NAME`；其他的各自加入，不递归；带有那个属性的目录再多加一个成员。",
        ),
        T(
            "`if stat.S_ISCHR(status.st_mode) and status.st_rdev == 0: archive.addfile(tarfile.TarInfo(str(name.with_name(f'.wh.{name.name}'))))`, `else: archive.add(path, str(name), recursive=False)`; `if OPAQUE in os.listxattr(…): archive.addfile(tarfile.TarInfo(f'{name}/.wh..wh..opq'))`; behind the `with`: `lab.blob(…)`",
            "`if stat.S_ISCHR(status.st_mode) and status.st_rdev == 0: archive.addfile(tarfile.TarInfo(str(name.with_name(f'.wh.{name.name}'))))`，`else: archive.add(path, str(name), recursive=False)`；`if OPAQUE in os.listxattr(…): archive.addfile(tarfile.TarInfo(f'{name}/.wh..wh..opq'))`；`with` 之后：`lab.blob(…)`",
        ),
    ),
    "run_step": (
        T(
            "It is your `run` of lesson 3. What of the spec comes from the config here, which root does it need, and what is left when it has ended?",
            "它就是你第 3 课的 `run`。规格里哪些来自配置？需要什么样的根？结束之后留下了什么？",
        ),
        T(
            "A text is a program for `/bin/sh -c`. The root stacks the layers below `lab.tray('step')`; the plan's order is limits, namespaces, hostname, rootfs, confine, `lab.workdir_and_user`, execve. Only if the exit code is 0 is there a layer.",
            "文本交给 `/bin/sh -c`。根把各层叠在 `lab.tray('step')` 下面；计划的顺序是 limits、namespaces、hostname、rootfs、confine、`lab.workdir_and_user`、execve。退出码为 0 才有层。",
        ),
        T(
            "`argv = command if isinstance(command, list) else ['/bin/sh', '-c', command]`; `Plan([*limits(spec), *namespaces(spec), *hostname(spec), *rootfs(spec), *confine(spec), *lab.workdir_and_user(config, root), program])`; `if code := show(…).returncode: raise RuntimeError(…)`; `return layer(f'{place}/upper', store)`",
            "`argv = command if isinstance(command, list) else ['/bin/sh', '-c', command]`；`Plan([*limits(spec), *namespaces(spec), *hostname(spec), *rootfs(spec), *confine(spec), *lab.workdir_and_user(config, root), program])`；`if code := show(…).returncode: raise RuntimeError(…)`；`return layer(f'{place}/upper', store)`",
        ),
    ),
    "copy_step": (
        T(
            "`COPY a /etc` and `COPY a /new`: what decides whether `/etc` is the new file's name or the directory that it goes into?",
            "`COPY a /etc` 和 `COPY a /new`：`/etc` 是新文件的名字，还是要放进去的目录？由什么决定？",
        ),
        T(
            "Work out once whether files go *into* the destination: a slash at its end, several sources, or a directory of that name in one of `layers({'layers': below}, store)`. Resolve each source before you compare it with the context.",
            "先判断一次文件是不是放**进**目标里：末尾有斜杠、来源不止一个，或者 `layers({'layers': below}, store)` 的某一层有这个目录。每个来源先解析（resolve），再和上下文比较。",
        ),
        T(
            "`source = Path(context, name.lstrip('/')).resolve()`; `if not source.is_relative_to(Path(context).resolve()): raise ValueError(…)`; `shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)` or, with `place.parent.mkdir(parents=True, exist_ok=True)`, `shutil.copy2(source, place)`",
            "`source = Path(context, name.lstrip('/')).resolve()`；`if not source.is_relative_to(Path(context).resolve()): raise ValueError(…)`；`shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)`，或者先 `place.parent.mkdir(parents=True, exist_ok=True)` 再 `shutil.copy2(source, place)`",
        ),
    ),
    "reaper": (
        T(
            "Two kinds of news reach process 1: a child has ended, and somebody wants the program to end. Could both come the same way, so that it waits in one place?",
            "传到 1 号进程的消息有两种：有子进程结束了；有人要程序结束。能不能让两种消息从同一条路来，只在一处等待？",
        ),
        T(
            "Block all signals before the program is started, and none is lost; then `signal.sigwait` brings one after the other. After a SIGCHLD ask `os.waitpid(-1, os.WNOHANG)` until nobody is left: several that end together make one SIGCHLD. Everything else goes to the child.",
            "启动程序之前先阻塞所有信号，就一个也不会丢；然后用 `signal.sigwait` 一个一个地取。收到 SIGCHLD，就反复 `os.waitpid(-1, os.WNOHANG)`，直到没有为止：几个同时结束，只来一次 SIGCHLD。其余的信号都转给子进程。",
        ),
        T(
            "`signal.pthread_sigmask(signal.SIG_BLOCK, signals)`; `child = os.posix_spawnp(argv[0], argv, os.environ, setsigmask=())`; in a loop `number = signal.sigwait(signals)`, `os.kill(child, number)` unless it is SIGCHLD, `while number == signal.SIGCHLD and (ended := os.waitpid(-1, os.WNOHANG))[0]:`; `code = os.waitstatus_to_exitcode(…)` is negative for a signal",
            "`signal.pthread_sigmask(signal.SIG_BLOCK, signals)`；`child = os.posix_spawnp(argv[0], argv, os.environ, setsigmask=())`；循环里 `number = signal.sigwait(signals)`，不是 SIGCHLD 就 `os.kill(child, number)`，`while number == signal.SIGCHLD and (ended := os.waitpid(-1, os.WNOHANG))[0]:`；`code = os.waitstatus_to_exitcode(…)` 是负数时，表示死于信号",
        ),
    ),
}
