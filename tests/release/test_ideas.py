"""Every `dvc exp run` line of the documentation: its overrides are taken and change what a stage reads."""

import re
import shlex

import pytest
import yaml
from conftest import ROOT
from dvc.utils.hydra import apply_overrides

from gtsrb.config.params import load

LINES = [
    line.strip()
    for path in (ROOT / "README.md", *sorted(ROOT.glob("docs/*.md")))
    for line in path.read_text().splitlines()
    if line.startswith("    dvc exp run")
]


def test_there_are_lines():
    assert len(LINES) > 30


@pytest.mark.parametrize("line", LINES)
def test_a_line_is_taken_and_changes_params(line, tmp_path):
    parts = shlex.split(line, comments=True)
    overrides = [parts[i + 1] for i, part in enumerate(parts) if part == "-S"]
    assert overrides
    path = tmp_path / "params.yaml"
    path.write_text((ROOT / "params.yaml").read_text())
    apply_overrides(path, overrides)
    assert load(path) != load(ROOT / "params.yaml")


def test_every_block_that_is_a_comment_is_one_that_can_be_added(tmp_path):
    """`# block: {...}` in params.yaml, put in at its place, is valid: its comment lists all keys, within their ranges."""
    text = (ROOT / "params.yaml").read_text()
    commented = re.findall(r"^( +)# ((\w+): [\[{\d].*?)(?: +#.*)?$", text, re.MULTILINE)
    names = [name for *_, name in commented]
    expected = "replicas shuffle validation spatial_transformer gradient_clip ema_momentum schedule schedule"
    assert " ".join(names) == f"{expected} shadow motion_blur posterize mixup cutmix flips"
    for indent, block, name in commented:
        added = text.replace(f"{indent}# {block}", f"{indent}{block}", 1)
        if name in ("schedule", "validation"):  # in place of the one above
            added = re.sub(rf"^    {name}: +#.*\n(      .*\n)+", "", added, count=1, flags=re.MULTILINE)
        path = tmp_path / "params.yaml"
        path.write_text(added)
        assert load(path) != load(ROOT / "params.yaml"), block
        assert yaml.safe_load(added) != yaml.safe_load(text), block
