"""One page a mail program: numbered steps, pictures of its dialogs, the values, what its errors mean."""
import re

from generating import action

from .drawing import picture
from .marking import attribute, copy, link, paragraph, plain, slot, text
from .sources import prefix_of

WAYS = {"implicit_tls": "port_implicit", "starttls": "port_starttls"}
TICKS = {"ticked": ("tick", True), "not ticked": ("tick", False), "selected": ("choice", True),
         "not selected": ("choice", False), "on": ("switch", True), "off": ("switch", False)}


def filled(words, program, way, values=None, escape=text):
    """Escaped text in which the {placeholders} of programs.toml have become slots."""
    security = program.get(way, "")
    out = escape(words)
    for name in ("address", "user", "user_in_url", "server", "imap"):
        out = out.replace("{" + name + "}", slot(name))
    return out.replace("{port}", slot(WAYS[way])).replace("{security}", escape((values or {}).get(security, security)))


def kind_and_value(raw, program, way, own):
    """How a field looks, and what stands in it: HTML with slots, or whether it is on."""
    security = own.source.programs[program["id"]].get(way, "")
    if raw == "{security}" and security in TICKS:
        raw = security
    if raw in TICKS:
        return TICKS[raw]
    if raw == "your password" or raw.startswith("an app password"):
        return "password", text(own.word(raw, program["values"]))
    words = own.word(raw, program["values"])
    return ("text" if "{" in raw and raw != "{security}" else "list"), filled(words, program, way)


def own_prefix(field):
    """The prefix of a field as its language has it."""
    return field[1].partition(": ")[0] if prefix_of(field[0]) else ""


def own_name(field):
    return field[1].partition(": ")[2] if prefix_of(field[0]) and ": " in field[1] else field[1]


def in_list(own, program, n, name, kind, value, why):
    """A field of a dialog as a line of the list below it; `why`: a remark that it is a marked one."""
    if kind in ("tick", "choice", "switch"):
        words = {v: k for k, v in TICKS.items()}[(kind, value)]
        shown = f'<b class="state">{text(own.word(words, program["values"]))}</b>'
    elif kind == "password":
        shown = f"<em>{value}</em>"
    elif kind == "list":
        shown = f'<b class="state">{value}</b>'
    else:
        shown = copy(value)
    css = ' class="marked"' if why else ""
    note = f' <span class="why">← {text(why)}</span>' if why else ""
    return f'<li{css}><span class="number">{n}</span> <span class="name">{text(name)}</span> {shown}{note}</li>'


def fields_in(own, program, guide, window, name):
    """The fields of a picture: its name, its raw value, why it is marked, its button, the word of the empty field."""
    w = own.words["guide"]
    if "fields" in window:
        for one in window["fields"]:
            hint = own.word(one[2]) if len(one) > 2 else ""
            yield own.word(one[0]), one[1] if len(one) > 1 else None, w["optional"].format(hint) if hint else "", "", hint
        return
    for field in program["fields"]:
        if prefix_of(field[0]) == name:
            yield (own_name(field), field[2], w["marked"] if field[0] in guide["mark"] else "",
                   own.word(guide.get("buttons", {}).get(field[0], "")), "")


def part(own, program, guide, way, name, pressed, first):
    """The picture of one window, and its fields as a list; `pressed`: what the next step presses; `first`: the number
    of its first field."""
    w, window = own.words["guide"], own.source.windows[guide["windows"][name]]
    own_tabs = {prefix_of(f[0]): own_prefix(f) for f in program["fields"]}
    p = picture("phone" if guide["kind"] == "phone" else "window")
    title = own.word(window["title"])
    p.title(title)
    if "tabs" in window:
        current = name if name in window["tabs"] else window.get("current", window["tabs"][0])
        p.tabs([(own_tabs.get(t) or own.word(t), t == current) for t in window["tabs"]])
    lines, n = [], first
    for field, raw, why, button, hint in fields_in(own, program, guide, window, name):
        if raw is None:
            p.heading(field)
            lines.append(f'<li class="heading">{text(field)}</li>')
            continue
        kind, value = kind_and_value(raw, program, way, own)
        p.field(n, kind, field, value, bool(why), hint)
        if button:
            p.buttons([button], pressed)
        lines.append(in_list(own, program, n, field, kind, value, why))
        n += 1
    for row in window.get("rows", []):
        p.row(own.word(row), own.word("Completed"))
    p.buttons([own.word(b) for b in window.get("buttons", [])], pressed)
    rows = "rows" in window
    drawn = p.html(f"picture-{first}{'-test' if rows else ''}", w["picture"].format(program=program["name"], part=title),
                   w["test_picture_text" if rows else "picture_text"])
    if rows:
        below = "<ul>" + "".join(f"<li>{text(t)}</li>" for t in w["test"]) + "</ul>"
    else:
        below = f'<p class="fill-in">{text(w["fill_in"])}</p><ul class="fields">{"".join(lines)}</ul>'
    return f"<figure>{drawn}</figure>{below}", n


