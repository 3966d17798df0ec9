"""If these fail, an operator reads of limits that are not so."""

import re
from pathlib import Path

import msgspec
import pytest

from chatd import metrics
from chatd.limits import Limits
from chatd.operating import pages


def test_the_page_is_fresh() -> None:
    """The published limits would be those of another version."""
    assert pages.main(["--check"]) == 0, "run: python -m chatd.operating.pages"


def test_every_limit_is_on_the_page() -> None:
    """A limit would surprise whoever runs into it."""
    names = {field.name for field in msgspec.structs.fields(Limits)}
    assert pages.BOUNDS.keys() == names
    page = pages.limits_page()
    assert all(f"| `{field.encode_name}` |" in page for field in fields())


def fields() -> tuple[msgspec.structs.FieldInfo, ...]:
    return msgspec.structs.fields(Limits)


def test_a_stale_page_is_noticed_and_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check would pass whatever the page says."""
    page = tmp_path / "docs" / "limits.md"
    monkeypatch.setattr(pages, "PAGE", page)
    assert pages.main(["--check"]) == 1
    assert not page.exists()
    assert pages.main([]) == 0
    assert pages.main(["--check"]) == 0
    page.write_text(page.read_text("utf-8").replace("16,000", "17,000"), "utf-8")
    assert pages.main(["--check"]) == 1


def test_alerts_are_about_metrics_that_exist() -> None:
    """An alert would never fire, whatever happens."""
    text = (pages.PAGE.parent / "operating.md").read_text("utf-8")
    named = set(re.findall(r"\bchatd_[a-z_]+", text)) - {"chatd_client"}
    known = {
        name
        for family in metrics.REGISTRY.collect()
        for name in (
            family.name,
            *(f"{family.name}_{end}" for end in ("total", "bucket", "sum", "count")),
        )
    }
    assert len(named) > 15
    assert named - known == set()
