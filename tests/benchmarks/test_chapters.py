"""What a chapter takes is measured in its own kernel."""

import pytest
from helpers import ROOT

CHAPTER = """\
# A chapter

```{code-cell} ipython3
import os

assert (os.environ["CINCGAN_PRESET"], os.environ["OMP_NUM_THREADS"]) == ("smoke", "1")
filled = bytearray(%d * 10**6)
filled[:] = b"1" * len(filled)
```
"""
HEADER = """\
---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
    format_version: 0.13
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

"""


@pytest.mark.slow
def test_a_chapter_is_measured_in_its_own_kernel(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    from chapters import measured

    found = []
    for name, megabytes in (("06_training", 10), ("07_other", 400)):
        path = tmp_path / f"{name}.md"
        path.write_text(HEADER + CHAPTER % megabytes, "utf-8")
        found.append(measured(path))
    assert [one["preset"] for one in found] == ["smoke", "any"]
    assert all(one["seconds"] >= 0 for one in found)
    assert found[1]["peak_MB"] - found[0]["peak_MB"] > 350
