"""What the generators of C++ tables share."""
import json
import os


def literal(text):
    """A string of C++."""
    return json.dumps(text, ensure_ascii=False)


def identifier(name):
    """The C++ name of a rule of the catalogue."""
    return "catalogue::rules::" + name.replace("-", "_")


class arrays:
    """Arrays that the tables point to: constants of an anonymous namespace, the same one once."""

    def __init__(self):
        self.lines, self.names = [], {}

    def span(self, kind, values):
        """An expression for a span over `values`, which are expressions."""
        if not values:
            return "{}"
        key = kind, tuple(values)
        if key not in self.names:
            self.names[key] = f"list_{len(self.names)}"
            self.lines.append(f"constexpr {kind} {self.names[key]}[]{{{', '.join(values)}}};")
        return self.names[key]

    def strings(self, texts):
        return self.span("std::string_view", [literal(t) for t in texts])


# What a step of a way through a program can be, besides a word of its menu: "press:OK".
ACTIONS = {"tab", "press", "open", "choose", "tick", "select", "enter", "go", "save", "makers", "picture"}


def action(step):
    """The kind of a step ("menu": a word of the menu) and its words."""
    kind, colon, words = step.partition(":")
    return (kind, words) if colon and kind in ACTIONS else ("menu", step)


def write(out, name, lines):
    path = os.path.join(out, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write("\n".join(lines) + "\n")
