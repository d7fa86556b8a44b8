"""The other pages: the start, the list of programs, the failures, why a refusal, what SMTP AUTH is; and the frame."""
import re

from .guides import form, headline, plain_headline, values_table, with_examples
from .marking import attribute, link, paragraph, plain, slot, text

# A small gate in a wall, with a letter on its way out; as in favicon.svg, in the colour of the text around it.
SIGN = ('<svg viewBox="0 0 32 32" aria-hidden="true"><path fill="currentColor" d="M3 30V6h4v3h4V6h3V3h4v3h3v3h4V6h4v24h-6V20'
        'a7 7 0 0 0-14 0v10z"/><path fill="none" stroke="currentColor" stroke-width="2" stroke-linejoin="round" '
        'd="M11.5 21.5h9v7h-9zm0 .5 4.5 3.6 4.5-3.6"/></svg>')


def named(words):
    """Escaped, with the slots that words.toml may name."""
    return re.sub(r"\{(name|server|address|contact|said)\}", lambda m: slot(m[1]), words)


def frame(own, assets):
    """What stands around each page."""
    w = own.words["layout"]
    return document(own, assets, f'{slot("title")} · {slot("name")}', slot("title"), slot("main"),
                    f'{slot("name")} <small>{text(w["brand"])}</small>', f'<p>{text(w["contact"])} {slot("contact_link")}.</p>\n',
                    f'<script src="{versioned(assets, "help.js")}" defer="defer"></script>\n')


def versioned(assets, name):
    return f"/assets/{name}?v={assets[name]}"


def document(own, assets, title, headline, main, brand, contact="", script=""):
    w = own.words["layout"]
    items = [("/", "start", "at_start"), ("/setup", "setup", "at_setup"), ("/help", "failures", "at_help"),
             ("/what-is-smtp-auth", "explanation", "at_explanation"), ("/account", "account", "at_account")]
    nav = "".join(f'<li>{link(path, text(w[word]), slot(at))}</li>' for path, word, at in items)
    return f"""<!DOCTYPE html>
<html lang="{own.code}">
<head>
<meta charset="utf-8"/>
<title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<meta name="color-scheme" content="light dark"/>
<link rel="stylesheet" href="{versioned(assets, "postern.css")}"/>
<link rel="stylesheet" href="{versioned(assets, "help.css")}"/>
<link rel="icon" type="image/svg+xml" href="/favicon.svg"/>
{script}</head>
<body class="help">
<a class="skip" href="#text">{text(w["skip"])}</a>
<header class="head"><div><a class="brand" href="/{slot("carry")}">{SIGN}<span>{brand}</span></a></div>
<nav class="ways" aria-label="{attribute(w["navigation"])}"><ul>{nav}</ul></nav></header>
<main class="page" id="text" tabindex="-1">
<h1>{headline}</h1>
{main}
</main>
<footer class="foot">
{contact}<nav aria-label="{attribute(w["languages"])}"><ul class="languages">{slot("language_links")}</ul></nav>
<p>{text(w["theme"])}</p>
</footer>
</body>
</html>
"""


def refused(own, name, assets):
    """The whole page that says why a request was refused. Nothing on it is the request's, or needs the mail server."""
    title, w = plain_headline(own, name), own.words["layout"]
    main = (f'<p class="lead">{slot("value")}</p>\n<p>{text(own.row(name, "user")[0])}</p>\n'
            f'<p class="onward">{link("/help/" + name, text(own.words["problem"]["more"]))} · {link("/", text(w["start"]))}</p>')
    return document(own, assets, title, title, main, text(w["brand"])), title


def card(path, title, words):
    return f'<li class="card"><h2>{link(path, text(title))}</h2><p>{text(words)}</p></li>'


def start(own):
    w, g = own.words["start"], own.words["guide"]
    cards = "".join([card("/setup", w["set_up"], w["set_up_text"]), card("/help", w["stuck"], w["stuck_text"]),
                     card("/what-is-smtp-auth", w["know"], w["know_text"]), card("/account", w["yours"], w["yours_text"])])
    return (f'<p class="lead">{named(text(w["lead"]))}</p>{slot("suggested")}<ul class="cards">{cards}</ul>'
            f'<section><h2>{text(w["facts"])}</h2>{slot("short_values")}</section>'
            f'<section class="asking"><h2>{text(g["trouble"])}</h2>{form(own)}</section>'), plain(w["title"])


def group(own, name):
    """The programs of one group, as a list."""
    lines = "".join(f'<li>{link("/setup/" + id, text(own.program(id)["name"]))}</li>'
                    for id in own.source.groups[name])
    return f'<section class="group"><h3>{text(own.words["groups"][name])}</h3><ul class="programs">{lines}</ul></section>'


