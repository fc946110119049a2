"""The static page in headless Chromium, served as any host of static files would.

Skipped without the browser, which `.ci/run` installs, or without node_modules/, which `make test` installs where there is npm.
"""

import functools
import http.server
import json
import threading
from pathlib import Path

import numpy as np
import pytest
from browser import BROWSER, DRIVER, start_browser
from conftest import ROOT
from PIL import Image

from gtsrb.data import picture_files
from gtsrb.data.sign_names import SIGN_NAMES
from gtsrb.preprocessing.crop import Box
from gtsrb.serving import predictor
from scripts import build_site

pytest.importorskip("selenium.webdriver", reason="no Selenium; `make setup` installs it")
from selenium.webdriver import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

OPTIONS = "headless=new no-sandbox disable-gpu no-first-run use-fake-device-for-media-stream use-fake-ui-for-media-stream"
TIMEOUT = 60  # seconds for the page to answer; the machine may have other work
MEGABYTES = 20

pytestmark = [
    pytest.mark.seconds,
    pytest.mark.skipif(not (BROWSER and DRIVER), reason="no Chromium with chromedriver; see .ci/run"),
    pytest.mark.skipif(not (ROOT / "node_modules/onnxruntime-web").is_dir(), reason="no node_modules/; `make test` needs npm"),
]


class Page:
    """The page in a browser, and what a visitor does with it."""

    def __init__(self, driver, url: str):
        self.driver, self.url = driver, url

    def load(self) -> None:
        self.driver.get(self.url)
        self.wait_until(lambda: self.script("return document.documentElement.dataset.ready"))

    def script(self, code: str, *arguments):
        return self.driver.execute_script(code, *arguments)

    def wait_until(self, condition) -> None:
        WebDriverWait(self.driver, TIMEOUT, poll_frequency=0.05).until(lambda _: condition())

    def wait_for(self, sign: str) -> None:
        """Until the page names this sign: an answer to what was shown before may still come."""
        self.wait_until(lambda: self.script("return document.querySelector('.sign b')?.textContent") == sign)

    def choose(self, path: Path) -> None:
        self.driver.find_element(By.ID, "file").send_keys(str(path))

    def enter_box(self, box: Box) -> None:
        for name, value in zip(("left", "top", "right", "bottom"), box, strict=True):
            field = self.driver.find_element(By.NAME, name)
            self.script("arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('change'))", field, value)

    def wait_for_size(self, width: int) -> None:
        """Until a picture of this width is shown, whole."""
        self.wait_until(lambda: self.driver.find_element(By.NAME, "right").get_property("value") == str(width - 1))

    def wait_for_map(self) -> None:
        """Until the page says what the answer rests on, which comes last."""
        caption = "return document.querySelector('#occlusion-caption').textContent"
        self.wait_until(lambda: self.script(caption).startswith("What the answer rests on: covering"))
        assert self.driver.find_element(By.ID, "occlusion").is_displayed()

    def complaint(self) -> str:
        find = "return document.querySelector('#status.error')?.textContent ?? ''"
        self.wait_until(lambda: self.script(find))
        return self.script(find)


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("web") / "site"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        patch.setattr(build_site, "SITE", folder)
        build_site.main()
    return folder


class Server(http.server.ThreadingHTTPServer):
    block_on_close = False  # the browser keeps connections open


class Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments) -> None:
        pass


