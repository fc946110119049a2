"""What is built is there as a whole, or what was there stays; tests/web/ uses the page."""

from pathlib import Path

import pytest

from gtsrb.errors import InputError
from gtsrb.serving.predictor import BEST
from scripts import build_site


@pytest.fixture
def site(tmp_path, monkeypatch) -> Path:
    """A page that was built before, in a project that has onnxruntime-web."""
    monkeypatch.chdir(tmp_path)
    for path in (*(build_site.ONNXRUNTIME / file for file in build_site.RUNTIME_FILES), Path("site/index.html")):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    return tmp_path / "site/index.html"


def test_a_network_that_cannot_be_read_leaves_the_page_as_it_is(site):
    Path("pretrained").mkdir()
    Path(f"pretrained/{BEST}.onnx").write_text("no network")
    with pytest.raises(InputError, match=rf"^pretrained/{BEST}.onnx: not a model that ONNX Runtime can read"):
        build_site.main()
    assert site.exists()


def test_without_the_packages_it_says_what_installs_them(site):
    (build_site.ONNXRUNTIME / build_site.RUNTIME_FILES[0]).unlink()
    with pytest.raises(InputError, match=r"not found in node_modules/onnxruntime-web/dist; run `make site`, which needs npm$"):
        build_site.main()
    assert site.exists()
