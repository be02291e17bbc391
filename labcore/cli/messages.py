"""The texts of the commands for learners: `say(english)` in the reader's language, and the Chinese by its English."""

from labcore.language import Catalogue

say = Catalogue("cli")

CHINESE = {
    # doctor
    "affects {what}": "影响：{what}",
    "cure: {cure}": "解决办法：{cure}",
    "Ordinary users are root of a user namespace: `labcore rootless labcore doctor` says what works there.":
        "普通用户可以在用户命名空间里当 root：运行 `labcore rootless labcore doctor`，看看那里能做什么。",
    # lesson
    "copied": "已复制",
    "not started": "未开始",
    "{n} steps": "{n} 个步骤",
    ", 1 challenge": "，1 个挑战",
    ", {n} challenges": "，{n} 个挑战",
    "{done} of {n} steps": "完成 {done}/{n} 个步骤",
    ", {done} of {n} challenges": "、{done}/{n} 个挑战",
    "is there already; it stays as it is": "已经存在，保持原样",
    "open it with `make lab`; steps of earlier lessons that you have not written are labcore's own":
        "用 `make lab` 打开它；前面课程里没写的步骤，用 labcore 自带的代替",
    "passed": "已通过",
    "written, not checked": "已写，未检查",
    "blank: labcore's own is used": "空白：使用 labcore 自带的实现",
    "passed, by labcore's solution": "已通过，用的是参考答案",
    "labcore's solution, not checked": "参考答案，未检查",
    "hints: {n}": "提示：{n} 条",
    "   questions: {right} of {n} right at the first try": "   问题：{n} 题中首次答对 {right} 题",
    "; by labcore's solution: {names}": "；用参考答案完成：{names}",
    "final examination: {right} of 10 (seed {seed})": "期末考试：10 题答对 {right} 题（种子 {seed}）",
    "hint {n} of {total}: {text}": "提示 {n}/{total}：{text}",
    "these were all; the solution is folded away in the notebook, or: labcore lesson solve {n}":
        "提示已全部给出；参考答案折叠在笔记本里，或者运行：labcore lesson solve {n}",
    "{name}: yours, left as it is": "{name}：已有你自己写的，保持不变",
    "{name}: the solution is in {file}": "{name}：参考答案已写入 {file}",
    "my_runtime.py: its steps are blanks again": "my_runtime.py：本课的步骤已恢复为空白",
    "lesson {number} is as it was at the start; what you had is kept in {place}":
        "第 {number} 课已恢复原状；你原来的内容保存在 {place}",
    "Shift+Enter steps through it. Ctrl-C ends it; nothing of it is kept.":
        "按 Shift+Enter 逐步运行；按 Ctrl-C 结束，不保留任何内容。",
}  # fmt: skip
