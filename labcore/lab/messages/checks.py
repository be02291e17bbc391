"""Messages of what checks of several lessons say."""

CHINESE = {
    "the check came to its end": "检查正常跑完",
    "{file} cannot be read: run the step's cell again.": "{file} 无法解析：请把这一步的单元格再运行一遍。",
    "Fill in the cell above, run it, and run this check again.": "请先填好上面的单元格并运行，再回来运行这个检查。",
    "it is process 1 of its own PID namespace": "它是自己 PID 命名空间里的 1 号进程",
    "the machine that starts it keeps its own name": "启动它的机器，名字没有变",
    "its root is the directory that was named": "它的根就是指定的那个目录",
    "nothing of the old root is left in it": "旧根一点不剩",
    "/proc is mounted, a proc file system": "/proc 已挂载，是 proc 文件系统",
    "and shows its own processes: process 1 is the program": "而且显示它自己的进程：1 号进程就是这个程序",
    "its mounts are private": "它的挂载是私有的",
    "devices in it can be opened: it is not mounted nodev": "里面的设备可以打开：挂载时没有用 nodev",
    "it begins in /": "它从 / 开始",
    "its environment is that of the spec": "它的环境变量就是 spec 给的那些",
    "a program that is not there is no success: an error is raised, or another code than 0":
        "程序不存在就不算成功：要抛出错误，或返回 0 以外的退出码",
    "for {n}, which no process inside has, there is none": "里面没有进程是 {n} 号，就没有编号可返回",
    "the program's exit code, returned": "返回的程序退出码",
    "{text}: expected {expected}, saw {seen}": "{text}：应为 {expected}，看到的是 {seen}",
    "{text}: saw {seen}": "{text}：看到的是 {seen}",
    "nothing": "什么也没有",
    "none": "没有",
    "process {n}": "{n} 号进程",
    "the starter's": "沿用启动者的",
    "one of its own": "新的一个",
    "first draw:": "第一次抽取：",
    "second draw, with other values:": "第二次抽取，换了一组值：",
    "first draw: {mark} all {n} hold": "第一次抽取：{mark} {n} 项全部成立",
    "the number out here of the process that is {n} inside": "里面 {n} 号进程在外面的编号",
    "/ is mounted read-only": "/ 以只读方式挂载",
    "/tmp is a tmpfs that can be written": "/tmp 是可写的 tmpfs",
    "the program could not write to /": "程序无法写入 /",
    "the program could write to /tmp": "程序可以写入 /tmp",
    "{kind}: a namespace of its own": "{kind}：有自己的命名空间",
    "{kind}: the starter's, for the spec does not ask for one": "{kind}：沿用启动者的，因为 spec 没有要求新的",
    "the check did not begin within {n} seconds: this machine has too much to do": "检查在 {n} 秒内没能开始：这台机器太忙了",
    "it waited for a processor for more than {n} seconds: does it loop, or has this machine too much to do?":
        "它等待处理器超过了 {n} 秒：是死循环，还是这台机器太忙了？",
    "it was not done after {n} seconds: does it loop, or wait?": "{n} 秒后还没有结束：是死循环，还是在等待什么？",
    "labcore's version was called: the step is to be your own": "调用了 labcore 的版本：这一步要自己写",
    "your step raised an error": "你的代码运行出错",
    "your step did not come to its end: its process was killed, or ended itself":
        "你的代码没有运行到底：它的进程被杀死，或自己退出了",
    "no container was seen that runs the program that was asked for": "没有看到运行指定程序的容器",
    "the container was there until all had been looked at": "容器一直在，直到全部检查完",
    "what was to be looked at afterwards was there": "事后要检查的东西还在",
    "A step must bring what it uses: names of other cells are not there. Import inside of the function.":
        "一个步骤要自带它用到的东西：别的单元格里的名字在这里不存在。请在函数里面 import。",
    "{name} returned nothing: is `return` missing?": "{name} 什么都没返回：是不是漏了 `return`？",
    "What has a star before it returned nothing: is `return` missing there?":
        "带星号的那个函数什么都没返回：那里是不是漏了 `return`？",
    "{name} comes with the lesson's first cell (lab.begin): run that, then this one again.":
        "{name} 来自本课第一格（lab.begin）：先运行它，再运行这一格。",
    "{name} is made by an earlier cell, `{text}`: run that, then this one again.":
        "{name} 由前面的一格创建：`{text}`。先运行它，再运行这一格。",
    "{name} has not been saved: its cell stopped before{where}. Mend it, and run it again.":
        "{name} 没有保存：它的单元格没能运行到底{where}。改好后再运行一遍。",
    "line {n}": "第 {n} 行",
    "What its cell says now is not saved, for the cell stopped before. Mend it, run it, and run this check again.":
        "单元格现在的内容没有保存，因为它没能运行到底。改好并运行它，再运行这个检查。",
    "{name}: saved for lesson {number}. Later lessons use what you wrote in lesson {later}, which does this too.":
        "{name}：已存为第 {number} 课的版本。后面的课仍用你在第 {later} 课写的，它也能做到这些。",
    "From lesson {n} on, which writes it anew, another version takes its place.":
        "从第 {n} 课起会重写这一步，由新版本代替。",
    "This function is not the one that is saved: put @lab.step above it, and run its cell again.":
        "这个函数不是已保存的那一个：请在它上面加上 @lab.step，再运行一遍它的单元格。",
    "there is no lesson {number} yet; there are: {numbers}": "还没有第 {number} 课；现有：{numbers}",
    "{step} is no step: the steps are {steps}": "{step} 不是一个步骤；步骤有：{steps}",
    "{step}: not yet": "{step}：还没有通过",
    "{step}: passed": "{step}：通过",
    "({n} claims hold)": "（{n} 项都成立）",
    "{step}: still a blank": "{step}：还空着",
}  # fmt: skip
