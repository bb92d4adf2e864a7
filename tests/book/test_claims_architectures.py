"""What chapter 5 says of sizes holds for the networks of the paper's sizes."""

import pytest
import torch

from cincgan_tutorial.architectures import Networks, parameter_count
from cincgan_tutorial.presets import PRESETS


@pytest.fixture(scope="module")
def counts():
    with torch.device("meta"):
        nets = Networks.of_sizes(PRESETS["paper"])
    return {name: parameter_count(network) for name, network in nets.named_children()}


def test_sr_has_several_times_as_many_parameters_as_the_other_five_together(counts):
    assert counts["SR"] > 5 * sum(count for name, count in counts.items() if name != "SR")


def test_both_judges_have_equally_many(counts):
    assert counts["D1"] == counts["D2"]
