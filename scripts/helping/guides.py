"""One page a mail program: numbered steps, pictures of its dialogs, the values, what its errors mean."""
import re

from .drawing import picture
from .marking import attribute, copy, link, plain, slot, text
from .sources import prefix_of

WAYS = {"implicit_tls": "port_implicit", "starttls": "port_starttls"}
TICKS = {"ticked": ("tick", True), "not ticked": ("tick", False), "selected": ("choice", True), "on": ("switch", True),
         "off": ("switch", False)}


def filled(words, program, way, values=None, escape=text):
    """Escaped text in which the {placeholders} of programs.toml have become slots."""
    security = program.get(way, "")
    out = escape(words)
    for name in ("address", "user", "user_in_url", "server"):
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


def bare(name):
    prefix = prefix_of(name)
    return name[len(prefix) + 2:] if prefix else name


def own_prefix(field):
    """The prefix of a field as its language has it."""
    return field[1].partition(": ")[0] if prefix_of(field[0]) else ""


def own_name(field):
    return field[1].partition(": ")[2] if prefix_of(field[0]) and ": " in field[1] else field[1]


def part(own, program, guide, way, prefix, first):
    """The picture of one dialog, and its fields as a list; `first`: the number of its first field."""
    w = own.words["guide"]
    fields = [f for f in program["fields"] if prefix_of(f[0]) == prefix]
    tabs = [t for t in guide["pictures"] if t]
    own_tabs = {prefix_of(f[0]): own_prefix(f) for f in program["fields"]}
    p = picture("phone" if guide["kind"] == "phone" else "window")
    name = own_tabs.get(prefix, "") if prefix else w["part"]
    p.title(own_tabs[prefix] if prefix else program["name"])
    if len(tabs) > 1 and prefix:
        p.tabs([own_tabs[t] for t in tabs], own_tabs[prefix])
    lines = []
    for n, field in enumerate(fields, first):
        kind, value = kind_and_value(field[2], program, way, own)
        marked = field[0] in guide["mark"]
        p.field(n, kind, own_name(field), value, marked)
        if kind in ("tick", "choice", "switch"):
            words = {v: k for k, v in TICKS.items()}[(kind, value)]
            shown = f'<b class="state">{text(own.word(words, program["values"]))}</b>'
        elif kind == "password":
            shown = f"<em>{value}</em>"
        elif kind == "list":
            shown = f'<b class="state">{value}</b>'
        else:
            shown = copy(value)
        css = ' class="marked"' if marked else ""
        note = f' <span class="why">← {text(w["marked"])}</span>' if marked else ""
        lines.append(f'<li{css}><span class="number">{n}</span> <span class="name">{text(own_name(field))}</span> '
                     f'{shown}{note}</li>')
    title = w["picture"].format(program=program["name"], part=name)
    drawn = p.html(f"picture-{first}", title, w["picture_text"])
    return (f'<figure>{drawn}</figure><p class="fill-in">{text(w["fill_in"])}</p>'
            f'<ul class="fields">{"".join(lines)}</ul>'), first + len(fields)


def capital(words):
    return words[:1].upper() + words[1:]


def step(words):
    """One step of the way; where it differs from maker to maker, a list."""
    makers = words.split(" · ")
    if len(makers) == 1:
        return f"<p>{text(capital(words))}</p>"
    return "<ul>" + "".join(f"<li>{text(m)}</li>" for m in makers) + "</ul>"


def steps(own, program, guide, way):
    w, path = own.words["guide"], program["path"]
    out = []
    if guide["kind"] == "code":
        place = " › ".join(path)
        lines = []
        for line in program["snippet"].strip("\n").split("\n"):
            shown = filled(line, program, way, escape=attribute)
            lines.append(f"<mark>{shown}</mark>" if guide.get("code") and guide["code"] in line else shown)
        out.append(f'<li><p>{text(w["code"])} <strong>{text(place)}</strong>:</p><div class="code"><pre id="code">'
                   + "\n".join(lines) + '</pre><button type="button" class="copy button small" hidden="hidden" data-copy-of="code">'
                   + slot("word_copy") + "</button></div>"
                   + (f'<p>{text(w["code_text"])}</p>' if "PASSWORD" in program["snippet"] else "") + "</li>")
    else:
        menu, n, first = guide["menu"], guide["menu"], 1
        way_there = '<span class="way">' + " <i>›</i> ".join(f"<b>{text(m)}</b>" for m in path[:menu]) + "</span>"
        html = f'<p>{text(w["menu"])} {way_there}</p>'
        while True:
            for prefix, after in guide["pictures"].items():
                if after == n:
                    drawn, first = part(own, program, guide, way, prefix, first)
                    html += drawn
            out.append(f"<li>{html}</li>")
            if n == len(path):
                break
            html = step(path[n])
            n += 1
    out.append(f'<li><p>{text(w["finish"])}</p></li>')
    return f'<ol class="steps">{"".join(out)}</ol>'


def symptoms(own, id):
    w, lines = own.words["guide"], []
    for shown, *means in own.source.symptoms(id):
        causes = "".join(f"<li>{link(f'/help/{m}', plain_headline(own, m))}</li>" for m in means[:3])
        lines.append(f'<dt><q lang="en">{text(shown)}</q></dt><dd><ul>{causes}</ul></dd>')
    general = "".join(f"<li>{text(t)}</li>" for t in w["general"])
    listed = (f'<details><summary><h3>{text(w["fails_text"])}</h3></summary><dl class="symptoms">{"".join(lines)}</dl>'
              "</details>") if lines else ""
    return f'<section id="fails"><h2>{text(w["fails"])}</h2><ul>{general}</ul>{listed}</section>'


def plain_headline(own, name):
    """A row's headline with examples in the place of what differs from case to case; escaped. What is never a reply
    has none: it is called by the first sentence of what happened."""
    words = own.row(name, "reply")[0] or own.row(name, "what")[0].partition(". ")[0].removesuffix(".")
    return plain(re.sub(r"\{(\w+)\}", lambda m: own.words["examples"].get(m[1], "…"), words))


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


def guide(own, id, way):
    """The inner part of a guide; `way`: "implicit_tls" or "starttls"."""
    w, program, g = own.words["guide"], own.program(id) | {"id": id}, own.source.guides[id]
    other = next((o for o in WAYS if o != way and program.get(o)), None)
    security = "SSL/TLS" if way == "implicit_tls" else "STARTTLS"
    out = [f'<p class="lead">{text(w["lead"])}</p>']
    if program.get("warning"):
        out.append(f'<aside class="notice beware"><h2>{text(w["beware"])}</h2>'
                   f'<p>{filled(program["warning"], program, way)}</p></aside>')
    out.append(slot("address_form"))
    out.append(f'<section id="steps"><h2>{text(w["steps"])}</h2>{steps(own, program, g, way)}')
    if other:
        out.append(slot("other_port"))
    if program.get("note"):
        out.append(f'<aside class="notice"><h3>{text(w["note"])}</h3><p>{filled(program["note"], program, way)}</p></aside>')
    out.append("</section>")
    out.append(f'<section id="values"><h2>{text(w["values"])}</h2>{values_table(own, WAYS[way], security)}</section>')
    out.append(f'<section id="said-box"><h2>{text(w["trouble"])}</h2>{form(own, id)}</section>')
    out.append(symptoms(own, id))
    out.append(f'<p class="onward">{link("/setup", text(w["others"]))}</p>')
    return "\n".join(out), plain(w["title"].format(program=program["name"]))
