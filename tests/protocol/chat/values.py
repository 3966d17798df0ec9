"""Plain JSON values of any contract type: examples, and random ones for hypothesis."""

from base64 import b64encode
from typing import Any

import msgspec
from hypothesis import strategies as st
from msgspec import inspect as mi

from chatd_protocol.chat import events
from chatd_protocol.chat.errors import Problem
from chatd_protocol.chat.methods import METHODS
from chatd_protocol.chat.routes import ROUTES

CONTRACT: dict[str, type] = {
    struct.__name__: struct
    for struct in (
        *(row.request for row in METHODS),
        *(row.result for row in METHODS),
        *(row.request for row in ROUTES),
        *(row.result for row in ROUTES),
        *events.Event.__args__,
        Problem,
    )
}
"""Every type that stands alone on the wire, by name."""

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


def values_of(struct: type) -> st.SearchStrategy[Any]:
    """Random JSON values that `struct` can be read from."""
    return _strategy(mi.type_info(struct))


def _strategy(kind: mi.Type) -> st.SearchStrategy[Any]:
    match kind:
        case mi.Metadata():
            return _strategy(kind.type)
        case mi.StructType():
            return _struct(kind)
        case mi.UnionType():
            return st.one_of(
                [_strategy(t) for t in kind.types if not isinstance(t, mi.NoneType)]
            )
        case mi.VarTupleType() | mi.ListType():
            least = kind.min_length or 0
            return st.lists(
                _strategy(kind.item_type), min_size=least, max_size=least + 2
            )
        case mi.DictType():
            keys = st.text("abc-9", min_size=1, max_size=5)
            return st.dictionaries(keys, _strategy(kind.value_type), max_size=2)
    return _leaf(kind)


def _leaf(kind: mi.Type) -> st.SearchStrategy[Any]:
    match kind:
        case mi.LiteralType():
            return st.sampled_from(kind.values)
        case mi.BoolType():
            return st.booleans()
        case mi.IntType():
            low = -(2**31) if kind.ge is None else kind.ge
            return st.integers(low, 2**53 - 1 if kind.le is None else kind.le)
        case mi.BytesType():
            return st.binary(max_size=9).map(lambda raw: b64encode(raw).decode())
        case mi.StrType() if kind.pattern:
            return st.sampled_from(["00:00", "08:30", "24:00"])
        case mi.StrType():
            least = kind.min_length or 0
            return TEXTS.map(lambda text: text.ljust(least, "x"))
    return st.none() | st.integers(0, 9) | st.text("xyz", max_size=3)


def _struct(kind: mi.StructType) -> st.SearchStrategy[Any]:
    fields = {field.encode_name: _strategy(field.type) for field in kind.fields}
    needed = {field.encode_name for field in kind.fields if field.required}
    tag = {kind.tag_field: st.just(kind.tag)} if kind.tag_field else {}
    return st.fixed_dictionaries(
        tag | {name: made for name, made in fields.items() if name in needed},
        optional={name: made for name, made in fields.items() if name not in needed},
    )


def canonical(value: object) -> object:
    """What a value says on the wire."""
    return msgspec.json.decode(msgspec.json.encode(value))
