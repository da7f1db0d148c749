"""The forms of JSON lines about people. The components that read them say what their fields mean."""

from __future__ import annotations

from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from occpred.careers.source import RowError

Form = TypeVar("Form", bound="JsonForm")
Mark = Annotated[int, Field(ge=1, le=5)] | None

_LONGEST_QUOTE = 40


class JsonForm(BaseModel):
    """The fields of a JSON object; others, and wrong types, are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class JsonEducation(JsonForm):
    """One education."""

    degree: str
    field: str = ""
    institution: str = ""
    start: str | None = None
    end: str | None = None


class JsonPosition(JsonForm):
    """One job."""

    title: str = ""
    occupation_code: str | None = None
    employer: str = ""
    start: str | None = None
    end: str | None = None
    description: str = ""


class JsonHistory(JsonForm):
    """A career up to some day, oldest entries first, and whose it is."""

    name: str = ""
    education: tuple[JsonEducation, ...] = ()
    positions: tuple[JsonPosition, ...]


class JsonPerson(JsonHistory):
    """A whole career."""

    person_id: str


class JsonLabel(JsonForm):
    """A marked reason."""

    label_id: str
    history: JsonHistory
    reason: str
    occupation: str = ""
    occupation_code: str | None = None
    factuality: Mark = None
    coherence: Mark = None
    utility: Mark = None


def parse(content: bytes, form: type[Form]) -> Form:
    """Read a line as a JSON object of the given form. Raises `RowError` where it is none."""
    try:
        return form.model_validate_json(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise RowError("wrong encoding", f"byte {error.start + 1} of the line is not UTF-8") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        if first["type"] == "json_invalid":
            raise RowError("broken JSON", first["msg"].removeprefix("Invalid JSON: ")) from error
        raise RowError("wrong form", f"{_spoken(first['loc'])}: {first['msg']}") from error


def _spoken(location: tuple[int | str, ...]) -> str:
    steps = (f"[{step}]" if isinstance(step, int) else f".{step[:_LONGEST_QUOTE]}" for step in location)
    return "".join(steps).removeprefix(".") or "the line"
