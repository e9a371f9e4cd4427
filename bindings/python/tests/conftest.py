import os
import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def law_seed():
    """The seed that `LAW_SEED` names, or 1; another one each time where it is `fresh`."""
    named = os.environ.get("LAW_SEED", "1")
    seed = random.SystemRandom().randrange(1_000_000) if named == "fresh" else int(named)
    print(f"LAW_SEED={seed}")
    return seed
