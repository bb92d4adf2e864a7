"""The book's public address: read from `_config.yml`, copied to every place that needs it, and checked.

`_config.yml` holds the address and the branch or tag that readers get. From these follow the line that installs the
library on Colab (first code cell of each notebook), the Colab links of the README, and `repository-code` in
CITATION.cff. Each of these is a copy because it is read where `_config.yml` is not at hand.

    python book/_ext/public_address.py write    # `make address`
    python book/_ext/public_address.py check    # `make publish-check`
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
PLACEHOLDER_OWNER = "OWNER"

_INSTALL = re.compile(r'git\+https://[^\s"\\@]+@[^\s"\\]+')
_README_BLOCK = re.compile(r"(<!-- address: begin -->\n).*?(<!-- address: end -->)", re.DOTALL)
_CITATION_LINE = re.compile(r"^repository-code:.*\n", re.MULTILINE)


@dataclass(frozen=True)
class Address:
    """Where the public finds the book: a GitHub repository, and the branch or tag that is read."""

    url: str
    branch: str

    @property
    def is_placeholder(self) -> bool:
        """Whether the address has still to be set."""
        return self.url.split("/")[3] == PLACEHOLDER_OWNER

    @property
    def install(self) -> str:
        """What pip installs on Colab."""
        return f"git+{self.url}@{self.branch}"

    def colab(self, notebook: str) -> str:
        """Address that opens a notebook, given by its path in the repository, on Colab."""
        path = self.url.removeprefix("https://github.com/")
        return f"https://colab.research.google.com/github/{path}/blob/{self.branch}/{notebook}"


def read_address(root: Path = ROOT) -> Address:
    """Read and check the address in `_config.yml`."""
    repository = yaml.safe_load((root / "_config.yml").read_text("utf-8"))["repository"]
    address = Address(str(repository["url"]).rstrip("/"), str(repository["branch"]))
    if not re.fullmatch(r"https://github\.com/[\w.-]+/[\w.-]+", address.url):
        raise ValueError(
            f"_config.yml: repository url is {address.url!r}; expected https://github.com/OWNER/NAME "
            "(Colab opens notebooks from GitHub)"
        )
    if not re.fullmatch(r"[\w./-]+", address.branch):
        raise ValueError(f"_config.yml: repository branch is {address.branch!r}; expected a branch or tag")
    return address


def _readme_block(address: Address, notebooks: list[str]) -> str:
    """Lines of the README that exist only once the address is set."""
    if address.is_placeholder:
        return ""
    links = " · ".join(f"[{name[:2].lstrip('0')}]({address.colab(f'notebooks/{name}')})" for name in notebooks)
    return f"Get it: `git clone {address.url}`\n\nOpen a chapter on Colab: {links}\n"


def derived_files(root: Path, address: Address) -> Iterator[tuple[Path, str]]:
    """Yield each file that holds a copy of the address, with the text it should have."""
    notebooks = sorted(path.name for path in (root / "notebooks").glob("*.ipynb"))
    # Student notebooks and their pages are made from the masters, after these: see `make address`.
    masters = (root / "assignments").glob("*.md")
    for path in sorted([*(root / "notebooks").glob("*.md"), *(root / "notebooks").glob("*.ipynb"), *masters]):
        yield path, _INSTALL.sub(lambda _: address.install, path.read_text("utf-8"))

    readme = root / "README.md"
    block = _readme_block(address, notebooks)
    yield readme, _README_BLOCK.sub(lambda m: m[1] + block + m[2], readme.read_text("utf-8"))

    citation = root / "CITATION.cff"
    text = _CITATION_LINE.sub("", citation.read_text("utf-8"))
    if not address.is_placeholder:
        text = text.rstrip("\n") + f"\nrepository-code: {address.url}\n"
    yield citation, text


def problems(root: Path = ROOT) -> list[str]:
    """What stands between this checkout and publishing: nothing, or one line for each thing to do."""
    address = read_address(root)
    found = []
    if address.is_placeholder:
        lines = (root / "_config.yml").read_text("utf-8").splitlines()
        number = next(i for i, line in enumerate(lines, 1) if re.match(r"\s+url:", line))
        found.append(f"_config.yml, line {number}: set repository: url (now the placeholder {address.url})")
    found += [
        f"{path.relative_to(root)}: does not hold the address of _config.yml; run `make address`"
        for path, text in derived_files(root, address)
        if path.read_text("utf-8") != text
    ]
    return found


def write(root: Path = ROOT) -> list[Path]:
    """Copy the address to every place that needs it; return the files that changed."""
    changed = []
    for path, text in derived_files(root, read_address(root)):
        if path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")
            changed.append(path)
    return changed


def main(arguments: list[str]) -> int:
    """Run `write` or `check`; the exit status is 0 when nothing is left to do."""
    root = Path(arguments[1]) if len(arguments) > 1 else ROOT
    if arguments[:1] == ["write"]:
        changed = write(root)
        print("\n".join(f"written: {path.relative_to(root)}" for path in changed) or "All places agree.")
        return 0
    if arguments[:1] == ["check"]:
        found = problems(root)
        print("\n".join(found) or "The public address is set, and every copy of it agrees.")
        return 1 if found else 0
    print("usage: public_address.py write|check [ROOT]", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
