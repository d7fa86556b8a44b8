"""Dialogs of mail programs, drawn from the names and values of their fields: SVG without any style of its own.

Text stays text: it can be selected, read aloud and translated, and the reader's values stand in it."""
from .marking import attribute, slot, text

WIDTH = 440
LEFT = 46       # of the fields; in front of them stand the numbers
INNER = WIDTH - LEFT - 18
LETTER = 7.4    # the width of a letter, on average, in the size that the style sheet sets
LINE = 19


def wrapped(words, width):
    """Lines that fit, broken at blanks."""
    most, lines = max(8, int(width / LETTER)), [""]
    for word in words.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > most:
            lines.append("")
        lines[-1] += (" " if lines[-1] else "") + word
    return lines


class picture:
    """One dialog, drawn from top to bottom."""

    def __init__(self, kind):
        self.kind, self.parts, self.y = kind, [], 0

    def lines(self, x, words, width, css):
        """Writes lines under each other; they begin at y, which moves on."""
        for line in wrapped(words, width):
            self.y += LINE
            self.parts.append(f'<text class="{css}" x="{x}" y="{self.y - 5}">{text(line)}</text>')

    def title(self, words):
        self.y = 0
        middle = self.kind == "phone"
        self.parts.append(f'<path class="bar" d="M0 12a12 12 0 0 1 12-12h{WIDTH - 24}a12 12 0 0 1 12 12v28h-{WIDTH}z"/>')
        most = int((WIDTH - 90) / LETTER)
        shown = words if len(words) <= most else words[:most - 1] + "…"
        x, anchor = (WIDTH / 2, ' text-anchor="middle"') if middle else (16, "")
        self.parts.append(f'<text class="title" x="{x:g}" y="25"{anchor}>{text(shown)}</text>')
        if middle:
            self.parts.append('<path class="glyph" d="M24 13l-7 7 7 7"/>')
        else:
            self.parts.append(f'<path class="glyph" d="M{WIDTH - 27} 15l10 10m0-10l-10 10"/>')
        self.y = 52

    def tabs(self, tabs):
        """The tabs of a dialog, each its name and whether it is the one shown; more than one row where they don't fit."""
        x, top = 14, self.y
        for name, current in tabs:
            width = len(name) * 7.6 + 14
            if x + width > WIDTH - 10 and x > 14:
                x, top = 14, top + 30
            css = "tab current" if current else "tab"
            self.parts.append(f'<rect class="{css}" x="{x:g}" y="{top}" width="{width:g}" height="26" rx="4"/>')
            self.parts.append(f'<text class="tab-name" x="{x + 8:g}" y="{top + 18}">{text(name)}</text>')
            x += width + 6
        self.y = top + 44

    def number(self, n, y, marked):
        css = "number marked" if marked else "number"
        self.parts.append(f'<circle class="{css}" cx="24" cy="{y}" r="11"/>')
        self.parts.append(f'<text class="{css}" x="24" y="{y + 5}" text-anchor="middle">{n}</text>')

    def heading(self, words):
        self.lines(LEFT, words, INNER, "title")
        self.y += 10

    def row(self, name, state):
        """A line of a test that went well."""
        self.parts.append(f'<path class="well" d="M20 {self.y + 10}l5 6 10-11"/>')
        self.lines(LEFT, name, INNER, "label")
        self.lines(LEFT, state, INNER, "state")
        self.y += 8

    def buttons(self, names, pressed):
        """Buttons at the right, in as many rows as they need."""
        rows, room = [[]], WIDTH - 28
        for name in names:
            width = len(name) * 7.4 + 24
            if width > room and rows[-1]:
                rows.append([])
                room = WIDTH - 28
            rows[-1].append((name, width))
            room -= width + 8
        for row in filter(None, rows):
            x = WIDTH - 14 - sum(width + 8 for _, width in row) + 8
            for name, width in row:
                css = "push pressed" if name == pressed else "push"
                self.parts.append(f'<rect class="{css}" x="{x:g}" y="{self.y}" width="{width:g}" height="28" rx="5"/>')
                self.parts.append(f'<text class="{css}" x="{x + width / 2:g}" y="{self.y + 19}" text-anchor="middle">{text(name)}</text>')
                x += width + 8
            self.y += 36

    def field(self, n, kind, name, value, marked, hint=""):
        """A field with its number; `value` is HTML with slots, or whether a box is ticked; `hint`: what the empty field
        says."""
        top = self.y
        if kind in ("tick", "choice", "switch"):
            self.two_ways(kind, name, value)
        else:
            self.lines(LEFT, name, INNER, "label")
            box = self.y + 3
            self.parts.append(f'<rect class="box" x="{LEFT}" y="{box}" width="{INNER}" height="32" rx="5"/>')
            if kind == "password":
                value = "••••••••••"
            # What is too long for its box is cut off by the inner picture; the list below says it in full.
            self.parts.append(f'<svg x="{LEFT}" y="{box}" width="{INNER - (90 if hint else 28)}" height="32">'
                              f'<text class="entry" x="10" y="21">{value}</text></svg>')
            if hint:
                self.parts.append(f'<text class="hint" x="{LEFT + INNER - 10}" y="{box + 21}" text-anchor="end">{text(hint)}</text>')
            elif kind == "list":
                x = LEFT + INNER - 22
                self.parts.append(f'<path class="glyph" d="M{x} {box + 13}l6 7 6-7"/>')
            self.y = box + 32
        height = self.y - top
        self.number(n, top + (height / 2 if kind in ("tick", "choice", "switch") else height - 16), marked)
        if marked:
            self.parts.append(f'<rect class="mark" x="5" y="{top - 5}" width="{WIDTH - 10}" height="{height + 12:g}" rx="8"/>')
        self.y += 24 if marked else 18

    def two_ways(self, kind, name, on):
        top, css = self.y, kind + (" on" if on else "")
        if kind == "switch":
            self.lines(LEFT, name, INNER - 60, "label")
            x, y = LEFT + INNER - 46, top
            self.parts.append(f'<rect class="{css}" x="{x}" y="{y}" width="44" height="24" rx="12"/>')
            self.parts.append(f'<circle class="knob" cx="{x + (32 if on else 12)}" cy="{y + 12}" r="9"/>')
        else:
            self.lines(LEFT + 30, name, INNER - 30, "label")
            if kind == "tick":
                self.parts.append(f'<rect class="{css}" x="{LEFT}" y="{top}" width="20" height="20" rx="3"/>')
                if on:
                    self.parts.append(f'<path class="sign" d="M{LEFT + 4} {top + 10}l4 5 8-10"/>')
            else:
                self.parts.append(f'<circle class="{css}" cx="{LEFT + 10}" cy="{top + 10}" r="10"/>')
                if on:
                    self.parts.append(f'<circle class="dot" cx="{LEFT + 10}" cy="{top + 10}" r="5"/>')
        self.y = max(self.y, top + 22)

    def html(self, id, title, description):
        height = self.y + 6
        frame = f'<rect class="frame" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1:g}" rx="12"/>'
        sheet = f'<rect class="sheet" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1:g}" rx="12"/>'
        return (f'<svg class="dialog" viewBox="0 0 {WIDTH} {height:g}" role="img" aria-labelledby="{id}-title" '
                f'aria-describedby="{id}-description"><title id="{id}-title">{attribute(title)}</title>'
                f'<desc id="{id}-description">{attribute(description)}</desc>{sheet}{"".join(self.parts)}{frame}</svg>')
