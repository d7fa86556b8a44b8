"""The data that the pages are made from, and its translations."""
import fnmatch
import glob
import os
import re
import sys
import tomllib

from generating import action

LONGEST_SENTENCE = 15  # words
ROW_TEXTS = ("reply", "what", "user", "operator")
# What these files say to people stands in phrases.toml, every sentence of it.
SENTENCES = ("directory/login_cause.cpp", "console/sent.cpp")
PROGRAM_TEXTS = ("name", "path", "add", "places", "note", "warning", "implicit_tls", "starttls")


def read(path):
    with open(path, "rb") as f:
        try:
            return tomllib.load(f)
        except tomllib.TOMLDecodeError as e:
            sys.exit(f"{path}: {e}")


def tables(folder):
    return sorted(glob.glob(os.path.join(folder, "*.toml")))


def stem(path):
    return os.path.splitext(os.path.basename(path))[0]


def leaves(tree, path=()):
    """All texts of a tree of tables and lists, each with its place."""
    if isinstance(tree, str):
        yield path, tree
    else:
        for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
            yield from leaves(value, path + (key,))


def merged(own, other):
    """`own`, and where it lacks something, `other`."""
    if isinstance(other, dict):
        own = own if isinstance(own, dict) else {}
        return {key: merged(own.get(key), value) for key, value in other.items()}
    return other if own is None else own


class sources:
    def __init__(self, root):
        self.root = os.path.join(root, "src")
        self.rows = {}        # name -> row of the catalogue, with its file and step
        for path in tables(os.path.join(self.root, "catalogue")):
            for name, row in read(path).items():
                self.rows[name] = row | {"file": stem(path)}
        self.by_id = {row["id"]: name for name, row in self.rows.items()}
        self.programs = read(os.path.join(self.root, "setup", "programs.toml"))
        self.families = self.programs.pop("family")
        self.guides = read(os.path.join(self.root, "help", "guides.toml"))
        self.groups = self.guides.pop("group")
        self.versions, self.windows = self.guides.pop("versions"), self.guides.pop("window")
        self.set_steps()
        self.check_guides()

    def set_steps(self):
        data = read(os.path.join(self.root, "help", "steps.toml"))
        for name, row in self.rows.items():
            patterns = data["step"].items() if row["file"] in ("failures", "connecting", "logging_in", "sending") else ()
            row["step"] = next((step for step, names in patterns if any(fnmatch.fnmatchcase(name, n) for n in names)),
                               data["file"].get(row["file"], "server"))

    def check_guides(self):
        for id in sorted(set(self.programs) ^ set(self.guides)):
            sys.exit(f"guides.toml: [{id}] is in one of programs.toml and guides.toml only")
        listed = {id for group in self.groups.values() for id in group}
        for id in sorted(listed ^ set(self.guides)):
            sys.exit(f"guides.toml: [{id}] is in no group, or is no program")
        for id, guide in self.guides.items():
            def bad(why):
                sys.exit(f"guides.toml: [{id}]: {why}")
            names = [f[0] for f in self.programs[id].get("fields", [])]
            if guide.get("quick", "finds") not in ("finds", "profile", "code"):
                bad("quick is one of finds, profile, code")
            if guide["kind"] == "code":
                code = self.programs[id].get("snippet", "")
                if not code or guide.get("code", "") not in code:
                    bad("the lines to copy don't have what is marked")
                continue
            for marked in guide["mark"]:
                if marked not in names:
                    bad(f"there is no field `{marked}`")
            for field in guide.get("buttons", {}):
                if field not in names:
                    bad(f"there is no field `{field}`")
            shown = [words for step in self.programs[id].get("add", []) + self.programs[id]["path"]
                     for kind, words in [action(step)] if kind == "picture"]
            for name in sorted(set(shown) ^ set(guide["windows"])):
                bad(f"`{name}` is in one of its windows and its pictures only")
            for window in guide["windows"].values():
                if window not in self.windows:
                    bad(f"there is no window {window}")
            for n in names:
                if prefix_of(n) not in shown:
                    bad(f"the field `{n}` is in no picture")
        for id in {id for family in self.versions.values() for id in family} - set(self.guides):
            sys.exit(f"guides.toml: [versions] has {id}, which is no program")


    def window_words(self):
        """What stands in the windows of guides.toml, besides values."""
        found = {"Completed"}
        for w in self.windows.values():
            found |= {w["title"], *w.get("tabs", []), *w.get("buttons", []), *w.get("rows", [])}
            found |= {f[0] for f in w.get("fields", [])} | {f[2] for f in w.get("fields", []) if len(f) > 2}
        return found | {b for g in self.guides.values() for b in g.get("buttons", {}).values()}


def prefix_of(field_name):
    """"Servers" of "Servers: Outgoing mail (SMTP)"."""
    front, colon, _ = field_name.partition(": ")
    return front if colon and front != "Authentication" else ""


