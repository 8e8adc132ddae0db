from __future__ import annotations

import csv
import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from firstsight.images.decode import DecodeLimits
from firstsight.images.preprocess import Preprocessing
from tests.images.damaging import attempt, damaged_copies
from tests.images.test_decode import REFUSED
