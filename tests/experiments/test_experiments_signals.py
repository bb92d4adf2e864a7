"""The study of signals: every snapshot scored with pairs and without, ranked, recorded and drawn."""

import dataclasses
import json
import statistics

import pytest
import torch
from scipy.stats import spearmanr

from cincgan_tutorial import figures, tables
from cincgan_tutorial.experiments import SIGNALS, Study, candidates, cleaning_scores, recorded, run_signals, signals
from cincgan_tutorial.presets import PRESETS, with_settings
from cincgan_tutorial.weights import load_weights

TINY = Study(
    "signals",
    "a question",
    dict(SIGNALS.common) | {"keep_every": 2, "first.lr": 1e-2, "first.steps": PRESETS["smoke"].first.steps},
    {"lesson": {}, "no identity": {"first.cycle_one.identity": 0}},
)


@pytest.fixture(scope="module")
def done(small_lesson, photographs, held_out, tmp_path_factory):
    """The study on smoke networks, done once; its folders."""
    folder = tmp_path_factory.mktemp("signals")
    run_signals(TINY, small_lesson, photographs, held_out, folder / "runs", folder / "results")
    return folder


def test_every_snapshot_is_scored_with_both_weights(done):
    result = recorded("signals", done / "results")
    for variant in result.data["variants"].values():
        rows = variant["checkpoints"]
        assert [(row["step"], row["weights"]) for row in rows] == [
            (step, weights) for step in (2, 4, 6) for weights in ("last", "average")
        ]
        assert len({row["psnr"] for row in rows}) == len(rows)
        assert all(value >= 0 for row in rows for name, value in row.items() if name not in ("step", "weights"))
    assert set(result.data["rho"]) == {"pooled", "lesson", "no identity"}
    assert result.data["images"] == {"x": 2, "y": 2}


def test_the_scores_are_those_of_the_final_networks(done, held_out):
    trained = load_weights(done / "runs" / "signals-lesson" / "no-identity")
    row = recorded("signals", done / "results").data["variants"]["no identity"]["checkpoints"][-1]
    assert row["psnr"] == pytest.approx(statistics.fmean(cleaning_scores(trained, held_out)["G1(x)"].values()))


def test_signals_see_the_training_photographs_and_no_held_out_one(
    done, small_lesson, photographs, held_out, monkeypatch
):
    seen = []
    real = candidates.look
    monkeypatch.setattr(candidates, "look", lambda nets, x, y: seen.append((x, y)) or real(nets, x, y))
    score = signals._scorer(small_lesson, photographs, held_out)
    score(load_weights(done / "runs" / "signals-lesson" / "lesson").nets)
    ((x, y),) = seen
    assert [image.shape[-2:] for image in x + y] == [torch.Size([18, 21])] * 4
    assert not any(a.shape == b.shape and torch.allclose(a, b, atol=0.05) for a in x for b in y)


def test_what_is_finished_is_not_trained_again(done, small_lesson, photographs, held_out, monkeypatch, tmp_path):
    monkeypatch.setattr(signals, "trained_in", lambda folder, preset, _: load_only(folder, preset))

    def load_only(folder, preset):
        assert load_weights(folder).preset == dataclasses.replace(preset, precision="fp32")
        return folder

    where = run_signals(TINY, small_lesson, photographs, held_out, done / "runs", tmp_path)
    again = json.loads((where / "result.json").read_text())["data"]
    assert again == recorded("signals", done / "results").data


def test_a_photograph_of_the_training_is_refused(done, small_lesson, photographs, tmp_path):
    with pytest.raises(ValueError, match="trained on it"):
        run_signals(TINY, small_lesson, photographs, photographs.x[:1], done / "runs", tmp_path)


def test_lr_photographs_as_they_came_are_refused_before_anything_is_trained(
    small_lesson, photographs, held_out, tmp_path
):
    given = dataclasses.replace(photographs, x_is_lr=True)
    with pytest.raises(ValueError, match="LR photographs as they came"):
        run_signals(TINY, small_lesson, given, held_out, tmp_path, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ties", [False, True])
def test_rho_is_that_of_scipy(ties):
    generator = torch.Generator().manual_seed(3)
    a, b = (torch.rand(30, generator=generator) for _ in range(2))
    if ties:
        a, b = (10 * a).round(), (5 * b).round()
    assert signals.spearman(a.tolist(), b.tolist()) == pytest.approx(spearmanr(a, b).statistic)
    assert signals.spearman([1, 1, 1], [1, 2, 3]) is None


def test_a_lower_signal_at_a_higher_psnr_is_rho_1():
    rows = [{"step": s, "weights": "last", "psnr": 20.0 + s, "a": 1 / (1 + s), "b": s, "c": 1} for s in range(5)]
    found = signals.ranks({"one": rows, "two": rows[:3]})
    assert found["pooled"] == pytest.approx({"a": 1, "b": -1, "c": None})
    assert set(found) == {"pooled", "one", "two"}


def test_its_settings_are_those_of_a_preset():
    for settings in SIGNALS.variants.values():
        preset = with_settings(PRESETS["lesson"], dict(SIGNALS.common) | dict(settings))
        assert preset.first.steps // preset.keep_every >= 20
        assert preset.validate_every == 0


def test_tables_and_figure_show_what_was_recorded(done):
    study = recorded("signals", done / "results")
    rows = [line.strip("| ").split(" | ") for line in repr(tables.of_signals(study)).splitlines()]
    assert rows[0] == ["Signal", "pooled", "lesson", "no identity"]
    assert rows[2][0] == "mismatch"
    assert rows[2][1] == f"{study.data['rho']['pooled']['mismatch']:+.2f}"
    picks = [line.strip("| ").split(" | ") for line in repr(tables.of_picks(study)).splitlines()][2:]
    for (label, variant), row in zip(study.data["variants"].items(), picks, strict=True):
        averaged = [c for c in variant["checkpoints"] if c["weights"] == "average"]
        assert row[0] == label
        assert row[2].startswith(f"{averaged[-1]['psnr']:.2f} (step 6)")
        assert row[3].startswith(f"{max(c['psnr'] for c in averaged):.2f}")
    figure = figures.signal_against_psnr(study, ("mismatch", "judge", "total"))
    assert [axes.get_title()[:5] for axes in figure.axes] == ["misma", "judge", "total"]
    assert sum(len(c.get_offsets()) for c in figure.axes[0].collections) == 12
