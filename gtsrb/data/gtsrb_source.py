"""Finds the files of the benchmark: in a folder of the user's, in any known layout, or in the official download.

Every source becomes a mapping from a file's path within the data set to a function that reads it, from folders and zips alike:

    Final_Training/Images/CCCCC/TTTTT_FFFFF.ppm, .../GT-CCCCC.csv, Final_Test/Images/NNNNN.ppm, GT-final_test.csv   official
    Train/C/CCCCC_TTTTT_FFFFF.png, Train.csv, Test/NNNNN.png, Test.csv                                              Kaggle's
"""

import os
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pooch
import requests

from gtsrb.errors import InputError

DOWNLOAD = "https://sid.erda.dk/public/archives/daaeac0d7ce1152aea9b61d9f1e19370/"
ARCHIVES = {  # official name -> hash
    "GTSRB_Final_Training_Images.zip": "md5:f33fd80ac59bff73c82d25ab499e03a3",
    "GTSRB_Final_Test_Images.zip": "md5:c7e4e6327067d32654124b0fe9e82185",
    "GTSRB_Final_Test_GT.zip": "md5:fe31e9c9270bbcd7b84b7f21a9d9d9e5",
}
TOP_LEVEL = ("Final_Training", "Final_Test", "GT-final_test.csv", "Train", "Train.csv", "Test", "Test.csv")  # of both layouts
EXPECTED = (
    f"expected the three official zips ({', '.join(ARCHIVES)}), or the folder GTSRB/ extracted from them, "
    "or the Kaggle copy (Train/, Test/, Train.csv, Test.csv), extracted or as one zip"
)


@dataclass(frozen=True)
class Source:
    """The files of one copy of the data set."""

    origin: str  # for messages: the folder or the URL
    files: dict[str, Callable[[], bytes]]  # path within the data set -> function that reads it

    def read(self, name: str) -> bytes:
        """The content of the file `name`. Raises `InputError` if it is missing or cannot be read."""
        if name not in self.files:
            raise InputError(f"{name}: not found")
        try:
            return self.files[name]()
        except (OSError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError) as error:
            raise InputError(f"{name}: cannot be read ({error})") from None  # RuntimeError: an encrypted zip


def locate(folder: Path) -> Source:
    """The data set in `folder`: official zips, extracted tree or Kaggle copy, the last two possibly one level down.

    Raises `InputError` if the folder does not exist or has none of them. The hashes of zips are not checked.
    """
    if not folder.is_dir():
        raise InputError(f"GTSRB_DIR = {folder}: no such folder; {EXPECTED}")
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise InputError(f"GTSRB_DIR = {folder}: cannot be read ({error.strerror})") from None

    archives = [folder / name for name in ARCHIVES if (folder / name).is_file()]
    if len(archives) == len(ARCHIVES):
        return _read_archives(str(folder), archives)
    for base in (folder, *filter(Path.is_dir, entries)):
        if _is_data_set(top.name for top in base.glob("*")):
            test_csv = _list_folder(folder, ("GT-final_test.csv",))  # where unzip puts it
            return Source(str(base), dict(test_csv) | dict(_list_folder(base, TOP_LEVEL)))
    for path in entries:
        if path.suffix == ".zip" and path not in archives and _is_data_set(files := dict(_list_zip(path))):
            return Source(str(path), files)

    if archives:
        missing = ", ".join(name for name in ARCHIVES if folder / name not in archives)
        raise InputError(f"GTSRB_DIR = {folder}: {missing} not found; {EXPECTED}")
    found = ", ".join(path.name for path in entries[:5]) + (" ..." if len(entries) > 5 else "")
    raise InputError(f"GTSRB_DIR = {folder} has {found or 'nothing'}; {EXPECTED}")


def download(url: str = DOWNLOAD, cache: Path | None = None) -> Source:
    """The official archives (365 MB), downloaded once into `cache`, by default pooch's folder in the user's cache.

    Raises `InputError` if that fails.
    """
    fetcher = pooch.create(cache or pooch.os_cache("gtsrb"), url, registry=ARCHIVES, retry_if_failed=2)
    transfer = pooch.HTTPDownloader(progressbar=True, timeout=(3.05, 30))  # seconds to connect, seconds between packets
    try:
        paths = [Path(fetcher.fetch(name, downloader=transfer)) for name in ARCHIVES]
    except requests.RequestException as error:
        raise InputError(
            f"GTSRB cannot be downloaded from {url} ({type(error).__name__}). Three options: run again with a network; "
            "set GTSRB_DIR to a folder with the official zips, the extracted tree or the Kaggle copy; "
            "or run `make demo`, which needs no download"
        ) from None
    except ValueError as error:  # pooch: the hash differs, three times
        raise InputError(f"GTSRB download: {' '.join(str(error).split())}") from None
    except OSError as error:
        raise InputError(f"GTSRB download: cannot write to {fetcher.abspath} ({error.strerror or error})") from None
    return _read_archives(url, paths)


def _read_archives(origin: str, paths: list[Path]) -> Source:
    return Source(origin, {name: reader for path in paths for name, reader in _list_zip(path)})


def _is_data_set(names: Iterable[str]) -> bool:
    return any(name.split("/")[0] in ("Final_Training", "Train.csv") for name in names)


def _list_folder(folder: Path, tops: tuple[str, ...]) -> Iterator[tuple[str, Callable[[], bytes]]]:
    for top in tops:
        if (folder / top).is_file():
            yield top, (folder / top).read_bytes
        for parent, _, names in os.walk(folder / top, followlinks=True):
            for name in names:
                path = Path(parent, name)
                yield path.relative_to(folder).as_posix(), path.read_bytes


def _list_zip(path: Path) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """The files of the data set in a zip, without the top-level folder that some copies have."""
    try:
        archive = zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: not a complete zip file ({error}); copy or download it again") from None
    names = [name for name in archive.namelist() if not name.endswith("/")]
    if duplicates := len(names) - len(set(names)):
        raise InputError(f"{path}: duplicate file names ({duplicates}); create or download it again")
    for name in names:
        top, _, rest = name.partition("/")
        inner = name if top in TOP_LEVEL else rest
        if inner.split("/")[0] in TOP_LEVEL:
            yield inner, partial(archive.read, name)
