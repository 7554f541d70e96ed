"""Pages of the example shops' source, with a number and an anchor at each line, and the links that lead there.

In Markdown a link is `[text](../../examples/flask_shop/app.py#L30)`, which a repository's own site follows too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name

ROOT = Path(__file__).parent.parent
LINK = re.compile(
    r"\[([^\]]+)\]\((?:\.\./)+(examples/[\w/]+\.(?:py|html))(?:#L(\d+))?\)"
)
SHOWN = {".py": "python", ".html": "html+jinja"}


def connect(app: Any) -> None:
    """Do it in the build of *app*."""
    app.connect("source-read", _lead_there)
    app.connect("html-collect-pages", _pages)


def _lead_there(app: Any, docname: str, source: list[str]) -> None:
    up = "../" * docname.count("/")

    def led(match: re.Match[str]) -> str:
        text, path, line = match.groups()
        anchor = f"#L-{line}" if line else ""
        return f'<a href="{up}{_page(path)}.html{anchor}">{escape(text).replace("`", "")}</a>'

    source[0] = LINK.sub(led, source[0])


def _pages(app: Any) -> Iterator[tuple[str, dict[str, Any], str]]:
    shown = HtmlFormatter(
        linenos="inline", lineanchors="L", anchorlinenos=True, wrapcode=True
    )
    for file in sorted((ROOT / "examples").rglob("*.*")):
        if file.suffix not in SHOWN:
            continue
        path = file.relative_to(ROOT).as_posix()
        lexer = get_lexer_by_name(SHOWN[file.suffix])
        code = highlight(file.read_text("utf-8"), lexer, shown)
        body = f'<h1><code>{path}</code></h1><div class="source">{code}</div>'
        yield _page(path), {"title": path, "body": body}, "page.html"


def _page(path: str) -> str:
    return path.replace(".", "_")