def capital(words):
    return words[:1].upper() + words[1:]


def steps(own, program, guide, way, path, first=1):
    """The steps of a way as items of a list, and the number of the next field: each is one action; the words of a menu
    are one way through it, and a picture belongs to the step that leads to it."""
    w, out, menu = own.words["guide"], [], []
    for i, (kind, words) in enumerate([*map(action, path), ("end", "")]):
        if kind == "menu":
            menu.append(words)
            continue
        if menu:
            out.append(f'<p>{text(w["menu"])} <span class="way">' + " <i>›</i> ".join(f"<b>{text(m)}</b>" for m in menu) + "</span></p>")
            menu = []
        if kind == "picture":
            following = action(path[i + 1]) if i + 1 < len(path) else ("", "")
            drawn, first = part(own, program, guide, way, words, following[1], first)
            out[-1] += drawn
        elif kind == "makers":
            out.append(paragraph(w["makers"]) + "<ul>" + "".join(f"<li>{text(m)}</li>" for m in program["places"]) + "</ul>")
        elif kind != "end":
            sentence = own.words["action"]["tap" if kind == "press" and guide["kind"] == "phone" else kind]
            out.append(paragraph(sentence.format(words).replace("…**.", "…**")))
    return [f"<li>{one}</li>" for one in out], first


def numbered(items):
    return '<ol class="steps">' + "".join(items) + "</ol>"


def code_block(id, label, words, program, way, marked=None):
    """Lines to copy, with their button."""
    lines = []
    for line in words.strip("\n").split("\n"):
        shown = filled(line, program, way, escape=attribute)
        lines.append(f"<mark>{shown}</mark>" if marked and marked in line else shown)
    return (f'<div class="code"><pre id="{id}" tabindex="0" role="group" aria-label="{attribute(label)}">' + "\n".join(lines)
            + f'</pre><button type="button" class="copy button small" hidden="hidden" data-copy-of="{id}">'
            + slot("word_copy") + "</button></div>")


def code_steps(own, program, guide, way):
    """For what has no dialogs: the file, the command that sends a test mail, and what comes of it."""
    w, code, place = own.words["guide"], program["snippet"], " › ".join(program["path"])
    asks = "" if "PASSWORD" in code else f'<p>{text(w["code_asks"])}</p>'
    out = [f'<p>{text(w["code"])} <strong>{text(place)}</strong>:</p>'
           + code_block("code", place, code, program, way, guide.get("code"))
           + ("" if asks else f'<p>{text(w["code_password"])}</p>')]
    if "run" in program:
        out.append(f'<p>{text(w["run"])}</p>' + code_block("run", w["run"], program["run"], program, way))
    out[-1] += asks
    out.append(f'<p>{text(w["arrives"])}</p>')
    return [f"<li>{one}</li>" for one in out]


def symptoms(own, id):
    w, lines = own.words["guide"], []
    for shown, language, means in own.symptoms(id):
        causes = "".join(f"<li>{link(f'/help/{m}', headline(own, m))}</li>" for m in means[:3])
        lines.append(f'<dt><q lang="{language}">{text(shown)}</q></dt><dd><ul>{causes}</ul></dd>')
    general = "".join(f"<li>{text(t)}</li>" for t in w["general"])
    listed = (f'<details><summary><h3>{text(w["fails_text"])}</h3></summary><dl class="symptoms">{"".join(lines)}</dl>'
              "</details>") if lines else ""
    return f'<section id="fails"><h2>{text(w["fails"])}</h2><ul>{general}</ul>{listed}</section>'


# Where a failure is between the reader's program and a server, that server is this one.
OURS = {"settings", "reaching", "greeting", "encryption", "login"}


def with_examples(own, name, words, example=lambda e: e):
    """A text of the row `name`, escaped; this server's name and examples stand where it has {placeholders}."""
    ours = own.source.rows[name]["step"] in OURS
    return re.sub(r"\{(\w+)\}", lambda m: slot("server") if ours and m[1] == "server"
                  else example(plain(own.words["examples"].get(m[1], "…"))), words)


