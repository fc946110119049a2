"""Keeps TensorFlow's own log away from a person. `gtsrb/__init__.py` imports this, since it has to come before TensorFlow."""

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

# Its C++ log, whose "errors" start with there being no GPU; real ones reach Python as exceptions.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # read when Keras imports TensorFlow

# What its libraries log while they are loaded, before they read that variable: github.com/tensorflow/tensorflow/issues/100442
LOG_LINE = r"^(WARNING: All log messages before absl::InitializeLog|[IWE][0-9]{4} [0-9:.]+ +[0-9]+ [a-z_]+\.cc:[0-9]+\] )"


# Its advice to a program that traces one function again and again: so do the networks that a process trains in turn, once each.
RETRACING = "triggered tf.function retracing"


class FilteredImport(MetaPathFinder):
    """Finds `tensorflow` where Python does, and imports it with stderr filtered."""

    def find_spec(self, name: str, path: object = None, target: ModuleType | None = None) -> ModuleSpec | None:
        spec: Any = PathFinder.find_spec(name) if name == "tensorflow" else None
        if spec and spec.loader:
            load = spec.loader.exec_module

            def load_filtered(module: ModuleType) -> None:
                with filter_stderr(LOG_LINE):
                    load(module)

            spec.loader.exec_module = load_filtered
        return spec


@contextmanager
def filter_stderr(pattern: str) -> Iterator[None]:
    """Drops the lines of this regular expression that the block, C++ code included, writes to stderr.

    All others pass, through a process of their own, so that the last words of one that is aborted pass as well.
    """
    sys.stderr.flush()
    stderr = os.dup(2)
    with subprocess.Popen(["grep", "-vE", pattern], stdin=subprocess.PIPE, stdout=stderr) as grep:
        assert grep.stdin
        os.dup2(grep.stdin.fileno(), 2)
        grep.stdin.close()
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(stderr, 2)  # the pipe's last end: grep is done
            os.close(stderr)


sys.meta_path.insert(0, FilteredImport())
logging.getLogger("tensorflow").addFilter(lambda record: RETRACING not in record.getMessage())