@pytest.fixture(scope="module")
def driver():
    driver = start_browser(OPTIONS.split(), "browser")
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def served(driver, site):
    with Server(("127.0.0.1", 0), functools.partial(Handler, directory=str(site))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page = Page(driver, f"http://127.0.0.1:{server.server_port}/")
        page.load()
        yield page
        assert [entry["message"] for entry in driver.get_log("browser") if "favicon" not in entry["message"]] == []
        server.shutdown()


@pytest.fixture
def page(served):
    """The page, loaded anew only if a test before has left it in trouble."""
    yield served
    if served.script("return !!document.querySelector('#status.error')"):
        served.load()


@pytest.fixture
def two_signs(tmp_path) -> Path:
    """A picture with a stop sign on the left and a priority road on the right."""
    picture = Image.new("RGB", (400, 200), (120, 120, 120))
    for left, class_id in ((20, 14), (220, 12)):
        picture.paste(Image.open(example(class_id)).convert("RGB").resize((160, 160)), (left, 20))
    picture.save(tmp_path / "two.png")
    return tmp_path / "two.png"


def example(class_id: int) -> Path:
    return ROOT / f"app/static/{class_id}.png"


def test_it_loads_nothing_from_elsewhere_and_is_small(site, page):
    origins = page.script("return performance.getEntriesByType('resource').map(({ name }) => new URL(name).origin)")
    assert set(origins) == {page.url.rstrip("/")}
    assert sum(path.stat().st_size for path in site.rglob("*") if path.is_file()) < MEGABYTES * 1e6


@pytest.mark.parametrize(
    ("unsure_below", "unknown_below", "mark"),
    [(1.1, 0.0, "unsure: below {:.4g}%"), (1.1, 1.1, "unknown: none of the signs that this network knows")],
)
def test_an_answer_below_a_threshold_is_marked(site, served, unsure_below, unknown_below, mark):
    path = site / "page.json"
    content = path.read_text()
    try:
        path.write_text(json.dumps(json.loads(content) | {"unsure_below": unsure_below, "unknown_below": unknown_below}))
        served.load()
        served.choose(example(28))
        served.wait_for(SIGN_NAMES[28])
        model = predictor.load(predictor.find(predictor.BEST))  # whose words page.json has
        assert served.script("return document.querySelector('.mark').textContent") == mark.format(100 * model.unsure_below)
    finally:
        path.write_text(content)
        served.load()


def test_it_answers_as_the_predictor(page):
    """Each share as predict prints it, of the file that the site has."""
    page.choose(example(28))
    page.wait_for(SIGN_NAMES[28])
    assert_equal_to_the_predictor(page, example(28), None)


def test_it_answers_as_the_predictor_about_a_box(page, two_signs):
    page.choose(two_signs)
    page.wait_for_size(400)
    page.enter_box(Box(214, 11, 391, 188))
    page.wait_for(SIGN_NAMES[12])
    assert_equal_to_the_predictor(page, two_signs, Box(214, 11, 391, 188))


def assert_equal_to_the_predictor(page: Page, path: Path, box: Box | None) -> None:
    model = predictor.load(predictor.find(predictor.BEST))
    expected = model.predict(picture_files.read(path.read_bytes()), box).probabilities
    order = np.argsort(expected)[::-1][:5]
    names = page.script("return [...document.querySelectorAll('.sign b')].map(({ textContent }) => textContent)")
    assert names == [model.names[i] for i in order]
    widths = page.script("return [...document.querySelectorAll('.bar div')].map(({ style }) => parseFloat(style.width))")
    assert widths == pytest.approx(expected[order] * 100, abs=0.1)


def test_a_picture_can_be_dropped_and_pasted(page):
    event = """
        const [type, key, base64, name] = arguments, transfer = new DataTransfer();
        const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
        transfer.items.add(new File([bytes], name, { type: "image/png" }));
        const Event = type === "drop" ? DragEvent : ClipboardEvent;
        document.body.dispatchEvent(new Event(type, { [key]: transfer, bubbles: true, cancelable: true }));
    """
    for type_, key, class_id in (("drop", "dataTransfer", 14), ("paste", "clipboardData", 9)):
        page.script(event, type_, key, base64_of(example(class_id)), "sign.png")
        page.wait_for(SIGN_NAMES[class_id])


def base64_of(path: Path) -> str:
    import base64

    return base64.b64encode(path.read_bytes()).decode()


def test_an_example_is_a_button_with_a_name(page):
    (button,) = [
        b for b in page.driver.find_elements(By.CSS_SELECTOR, "#examples button") if b.accessible_name == SIGN_NAMES[40]
    ]
    button.send_keys("\ue007")  # Enter
    page.wait_for(SIGN_NAMES[40])
    controls = page.driver.find_elements(By.CSS_SELECTOR, "input, button, video, img")
    assert all(control.accessible_name for control in controls if control.is_displayed() and control.get_attribute("alt") != "")


def test_the_camera_takes_a_picture(page):
    page.driver.find_element(By.ID, "camera").click()
    shoot = page.driver.find_element(By.ID, "shoot")
    page.wait_until(shoot.is_displayed)
    assert not page.driver.find_element(By.ID, "camera").is_enabled()
    page.script("document.querySelector('#result').replaceChildren()")
    shoot.click()
    page.wait_for_size(640)
    page.wait_until(lambda: page.script("return document.querySelector('.sign b')"))
    page.wait_for_map()
    assert page.driver.find_element(By.ID, "camera").is_enabled()
    assert page.script("return document.querySelector('video').srcObject") is None


def test_a_box_is_drawn_or_entered(page, two_signs):
    """The box says which sign."""
    page.choose(two_signs)
    page.wait_for_size(400)
    page.enter_box(Box(20, 20, 179, 179))
    page.wait_for(SIGN_NAMES[14])
    stage = page.driver.find_element(By.CSS_SELECTOR, "#crop .stage")
    width = page.script("arguments[0].scrollIntoView({block: 'center'}); return arguments[0].clientWidth", stage)
    per_pixel = width / 400
    drag = ActionChains(page.driver).move_to_element_with_offset(stage, round(20 * per_pixel), round(-80 * per_pixel))
    drag.click_and_hold().move_by_offset(round(160 * per_pixel), round(160 * per_pixel)).release().perform()
    page.wait_for(SIGN_NAMES[12])
    page.driver.find_element(By.ID, "whole").click()
    page.wait_for_size(400)


@pytest.mark.parametrize(("size", "box"), [((600, 9), None), ((600, 300), Box(20, 100, 519, 107))])
def test_a_flat_picture_or_box_has_a_map(page, tmp_path, size, box):
    Image.new("RGB", size, (120, 120, 120)).save(tmp_path / "flat.png")
    page.choose(tmp_path / "flat.png")
    page.wait_for_size(600)
    if box:
        page.enter_box(box)
    page.wait_for_map()


def test_the_same_file_can_be_chosen_again(page):
    page.choose(example(28))
    page.wait_for(SIGN_NAMES[28])
    page.driver.find_element(By.CSS_SELECTOR, "#examples button").click()
    page.wait_for(page.driver.find_element(By.CSS_SELECTOR, "#examples button").accessible_name)
    page.choose(example(28))
    page.wait_for(SIGN_NAMES[28])


def test_a_file_that_is_no_picture_is_one_line(page, tmp_path):
    (tmp_path / "notes.txt").write_text("no picture")
    page.driver.find_element(By.ID, "file").send_keys(str(tmp_path / "notes.txt"))
    assert page.complaint() == "notes.txt is not a picture that this browser can read; try PNG or JPEG."


def test_a_picture_too_small_to_show_a_sign_is_one_line(page, tmp_path):
    Image.new("RGB", (5, 300)).save(tmp_path / "small.png")
    page.driver.find_element(By.ID, "file").send_keys(str(tmp_path / "small.png"))
    assert page.complaint() == "5 x 300 pixels are too small to show a sign; at least 8 x 8 are needed."
    assert not page.driver.find_element(By.ID, "looks").is_displayed()


def test_a_site_that_lacks_a_file_says_so(served):
    served.driver.execute_cdp_cmd("Network.enable", {})
    served.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": ["*occlusion.js"]})
    try:
        served.load()
        assert served.complaint().startswith("This page cannot be loaded: ")
    finally:
        served.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": []})
        served.driver.get_log("browser")  # has the file that was not loaded
        served.load()


def test_a_picture_of_100_megapixels(page, tmp_path):
    picture = Image.new("RGB", (12_500, 8_000), (120, 120, 120))
    picture.paste(Image.open(example(14)).convert("RGB").resize((7_900, 7_900)), (2_300, 50))
    picture.save(tmp_path / "large.jpg", quality=60)
    page.choose(tmp_path / "large.jpg")
    page.wait_for(SIGN_NAMES[14])


def test_it_answers_without_a_connection(page):
    conditions = {"latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
    page.driver.execute_cdp_cmd("Network.enable", {})
    page.driver.execute_cdp_cmd("Network.emulateNetworkConditions", {"offline": True} | conditions)
    try:
        page.choose(example(35))
        page.wait_for(SIGN_NAMES[35])
        loaded = "return [...document.images].every((image) => image.complete && (image.naturalWidth || !image.src))"
        page.wait_until(lambda: page.script(loaded))
    finally:
        page.driver.execute_cdp_cmd("Network.emulateNetworkConditions", {"offline": False} | conditions)


def test_on_a_telephone_nothing_is_wider_than_the_screen(page):
    size = page.driver.get_window_size()
    page.driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 360, "height": 780, "deviceScaleFactor": 2, "mobile": True}
    )
    try:
        assert page.script("return document.documentElement.scrollWidth") <= 360
    finally:
        page.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        page.driver.set_window_size(size["width"], size["height"])


