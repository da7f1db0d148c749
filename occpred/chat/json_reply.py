"""One filled-in form, as JSON: telling a server what it looks like, and finding it in what a model says."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from occpred.chat.request import ReplyForm
from occpred.prompts import plain

if TYPE_CHECKING:
    from pydantic import BaseModel

Form = TypeVar("Form", bound="BaseModel")

_ENFORCEABLE = ("type", "description", "enum", "const", "properties", "required", "items", "anyOf", "$ref", "$defs")
"""What servers that follow a schema strictly have in common. The rest, such as ranges, is checked here all the same."""
_TOKEN = re.compile(r'[{}]|"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
"""A brace, or a whole string, whose braces do not count."""
_LONGEST_NAME = 40
_LONGEST_NUMBER = 20


class MalformedReplyError(Exception):
    """A reply that cannot be used. The message says why, shortly, and may be shown to the model."""


def read_json(text: str, form: type[Form]) -> Form:
    """Find the JSON object in `text` and read it as a `form`.

    Around the object there may be anything: words, a fence, other objects that do not fit. An object inside another one
    or inside a string is never taken for the reply, since it may be a quotation of data.

    Args:
        text: what a model said; untrusted. The time taken grows in proportion to its length.
        form: what is asked for, in the strictness that it sets for itself.

    Raises:
        MalformedReplyError: no object fits, or several do that differ.
    """
    reply: Form | None = None
    why = "there is no JSON object in it"
    for found in _objects(text):
        try:
            fitting = _read(found, form)
        except MalformedReplyError as error:
            why = str(error)
            continue
        if reply is not None and fitting != reply:
            raise MalformedReplyError("it holds several JSON objects that differ; give only one")
        reply = fitting
    if reply is None:
        raise MalformedReplyError(why)
    return reply


def _objects(text: str) -> Iterator[str]:
    """The outermost pairs of braces with what they enclose, and what an opening brace without a partner begins."""
    start = text.find("{")
    while start >= 0:
        depth, end = 0, len(text)
        for token in _TOKEN.finditer(text, start):
            depth += {"{": 1, "}": -1}.get(token[0], 0)
            if depth == 0:
                end = token.end()
                break
        yield text[start:end]
        start = text.find("{", end)


def _read(found: str, form: type[Form]) -> Form:
    from pydantic import ValidationError

    try:
        value = json.loads(
            found, object_pairs_hook=_each_once, parse_int=_whole, parse_float=_finite, parse_constant=_no_number
        )
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno} of the object"
        raise MalformedReplyError(f"it is not valid JSON: {error.msg} ({where})") from error
    except RecursionError as error:
        raise MalformedReplyError("it is not valid JSON: nested too deeply") from error
    except ValueError as error:
        raise MalformedReplyError(f"it is not valid JSON: {error}") from error
    try:
        # As JSON rather than as Python's values: only so a list may be a tuple, or a text an enumeration.
        return form.model_validate_json(json.dumps(value))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        field = ".".join(plain(str(step))[:_LONGEST_NAME] for step in first["loc"])
        raise MalformedReplyError(f"{field}: {first['msg']}" if field else first["msg"]) from error


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ValueError("a field is given twice")
    return fields


def _whole(number: str) -> int:
    if len(number) > _LONGEST_NUMBER:
        raise ValueError("a number is too large")
    return int(number)


def _finite(number: str) -> float:
    value = float(number)
    if math.isinf(value):
        raise ValueError("a number is too large")
    return value


def _no_number(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a number")


def reply_form(form: type[BaseModel], name: str) -> ReplyForm:
    """The JSON schema of `form` in the subset that servers enforce: every field is required, and no other is allowed.

    Args:
        form: fields with neither ranges nor defaults can be enforced in full; those of others are left out of the
            schema. `Literal` takes the place of a range.
        name: what servers call the schema: letters, digits and `_`.

    Raises:
        TypeError: a field cannot be enforced, such as a dictionary with names of the model's choice.
    """
    return ReplyForm(name, _strict(form.model_json_schema(), form))


def _strict(schema: Mapping[str, Any], form: type[BaseModel]) -> dict[str, Any]:
    if "$ref" in schema:
        return {"$ref": schema["$ref"]}  # servers refuse anything beside it
    strict = {keyword: schema[keyword] for keyword in _ENFORCEABLE if keyword in schema}
    for named in ("properties", "$defs"):
        if named in strict:
            strict[named] = {name: _strict(part, form) for name, part in strict[named].items()}
    if "items" in strict:
        strict["items"] = _strict(strict["items"], form)
    if "anyOf" in strict:
        strict["anyOf"] = [_strict(part, form) for part in strict["anyOf"]]
    if strict.get("type") == "object":
        strict |= {"required": list(strict.get("properties", {})), "additionalProperties": False}
    if not _is_enforceable(schema, strict):
        raise TypeError(f"{form.__name__}: a server cannot be made to keep to {json.dumps(schema)}")
    return strict


def _is_enforceable(schema: Mapping[str, Any], strict: Mapping[str, Any]) -> bool:
    match strict.get("type"):
        case "object":
            return "properties" in strict and schema.get("additionalProperties", False) is False
        case "array":
            return "items" in strict and "prefixItems" not in schema
        case None:
            return not strict.keys().isdisjoint(("enum", "const", "anyOf"))
        case _:
            return True
