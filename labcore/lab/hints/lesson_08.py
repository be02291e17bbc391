"""Hints of lesson 8."""

from labcore.language import Bilingual as T

HINTS = {
    "logical_lines": (
        T(
            "You read line by line. Of which lines do you know at once what becomes of them, and for which must you wait?",
            "一行一行地读。哪些行马上就知道该怎么处理，哪些要等到后面才知道？",
        ),
        T(
            "Keep two things: the list of what is whole, and a text of what has begun. Skip comments and blank lines, whatever has begun. Else add the line; a backslash at its end is cut off, and without one the instruction is whole.",
            "记住两样东西：已经完整的列表，和已经开始的一段文本。注释和空行一律跳过，不管有没有开始的指令；别的行接到文本后面：末尾有反斜杠就切掉它，没有就说明指令完整了。",
        ),
        T(
            "`begun += line.rstrip()`; `if begun.endswith('\\\\'): begun = begun[:-1]`, `else: found.append(begun.strip()); begun = ''`. After the loop something may be left in `begun`.",
            "`begun += line.rstrip()`；`if begun.endswith('\\\\'): begun = begun[:-1]`，`else: found.append(begun.strip()); begun = ''`。循环之后 `begun` 里可能还有东西。",
        ),
    ),
    "value_of": (
        T(
            "Three things have to be true for it to be a list of words. Which?",
            "要满足三个条件才是一串词，哪三个？",
        ),
        T(
            "The name is one of the seven; the text is JSON; and what comes of it is a list, with strings only. If one of them is not true, the text is returned as it is.",
            "名字是那七个之一；文本是 JSON；得到的是列表，而且里面全是字符串。只要有一条不成立，就原样返回文本。",
        ),
        T(
            "`try: words = json.loads(rest)` / `except ValueError: return rest`; then `isinstance(words, list) and all(isinstance(word, str) for word in words)`",
            "`try: words = json.loads(rest)` / `except ValueError: return rest`；然后 `isinstance(words, list) and all(isinstance(word, str) for word in words)`",
        ),
    ),
    "instruction": (
        T(
            "Where does the name end? And what if there is nothing behind it?",
            "名字到哪里为止？如果后面什么都没有呢？",
        ),
        T(
            "`line.split(None, 1)` gives one or two parts. `upper()` makes capitals; `value_of` is asked with the name in capitals.",
            "`line.split(None, 1)` 得到一段或两段。`upper()` 变大写；问 `value_of` 时用大写的名字。",
        ),
        T(
            "`name, *rest = line.split(None, 1)`; `return name.upper(), value_of(name.upper(), ''.join(rest).strip())`",
            "`name, *rest = line.split(None, 1)`；`return name.upper(), value_of(name.upper(), ''.join(rest).strip())`",
        ),
    ),
    "parse": (
        T("You have all the parts. In which order?", "零件都有了。按什么顺序用？"),
        T(
            "`logical_lines` makes lines of the text, `instruction` a pair of each line, and that calls `value_of`.",
            "`logical_lines` 把文本变成行，`instruction` 把每一行变成一对，它自己会调用 `value_of`。",
        ),
        T(
            "`return [instruction(line) for line in …]`",
            "`return [instruction(line) for line in …]`",
        ),
    ),
    "heredoc": (
        T(
            "How do you know that a line has one? And how do you know that it has ended?",
            "怎么知道一行里有 heredoc？又怎么知道它结束了？",
        ),
        T(
            r"A regular expression finds the words `<<NAME`, with the dash and the quotes that may be there: `(?:^|\s)\d*<<(-?)['\"]?(\w+)['\"]?(?=\s|$)`. For each of them, take lines from the iterator until one is the name.",
            r"用正则表达式找出 `<<NAME` 这样的词，连同可能有的减号和引号：`(?:^|\s)\d*<<(-?)['\"]?(\w+)['\"]?(?=\s|$)`。对每一个，从迭代器里取行，直到某一行就是这个名字。",
        ),
        T(
            r"`for dash, end in re.findall(…, line):` and in it `for text in following: line += …; if (text.lstrip('\t') if dash else text) == end: break`",
            r"`for dash, end in re.findall(…, line):`，里面是 `for text in following: line += …; if (text.lstrip('\t') if dash else text) == end: break`",
        ),
    ),
    "escape": (
        T(
            "Which line is the first of which you know that no directive comes after it?",
            "看到怎样的一行，就知道后面不会再有解析器指令了？",
        ),
        T(
            "Go through the lines as long as each is `# syntax=…`, `# check=…` or `# escape=…`, in any case. The last one has the sign.",
            "一行行往下看，只要是 `# syntax=…`、`# check=…` 或 `# escape=…`（大小写不论）就继续；最后这一种写着符号。",
        ),
        T(
            r"`found = re.fullmatch(r'\s*#\s*(syntax|check|escape)\s*=\s*(.+?)\s*', line, re.IGNORECASE)`; `if not found: break`; `return found[2]` if it is escape",
            r"`found = re.fullmatch(r'\s*#\s*(syntax|check|escape)\s*=\s*(.+?)\s*', line, re.IGNORECASE)`；`if not found: break`；如果是 escape，`return found[2]`",
        ),
    ),
}
