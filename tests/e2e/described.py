"""Answers of the API against their description, src/web/openapi.json: the status, and the body, of which nothing may go
unsaid. Knows as much of JSON Schema as the description uses."""
import datetime
import json
import re
import urllib.parse

from harness import ROOT

ANYWHERE = {"408", "413", "431", "500"}  # what can become of any request stands in the description's introduction
KINDS = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": (int, float), "null": type(None)}
KNOWN = {"$ref", "type", "properties", "required", "additionalProperties", "items", "enum", "oneOf", "allOf", "format", "minimum",
         "maximum", "minLength", "maxLength", "maxItems", "description", "examples", "default"}


class Description:
    def __init__(self):
        self.document = json.loads((ROOT / "src/web/openapi.json").read_text())
        self.operations = {(method.upper(), path): what for path, methods in self.document["paths"].items()
                           for method, what in methods.items()}

    def route_of(self, method, path):
        """The template that such a path belongs to; of several the one with the fewest names in it."""
        parts = path.split("?")[0].split("/")

        def fits(template):
            wanted = template.split("/")
            return len(wanted) == len(parts) and all(w == urllib.parse.unquote(p) or (w.startswith("{") and p)
                                                     for w, p in zip(wanted, parts))
        found = [template for m, template in self.operations if m == method and fits(template)]
        return min(found, key=lambda template: template.count("{"), default=None)

    def resolved(self, part):
        while "$ref" in part:
            at = self.document
            for name in part["$ref"].removeprefix("#/").split("/"):
                at = at[name]
            part = at
        return part

    def wrong_with(self, method, path, status, content):
        """What an answer has that was not described, or lacks."""
        route = self.route_of(method, path)
        if route is None:
            return [] if status in (400, 404, 405) else [f"{status}, and there is no such route"]
        responses = self.operations[method, route]["responses"]
        if str(status) not in responses:
            return [] if str(status) in ANYWHERE else [f"{status} is not described"]
        body = self.resolved(responses[str(status)]).get("content")
        if body is None:
            return [] if content is None else ["a body, and none is described"]
        return list(self.faults(body["application/json"]["schema"], content, "the answer"))

    def faults(self, schema, value, at):
        schema = self.resolved(schema)
        assert set(schema) <= KNOWN, f"a word that is not known here: {set(schema) - KNOWN}"
        if "oneOf" in schema:
            tried = [list(self.faults(one, value, at)) for one in schema["oneOf"]]
            if [] not in tried:
                yield from min(tried, key=len)
            return
        if "allOf" in schema:
            parts = [self.resolved(one) for one in schema["allOf"]]
            schema = {"type": "object", "properties": {k: v for p in parts for k, v in p["properties"].items()},
                      "required": [name for p in parts for name in p.get("required", [])]}
        kinds = schema.get("type", list(KINDS))
        kinds = [kinds] if isinstance(kinds, str) else kinds
        is_kind = [kind for kind in kinds if isinstance(value, KINDS[kind])
                   and not (isinstance(value, bool) and kind in ("integer", "number"))]
        if not is_kind:
            yield f"{at} is {value!r}, no {' or '.join(kinds)}"
        elif "enum" in schema and value not in schema["enum"]:
            yield f"{at} is {value!r}, none of {schema['enum']}"
        elif isinstance(value, dict):
            yield from self.faults_of_object(schema, value, at)
        elif isinstance(value, list):
            for n, one in enumerate(value):
                yield from self.faults(schema.get("items", {}), one, f"{at}[{n}]")
        elif isinstance(value, str):
            if schema.get("format") == "date-time" and not is_time(value):
                yield f"{at} is {value!r}, no time"
        elif is_kind[0] in ("integer", "number") and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
            yield f"{at} is {value}, out of its bounds"

    def faults_of_object(self, schema, value, at):
        known = schema.get("properties", {})
        further = schema.get("additionalProperties", False if known else {})
        for name in schema.get("required", []):
            if name not in value:
                yield f"{at} has no {name}"
        for name, one in value.items():
            if name in known:
                yield from self.faults(known[name], one, f"{at}.{name}")
            elif further is False:
                yield f"{at}.{name} is not described"
            elif further is not True:
                yield from self.faults(further, one, f"{at}.{name}")


def is_time(text):
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", text):
        return False
    datetime.datetime.fromisoformat(text[:19])
    return True
