"""Values that fit a JSON schema, drawn at random."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

TEXT = (
    "steady experience patient care ledger growth of teams and tools for people in schools with new duties after "
    "training on site towards planning research support design sales budgets clients safety quality"
)
WORDS = TEXT.split()


def words(count: int, draw: random.Random) -> str:
    """So many words."""
    return " ".join(draw.choices(WORDS, k=count))


def fitting(schema: Mapping[str, Any], draw: random.Random, definitions: Mapping[str, Any] | None = None) -> Any:
    """A value that fits `schema`: what pydantic writes for records of plain values, lists and other records."""
    definitions = definitions or schema.get("$defs", {})
    match schema:
        case {"$ref": str(reference)}:
            return fitting(definitions[reference.rpartition("/")[2]], draw, definitions)
        case {"const": value}:
            return value
        case {"enum": choices}:
            return draw.choice(choices)
        case {"anyOf": choices}:
            return fitting(draw.choice(choices), draw, definitions)
        case {"type": "object"}:
            drawn = {name: fitting(part, draw, definitions) for name, part in schema.get("properties", {}).items()}
            # A count that stands beside the list it counts, which a schema cannot say.
            counts = {f"{name[:-1]}_count": len(value) for name, value in drawn.items() if isinstance(value, list)}
            return drawn | {name: count for name, count in counts.items() if name in drawn}
        case {"type": "array"}:
            least = schema.get("minItems", 0)
            count = draw.randint(least, schema.get("maxItems", least + 2))
            return [fitting(schema["items"], draw, definitions) for _ in range(count)]
        case {"type": "integer"}:
            return draw.randint(schema.get("minimum", 0), schema.get("maximum", 9))
        case {"type": "number"}:
            return draw.uniform(schema.get("minimum", 0), schema.get("maximum", 1))
        case {"type": "boolean"}:
            return draw.random() < 0.5
        case {"type": "null"}:
            return None
        case {"type": "string"}:
            return words(max(6, schema.get("minLength", 0)), draw)[: schema.get("maxLength")]
    raise ValueError(f"no value is known to fit {schema}")
