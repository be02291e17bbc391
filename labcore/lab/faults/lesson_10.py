"""Faults of lesson 10: images that were built, or not, and do not serve the page that was meant."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from labcore.errors import LabcoreError
from labcore.lab.checks.verdict import Claim, equal
from labcore.lab.contexts import context
from labcore.lab.faults.scenario import FaultScenario, Site, running
from labcore.lab.http_get import fetch
from labcore.lab.messages import say
from labcore.language import Bilingual

SERVE: Final = 'CMD ["httpd", "-f", "-p", "80", "-h", "/site"]'
COPIED: Final = f"FROM busybox\nCOPY pages /site\n{SERVE}\n"
IN_BACKGROUND: Final = COPIED.replace('"-f", ', "")


def _serves(site: Site) -> Iterator[Claim]:
    """The container runs, of the image that was to be built, and its page says what the folder's file says."""
    name, image = site.words["name"], site.words["image"]
    if not (yield from running(site, name)):
        return
    with site.client() as client:
        found = client.containers.inspect(name).image_id
        wanted = client.images.inspect(image).id
    yield equal(say("the image of {name}", name=name), wanted, found)
    url = f"http://127.0.0.1:{site.words['port']}/"
    try:
        page = fetch(url, within=2).decode(errors="replace")
    except LabcoreError as error:
        page = str(error)
    yield Claim(say("{url} shows: {text}", url=url, text=site.words["text"]), site.words["text"] in page, page[:80])


def _folder(site: Site, dockerfile: str, **files: str) -> str:
    """Draw what the page says, and make a folder with it."""
    site.words["text"] = f"{site.lots.choice(['open from', 'room', 'table'])} {site.lots.randint(100, 999)}"
    pages = {"Dockerfile": dockerfile, "pages/index.html": f"<h1>{site.words['text']}</h1>\n"}
    site.words["folder"] = context({**pages, **{f".{name}": text for name, text in files.items()}}, "fault")
    return site.words["folder"]


def _start(site: Site) -> str:
    """Draw names and a port, and return the line that starts the container."""
    site.words |= {"name": site.named("board"), "image": "team/board:1.0", "port": str(site.free_port())}
    return f"run -d --name {site.words['name']} -p {site.words['port']}:80 {site.words['image']}"


def _builds(site: Site, image: str, folder: str) -> None:
    """Build as the complaining user did: without an error, and the IDs are no matter."""
    line = f"build -q -t {image} {folder}"
    site.prepares(line)
    site.typed.append(f"$ {site.docker.program} {line}")


def _ignore(site: Site) -> None:
    start = _start(site)
    folder = _folder(site, COPIED, dockerignore=f"# nothing but sources\n.git\n**/*.html\n*{site.lots.randint(10, 99)}.log\n")
    _builds(site, site.words["image"], folder)
    site.types(start)


def _background(site: Site) -> None:
    start = _start(site)
    folder = _folder(site, IN_BACKGROUND)
    _builds(site, site.words["image"], folder)
    site.types(start)
    site.types(f"ps -a --format '{{{{.Names}}}} {{{{.Image}}}}' --filter name={site.words['name']}")


def _stale(site: Site) -> None:
    start = _start(site)
    folder = _folder(site, "FROM team/pages:latest\n" + SERVE + "\n")
    base = context({"Dockerfile": "FROM busybox\nCOPY index.html /site/\n", "index.html": "<h1>closed</h1>\n"}, "fault-pages")
    site.prepares(f"build -q -t team/pages {base}")
    site.prepares(f"build -q -t {site.words['image']} {folder}")
    Path(base, "index.html").write_text(f"<h1>{site.words['text']}</h1>\n", encoding="utf-8")
    _builds(site, "team/pages", base)
    site.types(start)


SCENARIOS: Final = (
    FaultScenario(
        name="ignored",
        story=Bilingual(
            "The folder {folder} is built and started, without an error. But {name} answers 404: the page of the folder, "
            "`pages/index.html`, is not in the image. It was typed:",
            "文件夹 {folder} 构建和启动都没有报错，可是 {name} 应答 404："
            "文件夹里的网页 `pages/index.html` 不在镜像里。当时输入的是：",
        ),
        cause=Bilingual(
            "The folder's `.dockerignore` keeps `**/*.html` out of the context: the daemon was never sent the page. "
            "Take the line away, or add `!pages/*.html` behind it; build, and start the container anew.",
            "文件夹里的 `.dockerignore` 把 `**/*.html` 挡在上下文外面：网页根本没有发给守护进程。"
            "删掉那一行，或者在它后面加上 `!pages/*.html`；"
            "再构建，再重新启动容器。",
        ),
        breaks=_ignore,
        claims=_serves,
    ),
    FaultScenario(
        name="background",
        story=Bilingual(
            "The web server of {folder} was tried by hand, and works. As a container {name} it is gone at once, "
            "without a word:",
            "{folder} 的 Web 服务器手工试过，没问题。作为容器 {name}，它却一声不响，立刻就没了：",
        ),
        cause=Bilingual(
            "Without `-f` httpd goes into the background and ends its first process; with that the container ends. "
            'Add `"-f"` to CMD, as nginx\'s image says `daemon off;`; build, and start the container anew.',
            "不加 `-f`，httpd 会转入后台，它的第一个进程就结束了，容器也随之结束。"
            '在 CMD 里加上 `"-f"`，就像 nginx 的镜像写着 `daemon off;`；'
            "再构建，再重新启动容器。",
        ),
        breaks=_background,
        claims=_serves,
    ),
    FaultScenario(
        name="stale",
        story=Bilingual(
            "The page comes from the image `team/pages`, on which {folder} is based. That was changed and built, "
            "and is to say: {text}. Yet {name}, started since, shows the old one:",
            "网页来自镜像 `team/pages`，{folder} 以它为基础。"
            "它已经改过并重新构建，应该显示：{text}。可是之后启动的 {name} 显示的还是旧的：",
        ),
        cause=Bilingual(
            "An image does not follow its base: FROM has taken the base as it was then. "
            "Build {image} once more, and start the container anew.",
            "镜像不会跟着它的基础镜像走：FROM 取的是当时的那个。把 {image} 再构建一次，再重新启动容器。",
        ),
        by_docker=True,
        breaks=_stale,
        claims=_serves,
    ),
)
