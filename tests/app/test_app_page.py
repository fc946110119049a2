"""The page in headless Chromium, driven by Selenium; the server runs in the app's own environment.

Skipped if one of the three is missing: `.ci/run` installs the browser, `make test-slow` the rest.
"""

import json
import os
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from browser import BROWSER, DRIVER, start_browser
from conftest import ROOT
from PIL import Image

from gtsrb.data.tables import encode_ppm
from gtsrb.synthetic.faces import draw_sign

pytest.importorskip("selenium.webdriver", reason="no Selenium; `make setup` installs it")
from selenium.webdriver import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

PYTHON = ROOT / ".venv-app/bin/python"
QUIET = "headless no-sandbox disable-gpu disable-quic no-first-run disable-background-networking disable-component-update"
TIMEOUT = 60  # seconds for the page to respond; the machine may have other work

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (BROWSER and DRIVER), reason="no Chromium with chromedriver; see .ci/run"),
    pytest.mark.skipif(not PYTHON.exists(), reason=f"no {PYTHON.relative_to(ROOT)}; `make test-slow` sets it up"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """The server's working directory: the published networks, and 30 test images of class stop, 3 of them misclassified."""
    folder = tmp_path_factory.mktemp("served")
    (folder / "pretrained").symlink_to(ROOT / "pretrained")
    for name in ("metrics/small", "data/raw", "data/predictions"):
        (folder / name).mkdir(parents=True)
    images = [encode_ppm(np.full((30, 30, 3), level, np.uint8)) for level in range(30)]
    pd.DataFrame({"filename": [f"{i:05d}.ppm" for i in range(30)], "class_id": 0, "image": images}).to_parquet(
        folder / "data/raw/test.parquet"
    )
    (folder / "data/raw/classes.csv").write_text("class_id,name\n0,stop\n1,yield\n2,roundabout\n")
    probabilities = np.tile(np.array([0.8, 0.1, 0.1], np.float32), (30, 1))
    probabilities[[3, 7, 9]] = [[0.1, 0.9, 0], [0.3, 0.7, 0], [0.2, 0.2, 0.6]]
    np.save(folder / "data/predictions/small.npy", probabilities)
    metrics = {"accuracy": 0.9, "accuracy_low": 0.7, "accuracy_high": 0.95, "errors": 3, "top5_accuracy": 1.0}
    (folder / "metrics/small.json").write_text(json.dumps(metrics))
    counts = "truth,prediction,images\nstop,stop,27\nstop,yield,2\nstop,roundabout,1\n"
    (folder / "metrics/small/confusion.csv").write_text(counts)
    return folder


@pytest.fixture(scope="module")
def port(folder):
    """A free port on which the page is served as by `make app`."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [PYTHON, "-m", "streamlit", "run", ROOT / "app/main.py", f"--server.port={port}"],
            cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT), "HOME": str(folder)}, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        wait_until(lambda: is_healthy(port), lambda: (folder / "log").read_text())
        yield port
        assert "Traceback" not in (folder / "log").read_text()
    finally:
        server.terminate()
        server.wait()


def is_healthy(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=5) as response:
            return response.status == 200
    except OSError:
        return False


def wait_until(condition, message=lambda: "") -> None:
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < deadline, message()
        time.sleep(0.1)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    own = ("disable-sync", "window-size=1400,1000", f"user-data-dir={tmp_path_factory.mktemp('user')}")
    browser = start_browser([*QUIET.split(), *own], "performance")
    yield browser
    browser.quit()


UPLOAD = '[data-testid="stFileUploaderDropzoneInput"]'


class Page:
    """What a user does with the page, and sees on it."""

    def __init__(self, browser, port: int):
        self.browser, self.address = browser, f"http://127.0.0.1:{port}"
        browser.get(self.address)
        self.sees("Stop")

    def all(self, selector: str) -> list:
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def texts(self, selector: str) -> list[str]:
        """Read in one step by the browser, since the page may change between two."""
        script = "return [...document.querySelectorAll(arguments[0])].map(e => e.textContent)"
        return self.browser.execute_script(script, selector)

    def waits(self, condition) -> None:
        WebDriverWait(self.browser, TIMEOUT).until(lambda _: condition(), message=self.all("body")[0].text[-2000:])

    def sees(self, name: str) -> None:
        """Waits until this is the most probable sign."""
        self.waits(lambda: [text.capitalize() for text in self.texts(".sign:first-child b")] == [name])

    def finishes(self) -> None:
        """Waits until the script has run and the page no longer changes."""
        self.waits(lambda: self.all('[data-testid="stApp"][data-test-script-state="notRunning"]'))

    def uploads(self, *files: Path) -> None:
        self.waits(lambda: self.all(UPLOAD))  # a script of its own adds it
        self.all(UPLOAD)[0].send_keys("\n".join(map(str, files)))

    def cells(self) -> list[list[str]]:
        """The cells of the first table, which Streamlit draws on a canvas with a table for screen readers inside."""
        rows = self.browser.execute_script(
            """const rows = [...document.querySelector("canvas table tbody")?.rows ?? []];
            return rows.map(row => [...row.cells].map(cell => cell.textContent));"""
        )
        return [row for row in rows if any(row)]


@pytest.fixture
def page(browser, port):
    return Page(browser, port)


@pytest.fixture
def picture(tmp_path):
    """Writes a sign drawn large on a plain wall, in any file format."""

    def write(name: str, class_id: int, mode: str = "RGB", **options) -> Path:
        wall, face = Image.new("RGB", (120, 120), (150, 160, 140)), Image.fromarray(draw_sign(class_id, 96))
        wall.paste(face, (12, 12), face)
        wall.convert(mode).save(tmp_path / name, **options)
        return tmp_path / name

    return write


def test_an_uploaded_sign_is_named(page, picture):
    page.uploads(picture("nothing-in-the-name.png", 13))
    page.sees("Yield")
    assert len(page.all(".sign")) == 5
    assert len(page.all('.sign img[src^="data:image/png"]')) == 5
    probabilities = [text.strip("<> %") for text in page.texts(".sign span")]
    assert probabilities == sorted(probabilities, key=float, reverse=True)
    page.finishes()
    network_input, occlusion_map = page.texts(".images figcaption")
    assert network_input.startswith("Network input: ")
    assert "covering an orange area makes \u201cyield\u201d less probable" in occlusion_map
    for image in page.all(".images img, .sign img"):
        assert page.browser.execute_script("return arguments[0].complete && arguments[0].naturalWidth > 0", image)


def test_a_clicked_example_is_named(page, picture):
    page.uploads(picture("a.png", 13))
    page.sees("Yield")
    page.all(".st-key-example40 button")[0].click()  # it replaces the uploaded picture
    page.sees("Roundabout")
    image = page.all(".st-key-example40 img")[0]
    assert page.browser.execute_script("return arguments[0].naturalWidth", image) > 0


def test_a_pasted_picture_is_named(page, picture):
    data = list(picture("a.png", 35).read_bytes())
    script = """const clipboardData = new DataTransfer();
        clipboardData.items.add(new File([new Uint8Array(arguments[0])], "image.png", {type: "image/png"}));
        const event = new ClipboardEvent("paste", {clipboardData, bubbles: true, cancelable: true});
        return !document.body.dispatchEvent(event);"""
    page.waits(lambda: page.browser.execute_script(script, data))  # until the page handles it: its listener is added last
    page.sees("Ahead only")


def test_several_pictures_of_any_kind_make_a_table(page, picture, tmp_path):
    broken, large = tmp_path / "broken.png", tmp_path / "large.png"
    broken.write_text("no image")
    Image.new("1", (10_000, 10_000)).save(large)
    pixel, deep = tmp_path / "pixel.png", tmp_path / "16_bit.png"
    Image.new("RGB", (1, 1)).save(pixel)
    grey = np.asarray(Image.open(picture("grey.png", 35, "L")))
    Image.fromarray(grey.astype(np.uint16) * 257).save(deep)
    animated = picture("animated.gif", 14, save_all=True, append_images=[Image.new("RGB", (120, 120))])
    page.uploads(picture("![a](http:b).png", 17), broken, pixel, large, picture("cmyk.jpg", 12, "CMYK"), deep, animated)
    page.waits(lambda: len(page.cells()) == 7)
    page.sees("No entry")
    page.finishes()
    rows = {row[1]: row[-3:] for row in page.cells()}
    assert rows["2. broken.png"][2].startswith("not a picture in a supported format; expected one of PNG, ")
    assert rows["3. pixel.png"][2] == "1 x 1 pixels, too small to show a sign; expected at least 8 x 8"
    assert rows["4. large.png"][2] == "10000 x 10000 pixels; expected at most 50 million"
    for file, name in (
        ("1. ![a](http:b).png", "no entry"),
        ("5. cmyk.jpg", "priority road"),
        ("6. 16_bit.png", "ahead only"),
        ("7. animated.gif", "stop"),
    ):
        assert rows[file][0] == name
    assert "1. ![a](http:b).png" in page.texts('[data-testid="stText"]')

    page.all(".dvn-scroller")[0].click()  # the row in the middle: 4. large.png
    page.waits(lambda: page.texts('[data-testid="stAlert"] p') == ["10000 x 10000 pixels; expected at most 50 million"])


def test_a_picture_of_one_pixel_is_refused(page, tmp_path):
    Image.new("RGB", (1, 1)).save(tmp_path / "pixel.png")
    page.uploads(tmp_path / "pixel.png")
    message = "1 x 1 pixels, too small to show a sign; expected at least 8 x 8"
    page.waits(lambda: page.texts('[data-testid="stAlert"] p') == [message])


def test_a_file_that_is_too_large_is_refused(page, tmp_path):
    (tmp_path / "huge.png").write_bytes(bytes(21 * 2**20))
    page.uploads(tmp_path / "huge.png")
    page.waits(lambda: "20.0MB or smaller" in page.texts('[data-testid="stFileUploader"]')[0])
    page.sees("Stop")


def test_a_file_of_another_format_is_refused(page, tmp_path):
    Image.new("RGB", (9, 9)).save(tmp_path / "drawing.eps")
    page.uploads(tmp_path / "drawing.eps")
    page.waits(lambda: "files are not allowed" in page.texts('[data-testid="stFileUploader"]')[0])
    page.sees("Stop")


def test_the_sign_in_a_drawn_box_is_named(page, tmp_path, picture):
    """In a picture with two signs."""
    street = Image.new("RGB", (480, 240), (110, 120, 100))
    for x, class_id in ((20, 14), (300, 38)):
        street.paste(Image.open(picture(f"{class_id}.png", class_id)), (x, 60))
    street.save(tmp_path / "street.png")
    page.uploads(tmp_path / "street.png")
    page.waits(lambda: "(480 x 240 pixels)" in page.texts("body")[0])

    def draw_box(x1: int, y1: int, x2: int, y2: int) -> None:
        page.finishes()
        stage = page.browser.execute_script(
            """const host = [...document.querySelectorAll(".st-key-crop *")].find(element => element.shadowRoot);
            return host.shadowRoot.querySelector(".stage");"""
        )
        page.browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", stage)
        width, height = stage.size["width"], stage.size["height"]
        assert width / height == pytest.approx(2, rel=0.02)
        corners = [(round((x / 480 - 0.5) * width), round((y / 240 - 0.5) * height)) for x, y in ((x1, y1), (x2, y2))]
        mouse = ActionChains(page.browser).move_to_element_with_offset(stage, *corners[0]).click_and_hold()
        mouse.move_to_element_with_offset(stage, *corners[1]).release().perform()

    draw_box(312, 72, 408, 168)
    page.sees("Keep right")
    page.finishes()
    edges = [int(field.get_attribute("value")) for field in page.all('.stNumberInput input[type="number"]')[:4]]
    assert edges == pytest.approx([312, 72, 408, 168], abs=3)
    draw_box(128, 168, 32, 72)  # from the lower right corner
    page.sees("Stop")


def test_mistakes_are_listed_and_filtered(page):
    page.all('[data-testid="stTab"]')[1].click()
    page.waits(lambda: len(page.all(".mistakes > div")) == 3)
    page.finishes()
    predictions = [text.split(")")[1] for text in page.texts(".mistakes p:last-child")]
    assert predictions == ["yield", "yield", "roundabout"]
    assert page.texts(".matrix td") == ["1", "2"]
    values = page.texts('[data-testid="stMetricValue"]')
    assert [value.strip() for value in values] == ["90.00%", "70.00% - 95.00%", "3", "100.00%"]
    page.all('[data-testid="stSelectbox"] input')[-1].send_keys("roundabout\n")
    page.waits(lambda: len(page.all(".mistakes > div")) == 1)
    page.finishes()
    assert page.texts(".matrix td") == ["1"]


def test_without_metrics_the_page_names_the_command(page, folder):
    (folder / "metrics").rename(folder / "elsewhere")
    try:
        page.browser.refresh()
        page.sees("Stop")
        page.all('[data-testid="stTab"]')[1].click()
        page.waits(lambda: any("make repro" in text for text in page.texts('[data-testid="stAlert"] p')))
    finally:
        (folder / "elsewhere").rename(folder / "metrics")


def test_the_server_listens_on_one_local_address_only(port):
    with socket.socket() as other, pytest.raises(ConnectionRefusedError):
        other.connect(("127.0.0.2", port))  # another local address, open if the server listened on all interfaces


def test_a_request_for_another_host_is_refused(port):
    """Which a site could send whose name points to this machine (DNS rebinding)."""

    def status_line(host: str) -> bytes:
        with socket.create_connection(("127.0.0.1", port), 10) as connection:
            connection.sendall(
                f"GET /_stcore/stream HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
            )
            return connection.recv(1000).split(b"\r\n")[0]

    assert b" 101 " in status_line(f"127.0.0.1:{port}")
    assert b" 403 " in status_line(f"elsewhere.example:{port}")


def test_nothing_is_fetched_from_another_machine(page, browser):
    """In all tests above, the browser requests only the page's own files, and images contained in the page."""
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    urls = [event["params"]["request"]["url"] for event in messages if event["method"] == "Network.requestWillBeSent"]
    assert sum(url.startswith(page.address) for url in urls) > 20
    assert not [url for url in urls if not url.startswith((page.address, "data:", "blob:", "chrome:"))]