class language:
    """The texts of one language; what it lacks is English."""

    def __init__(self, source, code):
        self.code, self.source = code, source
        folder = os.path.join(source.root, "help", code)
        english = read(os.path.join(source.root, "help", "en", "words.toml"))
        self.own_words = read(os.path.join(folder, "words.toml"))
        self.windows = self.own_words.pop("windows", {})  # words of the programs' windows; English has them as they are
        self.words = merged(self.own_words, english)
        self.own_programs, self.own_rows, self.phrases = {}, {}, {}
        if code != "en":
            self.own_programs = read(os.path.join(folder, "programs.toml"))
            for path in tables(folder):
                if stem(path) == "phrases":
                    self.phrases = read(path)
                elif stem(path) not in ("words", "programs"):
                    self.own_rows |= read(path)

    def row(self, name, key):
        """A text of the catalogue, and the language that it is in."""
        own = self.own_rows.get(name, {}).get(key)
        return (own, self.code) if own else (self.source.rows[name][key], "en")

    def program(self, id):
        """A program as it is in this language: its fields keep the English name as their first part."""
        p, own = self.source.programs[id], self.own_programs.get(id, {})
        named = p | {k: own[k] for k in PROGRAM_TEXTS if k in own}
        names = own.get("fields", [f[0] for f in p.get("fields", [])])
        named["fields"] = [(english, name, value) for (english, value), name in zip(p.get("fields", []), names)]
        named["values"] = own.get("values", {})
        return named

    def symptoms(self, id):
        """What a program shows, in which language, and what it can mean; first in this language."""
        p = self.source.programs[id]
        own = p.get(f"errors_{self.code}", [])
        both = p.get("errors", []) + self.source.families.get(p.get("family"), {}).get("errors", [])
        return [(s[0], self.code, s[1:]) for s in own] + [(s[0], "en", s[1:]) for s in both]

    def word(self, english, values=None):
        """A word of the programs' fields ("ticked") or windows ("Cancel"), in this language."""
        return (values or {}).get(english) or self.words["words"].get(english) or self.windows.get(english, english)


def languages(root):
    """English first: it is the one that all others fall back to."""
    found = os.listdir(os.path.join(root, "src", "help"))
    return ["en"] + sorted(f for f in found if len(f) == 2 and f != "en")


def long_sentences(own):
    """Sentences of our own pages that are too long to be read at a glance."""
    for path, words in leaves(own.own_words):
        for sentence in re.split(r"(?<=[.:?!;])\s+", re.sub(r"\]\(/[^)]*\)", "]", words)):
            count = len(re.findall(r"[\w@'’./-]+", sentence))
            if count > LONGEST_SENTENCE:
                yield f"src/help/{own.code}/words.toml: {'.'.join(map(str, path))} has a sentence of {count} words: {sentence}"


def problems(source, own):
    """What a language lacks, or has too much, or whose form does not fit."""
    where = f"src/help/{own.code}/"
    english = dict(leaves(read(os.path.join(source.root, "help", "en", "words.toml"))))
    words = dict(leaves(own.own_words))
    for path in sorted(set(english) - set(words), key=str):
        yield f"{where}words.toml: lacks {'.'.join(map(str, path))}"
    for path in sorted(set(words) - set(english), key=str):
        yield f"{where}words.toml: has {'.'.join(map(str, path))}, which nothing asks for"
    for word in sorted(source.window_words() ^ set(own.windows)):
        yield f"{where}words.toml: [windows] {'has' if word in own.windows else 'lacks'} {word}"
    for id, p in source.programs.items():
        mine = own.own_programs.get(id)
        if mine is None:
            yield f"{where}programs.toml: lacks [{id}]"
            continue
        for key in ("path", "note", "warning"):
            if p.get(key) and not mine.get(key):
                yield f"{where}programs.toml: [{id}] lacks {key}"
        for key in ("path", "add"):
            if [action(s)[0] for s in mine.get(key, [])] != [action(s)[0] for s in p.get(key, [])]:
                yield f"{where}programs.toml: [{id}] has other steps in {key}"
        for key in ("fields", "places"):
            if len(mine.get(key, [])) != len(p.get(key, [])):
                yield f"{where}programs.toml: [{id}] has {len(mine.get(key, []))} {key}, not {len(p.get(key, []))}"
    for id in sorted(set(own.own_programs) - set(source.programs)):
        yield f"{where}programs.toml: there is no program [{id}]"
    for name, row in source.rows.items():
        mine = own.own_rows.get(name, {})
        missing = [k for k in ROW_TEXTS if row[k] and not mine.get(k)]
        if missing:
            yield f"{where}{row['file']}.toml: [{name}] lacks {', '.join(missing)}"
        for key in ROW_TEXTS:
            if alien := placeholders(mine.get(key, "")) - placeholders(row[key]):
                yield f"{where}{row['file']}.toml: {key} of [{name}] has {', '.join(sorted(alien))}, which nothing fills"
    for name in sorted(set(own.own_rows) - set(source.rows)):
        yield f"{where}: there is no row [{name}] in the catalogue"
    yield from phrase_problems(source, own, where + "phrases.toml")


def placeholders(words):
    return set(re.findall(r"\{\w+\}", words))


def literals(path):
    """The texts in a C++ file, as they are put together."""
    with open(path, encoding="utf-8") as f:
        code = re.sub(r"^\s*(//|#include).*$", "", f.read(), flags=re.M)
    for found in re.findall(r'"(?:[^"\\\n]|\\.)*"(?:\s*"(?:[^"\\\n]|\\.)*")*', code):
        yield "".join(re.findall(r'"((?:[^"\\\n]|\\.)*)"', found))


def phrase_problems(source, own, where):
    """Sentences that nobody says any more, and some that are said and not translated."""
    said = "\n".join(text for path in glob.glob(os.path.join(source.root, "*", "*.cpp")) if not path.endswith("_test.cpp")
                     for text in literals(path))
    for english, words in own.phrases.items():
        if any(piece.strip(" `;:") not in said for piece in re.split(r"\{\w+\}|[:;] ", english)):
            yield f"{where}: nothing says `{english}`"
        if placeholders(words) != placeholders(english):
            yield f"{where}: `{english}` has other placeholders"
    for name in SENTENCES:
        for text in literals(os.path.join(source.root, name)):
            if text.endswith(".") and " " in text and text not in own.phrases:
                yield f"{where}: lacks `{text}` of {name}"
