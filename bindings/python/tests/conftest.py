import os
import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def fresh_seed():
    """Another seed each time; `LAW_SEED` repeats one."""
    seed = int(os.environ.get("LAW_SEED", random.SystemRandom().randrange(1_000_000)))
    print(f"LAW_SEED={seed}")
    return seed
