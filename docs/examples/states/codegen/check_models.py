"""Check a module of generated dataclasses: check_models.py FILE."""

import dataclasses
import runpy
import sys
from datetime import date
from decimal import Decimal

SAMPLES = {str: "a", int: 1, Decimal: Decimal("1.50"), date: date(2024, 2, 29)}

found = [value for value in runpy.run_path(sys.argv[1]).values() if dataclasses.is_dataclass(value)]
for model in found:
    required = [field for field in dataclasses.fields(model) if field.default is dataclasses.MISSING]
    made = model(**{field.name: SAMPLES[field.type] for field in required})
    if dataclasses.replace(made) != made or model(**dataclasses.asdict(made)) != made:
        sys.exit(f"{model.__name__}: a copy is not equal")
    print(f"{model.__name__}: {len(dataclasses.fields(model))} fields")
