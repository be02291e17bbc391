"""Messages of lesson 8: its checks, and a Dockerfile beside what becomes of it."""

CHINESE = {
    "{path} leads out of the build context: a path within it is wanted": "{path} 跑到构建上下文外面去了：要的是里面的路径",
}  # fmt: skip