def own_headline(own, name):
    """A row's headline. What is never a reply has none: it is called by the first sentence of what happened."""
    return plain(own.row(name, "reply")[0] or own.row(name, "what")[0].partition(". ")[0].removesuffix("."))


def headline(own, name):
    return with_examples(own, name, own_headline(own, name))


def plain_headline(own, name):
    """With examples alone, for titles: they have no slots."""
    return re.sub(r"\{(\w+)\}", lambda m: plain(own.words["examples"].get(m[1], "…")), own_headline(own, name))


def form(own, program=""):
    w = own.words["guide"]
    hidden = f'<input type="hidden" name="program" value="{attribute(program)}"/>' if program else ""
    return (f'<form class="ask" action="/help" method="get">{slot("hidden_inputs")}{hidden}'
            f'<label for="said">{text(w["trouble_text"])}</label><textarea id="said" name="said" rows="2" '
            f'maxlength="2000" required="required">{slot("said")}</textarea><button class="button primary">{text(w["explain"])}'
            f'</button></form>')


def values_table(own, port_slot, security):
    w = own.words["guide"]
    rows = [(w["what_server"], copy(slot("server"))), (w["what_port"], copy(slot(port_slot))),
            (w["what_security"], f"<b>{text(security)}</b>"), (w["what_user"], copy(slot("user"))),
            (w["what_password"], f'<em>{text(w["password"])}</em>')]
    body = "".join(f'<tr><th scope="row">{text(n)}</th><td>{v}</td></tr>' for n, v in rows)
    return f'<table class="values">{body}{slot("incoming_rows")}</table>'


def versions(own, id):
    """Links to the guides of the program's other ages."""
    family = next((v for v in own.source.versions.values() if id in v), None)
    if not family:
        return ""
    here = ' aria-current="page"'
    links = "".join(f'<li>{link("/setup/" + other, text(own.word(words)), here if other == id else "")}</li>'
                    for other, words in family.items())
    return f'<nav class="versions" aria-label="{attribute(own.words["guide"]["versions"])}"><ul>{links}</ul></nav>'


def new_account(own, program, guide, way):
    """How an account is added; and the number of the next field."""
    w, quick = own.words["guide"], guide.get("quick")
    if not quick and "add" not in program:
        return "", 1
    items, first = steps(own, program, guide, way, program.get("add", []))
    intro = paragraph(w["quick_way"][quick]) if quick else ""
    after = f'<p>{text(w["finds_nothing"])}</p>' if quick in ("finds", "code") else ""
    return f'<section id="new"><h2>{text(w["new"])}</h2>{intro}{numbered(items)}{after}</section>', first


def guide(own, id, way):
    """The inner part of a guide; `way`: "implicit_tls" or "starttls"."""
    w, program, g = own.words["guide"], own.program(id) | {"id": id}, own.source.guides[id]
    other = next((o for o in WAYS if o != way and program.get(o)), None)
    security = "SSL/TLS" if way == "implicit_tls" else "STARTTLS"
    out = [versions(own, id), f'<p class="lead">{text(w["lead"])}</p>']
    if program.get("warning"):
        out.append(f'<aside class="notice beware"><h2>{text(w["beware"])}</h2>'
                   f'<p>{filled(program["warning"], program, way)}</p></aside>')
    out.append(slot("address_form"))
    if g["kind"] == "code":
        items = code_steps(own, program, g, way)
    else:
        added, first = new_account(own, program, g, way)
        out.append(added)
        items, _ = steps(own, program, g, way, program["path"], first)
        items += [f'<li><p>{text(t)}</p></li>' for t in w["finish"]]
    out.append(f'<section id="steps"><h2>{text(w["steps_there" if "add" in program else "steps"])}</h2>{numbered(items)}')
    if other:
        out.append(slot("other_port"))
    if program.get("note"):
        out.append(f'<aside class="notice"><h3>{text(w["note"])}</h3><p>{filled(program["note"], program, way)}</p></aside>')
    out.append("</section>")
    out.append(f'<section id="values"><h2>{text(w["values"])}</h2>{values_table(own, WAYS[way], security)}</section>')
    out.append(f'<section class="asking"><h2>{text(w["trouble"])}</h2>{form(own, id)}</section>')
    out.append(symptoms(own, id))
    out.append(f'<p class="onward">{link("/setup", text(w["others"]))}</p>')
    return "\n".join(out), plain(w["title"].format(program=program["name"]))
