"""Text to HTML, with slots that the server fills for the reader."""
import html
import re

SLOT = re.compile("\x01([a-z_]+)\x02")


def slot(name):
    """Stands for what only the server knows; see `slot` in src/help/pages.hpp."""
    return f"\x01{name}\x02"


def text(words):
    """Escaped; what stands in `backticks` is code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(words))


def plain(words):
    """Escaped, for where no other element may stand: titles and headings."""
    return html.escape(words.replace("`", ""))


def paragraph(words):
    """The same; an empty line begins a paragraph, [words](/path) is a link to a page of ours, **words** stand out."""
    out = []
    for one in words.strip().split("\n\n"):
        one = re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", text(one))
        out.append("<p>" + re.sub(r"\[([^\]]+)\]\((/[^)\s]*)\)", lambda m: link(m[2], m[1]), one) + "</p>")
    return "\n".join(out)


def link(path, inner, attributes=""):
    """A link to a page of ours: it carries the reader's language and address."""
    path, hash, part = path.partition("#")
    return f'<a href="{html.escape(path)}{slot("carry")}{hash}{part}"{attributes}>{inner}</a>'


def copy(value):
    """A value with its button to copy; the button shows itself where the script runs."""
    return (f'<span class="copyable"><code>{value}</code>'
            f'<button type="button" class="copy button small" hidden="hidden" data-copy="{value}">{slot("word_copy")}</button></span>')


def attribute(words):
    return html.escape(words, quote=True)
