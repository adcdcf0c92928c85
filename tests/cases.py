"""Many small cases of one test as one item of pytest, which takes milliseconds for each item."""

import inspect
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

Test = Callable[..., None]


def for_each(names: str, cases: Iterable[Any]) -> Callable[[Test], Test]:
    """Return a decorator that calls a test for each case, in turn; a failure tells which it was.

    A case is one argument, or with names between commas as many. It is for tests that leave nothing
    behind: their fixtures are the same for all cases.
    """
    own, known = names.split(", "), list(cases)

    def decorate(test: Test) -> Test:
        @wraps(test)
        def test_all(**given: Any) -> None:
            assert known
            for case in known:
                values = [case] if len(own) == 1 else case
                try:
                    test(**given, **dict(zip(own, values, strict=True)))
                except BaseException as error:
                    error.add_note(f"with {names} = {case!r}")
                    raise

        signature = inspect.signature(test)
        left = [one for one in signature.parameters.values() if one.name not in own]
        assert len(left) == len(signature.parameters) - len(own), f"{test} does not take {names}"
        test_all.__signature__ = signature.replace(parameters=left)  # type: ignore[attr-defined]
        return test_all

    return decorate
