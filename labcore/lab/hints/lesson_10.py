"""Hints of lesson 10."""

from labcore.language import Bilingual as T

HINTS = {
    "cache_key": (
        T(
            "Three things in, one text out, and no two threes may give the same. How do you keep apart where one ends and the next begins?",
            "三样进去，一个字符串出来，不同的三样不能得到同一个结果。怎样分清一样到哪里结束、下一样从哪里开始？",
        ),
        T(
            "Write all three as one JSON text, in which everything has quotes around it, and take the digest of its bytes.",
            "把三样写成一段 JSON，每一样都有引号括着，再取这些字节的摘要。",
        ),
        T("`digest(json.dumps([…]).encode())`", "`digest(json.dumps([…]).encode())`"),
    ),
    "add_layer": (
        T(
            "Three cases: the key is known, a RUN, a COPY. What do all three have in common at the end?",
            "三种情况：键已知、RUN、COPY。最后它们有什么相同？",
        ),
        T(
            "In the second and the third the layer is made and goes into the cache. At the end the cache has it in any case, and it is appended from there.",
            "后两种要做出一层，放进缓存。最后不管哪种情况，缓存里都有了，就从那里取来加上。",
        ),
        T(
            "`if key in cache: … elif name == 'RUN': cache[key] = run_step(…) else: *sources, destination = …; cache[key] = copy_step(…)`, then `state['layers'].append(cache[key])`",
            "`if key in cache: … elif name == 'RUN': cache[key] = run_step(…) else: *sources, destination = …; cache[key] = copy_step(…)`，然后 `state['layers'].append(cache[key])`",
        ),
    ),
    "carry_out": (
        T(
            "Which instruction begins a state, which two add a layer, and what do all the others change?",
            "哪条指令开始一个状态，哪两条加一层，其余的改什么？",
        ),
        T(
            "For all but FROM: the key first, for `add_layer` looks it up; then the layer or the config; then a line of history.",
            "除了 FROM：先算键，因为 `add_layer` 要用它去查；再做层或改配置；最后加一条历史。",
        ),
        T(
            "`state['key'] = cache_key(state['key'], instruction, reads(…))`; `if name in ('RUN', 'COPY'): …`; `state['history'].append({…})`",
            "`state['key'] = cache_key(state['key'], instruction, reads(…))`；`if name in ('RUN', 'COPY'): …`；`state['history'].append({…})`",
        ),
    ),
    "image": (
        T(
            "The manifest names the config by its digest. Which of the two has to be written first?",
            "清单用摘要指出配置。两者哪个要先写？",
        ),
        T(
            "The config: four things of the state and `rootfs`. `lab.blob` returns the descriptor that the manifest wants.",
            "配置：状态里的四样加上 `rootfs`。`lab.blob` 返回的描述符正是清单要的。",
        ),
        T(
            "`config = {each: state[each] for each in (…)}`; `config['rootfs'] = {…}`; `described = lab.blob(store, …, CONFIG)`; `return lab.tag(store, name, …)`",
            "`config = {each: state[each] for each in (…)}`；`config['rootfs'] = {…}`；`described = lab.blob(store, …, CONFIG)`；`return lab.tag(store, name, …)`",
        ),
    ),
    "build": (
        T("What is needed for `2/3` in front of an instruction?", "指令前面的 `2/3` 需要知道什么？"),
        T(
            "`enumerate` counts, from 1 if you ask for it; `len` tells the total. `step` wants the pair, and returns an ID.",
            "`enumerate` 会数数，可以从 1 开始；`len` 给出总数。`step` 要的是那一对，返回一个 ID。",
        ),
        T(
            "`for number, (name, value) in enumerate(instructions, 1):` and in it `print(f'Step {number}/… : …')`, `id = step((name, value))`, `print(f' ---> …')`",
            "`for number, (name, value) in enumerate(instructions, 1):`，循环里是 `print(f'Step {number}/… : …')`、`id = step((name, value))`、`print(f' ---> …')`",
        ),
    ),
    "reads": (
        T(
            "Two folders hold the same files. What in them is different all the same, and must not be in the digest?",
            "两个文件夹里的文件一样。即便如此，里面还有什么不同，因而不能算进摘要？",
        ),
        T(
            "Collect, in a sorted order, for each path its name within the context, its mode and the digest of its bytes; then take the digest of all that as JSON.",
            "按排好的顺序，收集每个路径在上下文里的名字、权限和内容的摘要；再把这些写成 JSON 取摘要。",
        ),
        T(
            "`for path in sorted([place, *place.rglob('*')]): found.append([str(path.relative_to(context)), path.stat().st_mode, …])`",
            "`for path in sorted([place, *place.rglob('*')]): found.append([str(path.relative_to(context)), path.stat().st_mode, …])`",
        ),
    ),
    "ignored": (
        T(
            "The last line that fits decides. How do you go through the lines so that this comes of itself?",
            "最后一个匹配的行说了算。怎样遍历各行，这一点就自然成立？",
        ),
        T(
            "From first to last, each that fits overwrites the answer. To see whether one fits, turn it into a regular expression, piece by piece, and allow `/` and more behind it.",
            "从头到尾，每个匹配的行都改写答案。要看是否匹配，把它一段段改写成正则表达式，后面再允许跟 `/` 和别的东西。",
        ),
        T(
            "`re.split(r'(\\*\\*/|\\*\\*|\\*|\\?)', …)` cuts a line; the marks become `(.*/)?`, `.*`, `[^/]*`, `[^/]`, the rest `re.escape(…)`; `re.fullmatch(f'{wanted}(/.*)?', path)`",
            "`re.split(r'(\\*\\*/|\\*\\*|\\*|\\?)', …)` 把一行切开；记号换成 `(.*/)?`、`.*`、`[^/]*`、`[^/]`，其余用 `re.escape(…)`；`re.fullmatch(f'{wanted}(/.*)?', path)`",
        ),
    ),
}
