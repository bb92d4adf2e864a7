"""``--help``: enough to act on. And every option is explained, with its default where it has one."""

import argparse

import pytest

from cincgan_tutorial import cli
from cincgan_tutorial.presets import PRESETS

COMMANDS = ("check", "train", "resume", "evaluate", "study", "upscale", "download", "grade")


def parsers() -> dict[str, argparse.ArgumentParser]:
    (commands,) = (a for a in cli._parser()._actions if isinstance(a, argparse._SubParsersAction))
    return dict(commands.choices)


def options() -> list[tuple[str, argparse.Action]]:
    return [(name, action) for name, parser in parsers().items() for action in parser._actions]


def help_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as stopped:
        cli.main([*arguments, "--help"])
    assert stopped.value.code == 0
    return " ".join(capsys.readouterr().out.split())


def test_the_first_help_lists_every_command_and_shows_whole_commands(capsys):
    text = help_of(capsys)
    assert set(parsers()) == set(COMMANDS)
    for name in COMMANDS:
        assert f" {name} " in text
    for example in ("upscale photo.jpg --out", "train --preset lesson --run", "evaluate --weights"):
        assert f"python -m cincgan_tutorial {example}" in text


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_shows_a_command_to_type(capsys, name):
    assert f"cincgan_tutorial {name} " in help_of(capsys, name)


@pytest.mark.parametrize(("name", "option"), options(), ids=lambda value: getattr(value, "dest", value))
def test_every_option_is_explained_with_its_default(name, option):
    assert option.help
    given = option.default not in (None, argparse.SUPPRESS, False, [])
    if given:
        several = isinstance(option.default, list)
        shown = " ".join(map(str, option.default)) if several else str(option.default)
        assert shown in option.help, f"{name} {option.option_strings}: the default {shown} is not said"


@pytest.mark.parametrize("name", ["train", "study"])
def test_the_presets_are_listed(capsys, name):
    text = help_of(capsys, name)
    assert all(preset in text for preset in PRESETS)


def test_the_examples_of_the_help_are_valid_commands(capsys):
    """Each one is understood by the parser."""
    text = cli._parser().description or ""
    commands = [
        line.split("cincgan_tutorial", 1)[1].split("  ")[0].split() for line in text.splitlines() if "-m" in line
    ]
    assert len(commands) == 3
    for command in commands:
        assert cli._parser().parse_args(command).command.run


@pytest.mark.parametrize("arguments", [[], ["enlarge"], ["train"], ["upscale", "a.png"], ["evaluate", "--seed", "x"]])
def test_a_command_that_can_not_be_understood_ends_with_2_and_the_usage(capsys, arguments):
    with pytest.raises(SystemExit) as stopped:
        cli.main(arguments)
    assert stopped.value.code == 2
    assert "usage: cincgan" in capsys.readouterr().err
