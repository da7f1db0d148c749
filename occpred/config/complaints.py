"""One readable line for each mistake a user can make with a config: the key, what was given, what is allowed."""

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import Iterable
from dataclasses import fields
from enum import Enum
from types import NoneType
from typing import Any, TypeGuard, get_args, get_origin, get_type_hints

from hydra.errors import ConfigCompositionException, HydraException, MissingConfigException, OverrideParseException
from omegaconf.errors import (
    ConfigAttributeError,
    ConfigKeyError,
    ConfigTypeError,
    InterpolationResolutionError,
    MissingMandatoryValue,
    OmegaConfBaseException,
    ValidationError,
)
from yaml import MarkedYAMLError  # type: ignore[import-untyped]

from occpred.config.schemas import CONF
from occpred.errors import UserError
from occpred.settings import Settings, allowed_range

_LONGEST_QUOTE = 80


def readable(error: BaseException) -> str | None:
    """Say in one line what is wrong and what would be right; `None` where `error` is no mistake of the user."""
    match error:
        case UserError():
            return str(error)
        case MissingConfigException(missing_cfg_file=str() as given, options=list() as options):
            group, _, choice = given.rpartition("/")
            return no_such_choice(group, choice, options)
        case OverrideParseException(override=str() as given):
            return f"{given}: cannot be read, {_first_line(error)}; {_how_to_write(given.partition('=')[2])}"
        case ConfigCompositionException():
            return _composition(error)
        case OmegaConfBaseException():
            return _value(error)
        case MarkedYAMLError(problem_mark=mark) if mark is not None:
            return f"{mark.name}, line {mark.line + 1}: not valid YAML, {error.problem}"
        case HydraException():
            return _first_line(error)
        case ValueError() if _comes_from_hydra(error):
            return _choice_that_is_no_name(sys.argv[1:]) or _first_line(error)
    return None


def _how_to_write(value: str) -> str:
    if {*value[1:]} & {*"=[&$"}:
        return """a text that holds = [ & or $ is quoted twice, as in 'name="a=b"' or 'names=["a=b"]'"""
    return "an override looks like lora.rank=8"


def _value(error: OmegaConfBaseException) -> str:
    key, kind = error.full_key or str(error.key), error.object_type
    match error:
        case InterpolationResolutionError():
            return f"{key}: {_first_line(error).removeprefix('UserError raised while resolving interpolation: ')}"
        case MissingMandatoryValue():
            return f"{key}: must be given, as in {key}=VALUE"
        case ConfigAttributeError() | ConfigKeyError() if _is_settings(kind):
            return unknown_key(key, kind)
        case ConfigAttributeError() | ConfigKeyError() if kind is dict:
            return f"{key}: no such key; a new one is added by +{key}=VALUE"
        case ConfigTypeError() if _is_settings(kind):
            return f"{key}: cannot be taken away; give it another value"
        case ValidationError() if _is_settings(kind):
            return wrong_type(key, error.value, kind)
    return f"{key}: {_first_line(error)}" if key not in ("", "None") else _first_line(error)


def no_such_choice(group: str, choice: str, choices: Iterable[str]) -> str:
    """Complain about the name of a choice that the group does not have."""
    return f"{group}={choice}: no such choice{_did_you_mean(choice, choices)}; allowed: {', '.join(choices)}"


def unknown_key(key: str, kind: type[Settings]) -> str:
    """Complain about a key that the component `kind` does not have; `key` is written out from the top."""
    parent, _, name = key.rpartition(".")
    if not parent and name in _groups():
        return f"{key}: a file in {key}/ must begin with '# @package _global_'"
    names = [field.name for field in fields(kind) if not field.name.startswith("_")]  # type: ignore[arg-type]
    has = f"{parent or 'an experiment'} has {', '.join(names) or 'none'}"
    return f"{key}: no such key{_did_you_mean(name, names)}; {has}"


def wrong_type(key: str, value: Any, kind: type[Settings]) -> str:
    """Complain about a value of another type than the component `kind` declares; `key` is written out from the top."""
    name = key.rpartition(".")[2]
    field = next(field for field in fields(kind) if field.name == name)  # type: ignore[arg-type]
    wanted = get_type_hints(kind)[name]
    bounds = f", {allowed_range(field)}" if allowed_range(field) else ""
    near = _did_you_mean(str(value).upper(), wanted.__members__) if _is_enum(wanted) else ""
    return f"{key}={_quoted(value)}: must be {_described(wanted)}{bounds}{near}"


_WORDS = {int: "a whole number", float: "a number", bool: "true or false", str: "text", NoneType: "null"}


def _described(kind: Any) -> str:
    if kind in _WORDS:
        return _WORDS[kind]
    if _is_enum(kind):
        return f"one of {', '.join(kind.__members__)}"
    if _is_settings(kind):
        names = [field.name for field in fields(kind)]  # type: ignore[arg-type]
        return f"keys and values, with keys of {', '.join(names)}"
    if get_origin(kind) is list:
        return "a list such as [a,b]"
    if get_origin(kind) is dict:
        return "keys and values such as {a: 1}"
    return " or ".join(map(_described, get_args(kind)))


def _is_enum(kind: Any) -> TypeGuard[type[Enum]]:
    return isinstance(kind, type) and issubclass(kind, Enum)


def _is_settings(kind: Any) -> TypeGuard[type[Settings]]:
    return isinstance(kind, type) and issubclass(kind, Settings)


def _composition(error: ConfigCompositionException) -> str:
    first = _first_line(error)
    quoted = first.split("'")[1::2]
    cause = error.__cause__ or error.__context__
    if isinstance(cause, OmegaConfBaseException):
        return _value(cause) + (f" (in {quoted[0]}.yaml)" if first.startswith("In '") else "")
    if asker := re.match(r"Could not override 'chat@(\w+)\.chat'", first):
        return f"{quoted[0]}: {asker[1]} has no chat model; say {asker[1]}=endpoint as well"
    if first.startswith("Ambiguous value"):
        return f"{quoted[0]}: to run it for each of several values add -m; a list is written as [a,b]"
    return first.rstrip(".") + (_did_you_mean(quoted[-1], _groups()) if quoted and quoted[-1] not in _groups() else "")


def _choice_that_is_no_name(arguments: Iterable[str]) -> str | None:
    """Find the `teacher=null` or `lora=3` that Hydra refuses without saying which it was."""
    for group, _, choice in (argument.lstrip("+").partition("=") for argument in arguments):
        choices = sorted(file.stem for file in (CONF / group).glob("*.yaml")) if group in _groups() else []
        if choices and choice not in choices:
            return no_such_choice(group, choice, choices)
    return None


def _groups() -> list[str]:
    return sorted(path.name for path in CONF.iterdir() if path.is_dir())


def _comes_from_hydra(error: BaseException) -> bool:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and trace.tb_frame.f_globals["__name__"].startswith("hydra.")


def _did_you_mean(given: str, allowed: Iterable[str]) -> str:
    close = difflib.get_close_matches(given, list(allowed), n=1)
    return f", did you mean {close[0]}?" if close else ""


def _quoted(value: Any) -> str:
    text = "null" if value is None else str(value)
    return text if len(text) <= _LONGEST_QUOTE else f"{text[:_LONGEST_QUOTE]}…"


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0]