def setup(own):
    w = own.words["setup"]
    return (f'<p class="lead">{text(w["lead"])}</p><p>{text(w["by_itself"])}</p>{slot("address_form")}'
            f'<figure class="to-phone"><img src="/qr/setup.svg" alt="" width="120" height="120"/>'
            f'<figcaption>{text(w["phone"])}</figcaption></figure>'
            f'{slot("groups")}<section><h2>{text(own.words["guide"]["values"])}</h2><p>{text(w["unknown"])}</p>'
            f'{slot("short_values")}</section>'), plain(w["title"])


def profile(own):
    """Behind a link to a configuration profile, which only the button takes."""
    w = own.words["profile"]
    steps = "".join(f"<li>{text(t)}</li>" for t in w["steps"])
    return (f'<p class="lead">{text(w["lead"])}</p><form method="post"><button class="button primary">{text(w["load"])}</button>'
            f'</form><section><h2>{text(w["then"])}</h2><ul>{steps}</ul></section><p class="small">{text(w["once"])}</p>',
            plain(w["title"]))


def address_form(own):
    w = own.words["setup"]
    return (f'<form class="address" method="get">{slot("hidden_inputs")}<label for="address">{text(w["address"])}</label>'
            f'<input id="address" name="address" type="email" autocomplete="email" inputmode="email" maxlength="254" '
            f'aria-describedby="address-text" value="{slot("given_address")}"/>'
            f'<button class="button primary">{text(w["fill"])}</button><p id="address-text">{slot("address_notice")}'
            f'{text(w["address_text"])}</p></form>{slot("foreign")}')


def slanted(own, name, words):
    """A text of a row in which examples are told from the rest."""
    return with_examples(own, name, text(words), lambda e: f"<var>{e}</var>")


def shown_by_programs(own, shown_by):
    """Which programs show what, as a list: what the same ones show is one line, and a family of many is called by its name."""
    def called(ids):
        out, families = [], [own.source.programs[id].get("family") for id in ids]
        for id, family in zip(ids, families):
            if families.count(family) > 3 and family:
                name = text(own.words["families"][family])
            else:
                name = link("/setup/" + id, text(own.program(id)["name"]))
            if name not in out:
                out.append(name)
        return ", ".join(out)

    lines = {}
    for (shown, language), ids in shown_by.items():
        lines.setdefault(called(ids), []).append(f'<q lang="{language}">{text(shown)}</q>')
    return "<ul>" + "".join(f'<li>{", ".join(shown)}: {programs}</li>' for programs, shown in lines.items()) + "</ul>"


def failure(own, name, shown_by):
    """The inner part of the page of one row of the catalogue."""
    w, row = own.words["failure"], own.source.rows[name]

    def section(title, key):
        words, language = own.row(name, key)
        if not words:
            return ""
        foreign = f' lang="{language}"' if language != own.code else ""
        return f'<section><h2>{text(title)}</h2><p{foreign}>{slanted(own, name, words)}</p></section>'

    step = own.words["failures"]["step"][row["step"]]
    facts = [f'<span class="step">{text(w["step"])}: {link("/help#" + row["step"], text(step))}</span>',
             f'<span class="id">{row["id"]}</span>']
    if row.get("code"):
        facts.append(f'<span class="code-text">{text(w["reply"])}: <code>{row["code"]} {row["status"]}</code></span>')
    if row.get("who"):
        facts.append(f'<span>{text(w["who"])}: {text(w["actor"][row["who"]])}</span>')
    out = [f'<p class="facts">{" ".join(facts)}</p>', section(w["what"], "what"), section(w["user"], "user"),
           section(w["operator"], "operator")]
    if shown_by:
        out.append(f'<section><h2>{text(w["programs"])}</h2>{shown_by_programs(own, shown_by)}</section>')
    if any("<var>" in section for section in out):
        out.append(f'<p class="small">{text(w["example"])}</p>')
    out.append(f'<p class="onward">{link("/help", text(w["back"]))}</p>')
    return "\n".join(out), plain_headline(own, name)


def line_of(own, name):
    """One row of the catalogue in a list of what an error can mean."""
    return (f'<li><h3>{link("/help/" + name, headline(own, name))}</h3>'
            f'<p>{slanted(own, name, own.row(name, "user")[0])}</p></li>')