CONTRAST = """
const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
const parse = (css) => {
  canvas.clearRect(0, 0, 1, 1);
  canvas.fillStyle = css;
  canvas.fillRect(0, 0, 1, 1);
  const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
  return [r, g, b, a / 255];
};
const over = ([r, g, b, a], below) => [r, g, b].map((level, i) => a * level + (1 - a) * below[i]);
const linear = (level) => (level <= 10.3 ? level / 255 / 12.92 : ((level / 255 + 0.055) / 1.055) ** 2.4);
const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
document.body.style.backgroundColor = "Canvas";
const results = [];
for (const element of document.querySelectorAll("body *")) {
  const text = [...element.childNodes].filter(({ nodeType }) => nodeType === 3).map(({ data }) => data).join(" ").trim();
  if (!text || !element.checkVisibility() || element.disabled) continue;
  let background = [255, 255, 255], opacity = 1;
  const ancestors = [];
  for (let node = element; node; node = node.parentElement) ancestors.unshift(node);
  for (const node of ancestors) {
    background = over(parse(getComputedStyle(node).backgroundColor), background);
    opacity *= getComputedStyle(node).opacity;
  }
  const [r, g, b, a] = parse(getComputedStyle(element).color);
  const [light, dark] = [luminance(over([r, g, b, a * opacity], background)), luminance(background)].sort((x, y) => y - x);
  results.push([text, (light + 0.05) / (dark + 0.05)]);
}
document.body.style.backgroundColor = "";
return results;
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_what_is_behind_it(page, scheme):
    """By at least 4.5 : 1, WCAG 2.2's level AA (1.4.3), with an answer that is marked."""
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
    try:
        page.choose(example(14))
        page.wait_for(SIGN_NAMES[14])
        page.script("document.querySelector('.sign').insertAdjacentHTML('afterend', '<span class=mark>unsure</span>')")
        contrasts = dict(page.script(CONTRAST))
    finally:
        page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert {"unsure", SIGN_NAMES[14], "Which traffic sign is this?"} <= contrasts.keys()
    assert {text: ratio for text, ratio in contrasts.items() if ratio < 4.5} == {}
