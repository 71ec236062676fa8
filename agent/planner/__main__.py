"""`python -m agent.planner IN.jsonl`: plan every row with the embedded planner, JSONL on stdout."""

import json
import sys
from pathlib import Path

from agent.planner import batch

if __name__ == "__main__":
    lines = Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()
    for answer in batch(json.loads(line) for line in lines if line.strip()):
        print(json.dumps(answer, ensure_ascii=False))