def failures(own):
    w = own.words["failures"]
    parts = []
    for step, title in w["step"].items():
        lines = "".join(f'<li>{link("/help/" + name, headline(own, name))} <span class="id">{row["id"]}</span></li>'
                        for name, row in own.source.rows.items() if row["step"] == step)
        parts.append(f'<details id="{step}"><summary><h2>{text(title)}</h2></summary><ul class="rows">{lines}</ul></details>')
    return (f'<p class="lead">{text(w["lead"])}</p><section class="asking"><h2>{text(w["said"])}</h2>{form(own)}'
            f'{slot("results")}</section>{"".join(parts)}'), plain(w["title"])


def missing(own):
    """Inside the frame: there is no such page of the help centre."""
    lead = f'<p class="lead">{text(own.row("web-not-found", "what")[0])}</p>'
    return f'{lead}<p>{text(own.row("web-not-found", "user")[0])}</p>', plain_headline(own, "web-not-found")


def why(own):
    w = own.words["why"]
    items = "".join(f"<li>{named(paragraph(t)[3:-4])}</li>" for t in w["unknown_list"])
    unknown = (f'<section class="notice"><h2>{text(w["unknown_title"])}</h2>{paragraph(w["unknown"])}<ul>{items}</ul>'
               f'<p class="small">{text(w["about_id"])}</p></section>')
    lead = f'<p class="lead">{named(text(w["lead"]))}</p>'
    return {"why/known": (lead + f'<p>{text(w["known"])}</p>' + slot("results"), plain(w["title"])),
            "why/unknown": (lead + unknown, plain(w["title"]))}


def explanation(own):
    parts = []
    for one in own.words["smtp_auth"]["part"]:
        body = paragraph(one["text"]) if "text" in one else ""
        if "list" in one:
            body += "<ul>" + "".join(f"<li>{text(t)}</li>" for t in one["list"]) + "</ul>"
        parts.append(f'<section><h2>{text(one["title"])}</h2>{body}</section>')
    w = own.words["smtp_auth"]
    return f'<p class="lead">{text(w["lead"])}</p>{"".join(parts)}', plain(w["title"])


def parts(own):
    """What the server puts together for the reader."""
    g, f, s = own.words["guide"], own.words["failures"], own.words["setup"]
    port = named_port(text(g["other_port"]))
    foreign = text(s["foreign"]).replace("{domain}", f'<b>{slot("foreign_domain")}</b>')
    provider = [(g["what_server"], "provider_server"), (g["what_port"], "provider_port"), (g["what_security"], "provider_security")]
    return {
        "part/imap": f'<tr><th scope="row">{text(g["what_imap"])}</th><td><code>{slot("value")}</code></td></tr>',
        "part/pop3": f'<tr><th scope="row">{text(g["what_pop3"])}</th><td><code>{slot("value")}</code></td></tr>',
        "part/other_port": f'<p class="other-port"><a href="{slot("other_link")}">{port}</a></p>',
        "part/no_port": f'<aside class="notice beware"><p>{text(g["no_port"])}</p></aside>',
        "part/values_implicit": values_table(own, "port_implicit", "SSL/TLS"),
        "part/values_starttls": values_table(own, "port_starttls", "STARTTLS"),
        "part/address_form": address_form(own),
        "part/foreign": f'<aside class="notice beware"><h2>{foreign}</h2><p>{text(s["foreign_text"])}</p>{slot("value")}</aside>',
        "part/provider": f'<p><b>{slot("provider_name")}</b></p><table class="values">'
                         + "".join(f'<tr><th scope="row">{text(n)}</th><td><code>{slot(v)}</code></td></tr>' for n, v in provider)
                         + f'</table>{slot("provider_password")}',
        "part/app_password": f'<p>{text(s["app_password"])}</p>',
        "part/wrong_address": f'<strong class="wrong">{text(s["wrong"])}</strong> ',
        "part/yours": f'<section><h2>{text(s["yours"])}</h2>{slot("value")}</section>',
        "part/others": f'<section><h2>{text(s["others"])}</h2>{slot("value")}</section>',
        "part/suggested": f'<section class="suggested"><h2>{text(own.words["start"]["suggested"])}</h2>{slot("value")}</section>',
        "part/found": f'<div id="found" class="found"><h3>{text(f["found"])}</h3><p>{text(f["likely"])}</p><ol>{slot("value")}</ol></div>',
        "part/nothing": f'<div id="found" class="notice"><p>{text(f["nothing"])}</p></div>',
        "part/id": f'<div id="found" class="notice"><p>{text(f["id"])} <a href="/why/{slot("value")}{slot("carry")}">{text(f["id_link"])}</a></p></div>',
        "part/your_incoming": text(own.words["words"]["your_incoming"]),
        "part/your_name": text(own.words["words"]["your_name"]),
    }


def named_port(words):
    return words.replace("{port}", slot("this_port")).replace("{other}", slot("that_port"))
