"""Fixtures for every test: photographs of different kinds, networks, and one finished run."""

import os

# Before torch looks for one. Bits and counts of the tests are those of a CPU; processes that they start inherit this.
if not os.environ.get("CINCGAN_TEST_GPU"):
    os.environ["CUDA_VISIBLE_DEVICES"] = ""

import pytest
import torch
from helpers import data_folder, noise, soft_image, write_photographs

from cincgan_tutorial.architectures import Networks
from cincgan_tutorial.degradation import correlate
from cincgan_tutorial.presets import PRESETS
from cincgan_tutorial.training import train
from cincgan_tutorial.unpaired import bundled_photographs, folder_of_photographs

# Networks of tests are so small that a second thread costs more than it saves.
torch.set_num_threads(1)


@pytest.fixture(scope="session")
def data():
    """The folder of photographs that CINCGAN_DATA names, else ../shared/data beside the repository."""
    folder = data_folder()
    if folder is None:
        pytest.skip("no photographs: set CINCGAN_DATA to the folder of training and test photographs")
    return folder


@pytest.fixture(scope="session")
def bundled():
    return bundled_photographs()


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """Four small photographs in a folder without a split.csv; tests must not change it."""
    return write_photographs(tmp_path_factory.mktemp("photographs"))


@pytest.fixture(scope="session")
def photographs(folder):
    return folder_of_photographs(folder)


@pytest.fixture
def smoke():
    return PRESETS["smoke"]


@pytest.fixture
def nets(smoke):
    """Fresh smoke networks, the test's own."""
    return Networks.from_preset(smoke)


@pytest.fixture(scope="session")
def paper_nets():
    """The networks of the paper; tests must not train them."""
    return Networks.from_preset(PRESETS["paper"]).eval()


@pytest.fixture(scope="session")
def finished_run(photographs, tmp_path_factory):
    """A run of all three stages at smoke that nothing disturbed; tests must not change it.

    With one thread (see above), as the runs that are compared with it: bits depend on their number.
    """
    return train(PRESETS["smoke"], photographs, tmp_path_factory.mktemp("runs") / "undisturbed", command="test")


@pytest.fixture
def clean():
    """Two clean images, for what judges them without pairs."""
    return [soft_image(48, 56, seed) for seed in range(2)]


@pytest.fixture
def noisy(clean):
    """The same with noise that neighbours share."""
    return [image + correlate(noise(image, 0.04)) for image in clean]
