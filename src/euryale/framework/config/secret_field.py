"""``Secret`` as a field of a pydantic model."""

from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from euryale.kit.secret import REDACTED, Secret


class _SecretSchema:
    """Teaches pydantic to read a string as a ``Secret`` and never to write it."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        from_text = core_schema.no_info_after_validator_function(Secret, core_schema.str_schema(strict=True))
        return core_schema.json_or_python_schema(
            json_schema=from_text,
            python_schema=core_schema.union_schema([core_schema.is_instance_schema(Secret), from_text]),
            serialization=core_schema.plain_serializer_function_ser_schema(lambda _: REDACTED, when_used="json"),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "string", "format": "password", "writeOnly": True}


SecretField = Annotated[Secret, _SecretSchema]
"""The type of a settings or request field that holds a secret.

It accepts a string or a ``Secret``, is a ``Secret`` afterwards, and is written as ``[redacted]`` to JSON.
"""
