"""Messages of the final examination."""

CHINESE = {
    "Your step `{step}`, as lesson {lesson} asks for it, is checked as it stands in {file}. Write it now, if it is "
    "not there; labcore's solution does not count.":
        "检查你的步骤 `{step}`（按第 {lesson} 课的要求），以 {file} 里写的为准。还没写就现在写；参考答案不算。",
    "it is blank": "还是空白",
    "it is labcore's solution, not yours: lesson reset makes it a blank again":
        "这是参考答案，不是你写的：用 lesson reset 可以恢复成空白",
    "Something is broken: find out what, and mend it with the docker command.": "有东西坏了：找出原因，用 docker 命令修好它。",
    "(It is broken when you come to it.)": "（做到这一题时才会弄坏。）",
    "Question {number} of {of} …": "第 {number} 题，共 {of} 题……",
    "Question {number} of {of} (lesson {lesson})": "第 {number} 题，共 {of} 题（第 {lesson} 课）",
    "{right} of {of}: passed": "{of} 题答对 {right} 题：通过",
    "{right} of {of}: not passed; {needed} are needed": "{of} 题答对 {right} 题：没有通过，要对 {needed} 题",
    "lesson {number}, {title}": "第 {number} 课《{title}》",
    "Press Enter when it is there: ": "写好后按回车：",
    "answer: ": "答案：",
    "break it": "弄坏它",
    "mark it": "评分",
    "type your answer": "在这里输入答案",
    "Mend it in a cell, by `exam.docker(…)`; then press the button below.":
        "在单元格里用 `exam.docker(…)` 修好它，再按下面的按钮。",
    "nothing is broken: press “break it” first": "还没有东西坏：先按“弄坏它”",
    "(Another terminal reaches it by DOCKER_HOST={url}. An empty line: it is mended, look.)":
        "（另开终端，设 DOCKER_HOST={url} 也能找到它。输入空行表示修好了，请检查。）",
    "{file}, line {place}: `NUMBER: ANSWER` is wanted, as in `3: b`": "{file} 第 {place} 行：应写成 `题号: 答案`，例如 `3: b`",
}  # fmt: skip
