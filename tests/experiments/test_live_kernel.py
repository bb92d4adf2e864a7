"""In a real kernel: a front end that can answer gets widgets, a program that runs notebooks gets steps for the page."""

from __future__ import annotations

import pytest
from jupyter_client.manager import start_new_kernel

CODE = """
from cincgan_tutorial import widgets
from cincgan_tutorial.unpaired import bundled_photograph
view = widgets.explore_degradation(bundled_photograph("astronaut"))
print(type(view).__name__)
if type(view).__name__ == "VBox":
    *controls, picture = view.children
    before = picture.value
    controls[0].value = 3.5
    print("redrawn", picture.value != before)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("answers", "static", "printed"),
    [(True, "0", "VBox\nredrawn True\n"), (False, "0", "Steps\n"), (True, "1", "Steps\n")],
)
def test_widgets_only_for_a_front_end_that_can_answer(
    answers: bool, static: str, printed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CINCGAN_STATIC", static)
    manager, client = start_new_kernel(kernel_name="python3")
    output: list[str] = []

    def collect(message: dict) -> None:
        if message["msg_type"] == "stream" and message["content"]["name"] == "stdout":
            output.append(message["content"]["text"])

    try:
        client.execute_interactive(CODE, allow_stdin=answers, output_hook=collect, timeout=120)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    assert "".join(output) == printed
