"""docs/diagrams: drawn from the code, and complete."""

import re
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest

from cdbench.store.models import Base
from tests import database_diagram, rooms_diagram
from tests.database_diagram import corners, database_svg, height, parents
from tests.rooms_diagram import FLOORS, PURPOSES, imported, order, rooms_svg
from tests.test_architecture import ROOMS

SVG = "{http://www.w3.org/2000/svg}"


def test_the_diagrams_are_what_the_code_is() -> None:
    assert rooms_diagram.FILE.read_text(encoding="utf-8") == rooms_svg(), "make pages"
    assert database_diagram.FILE.read_text(encoding="utf-8") == database_svg(), "make pages"


def test_every_room_has_a_row_and_every_import_a_dot() -> None:
    rooms = [room for room in order() if room != "__main__"]
    assert {*rooms, "__main__"} == set(ROOMS)
    assert [room for floor in FLOORS.values() for room in floor] == rooms
    assert PURPOSES.keys() == set(rooms)
    drawn = re.findall(r"<title>(\w+) imports (\w+)</title>", rooms_svg())
    assert sorted(drawn) == sorted((room, own) for room in rooms for own in imported()[room])


def test_no_room_imports_one_below_it() -> None:
    rooms = order()
    for room, others in imported().items():
        assert all(rooms.index(other) < rooms.index(room) for other in others), room


def test_every_table_has_a_box_and_every_foreign_key_an_arrow() -> None:
    root = ET.fromstring(database_svg())
    words = [own.text for own in root.iter(f"{SVG}text")]
    tables = Base.metadata.tables
    assert all(words.count(name) == 1 for name in tables)
    arrows = [own for own in root.iter(f"{SVG}path") if own.get("marker-end")]
    assert len(arrows) == sum(len(parents(table)) for table in tables.values())


def test_no_box_lies_on_another() -> None:
    corner, _ = corners()
    columns: dict[float, list[tuple[float, float]]] = {}
    for node, (x, y) in corner.items():
        columns.setdefault(x, []).append((y, y + height(node)))
    for found in columns.values():
        found.sort()
        assert all(upper[1] < lower[0] for upper, lower in pairwise(found))


@pytest.mark.parametrize("draw", [rooms_svg, database_svg])
def test_a_diagram_says_in_words_what_it_shows(draw: object) -> None:
    assert callable(draw)
    root = ET.fromstring(draw())
    description = root.find(f"{SVG}desc")
    assert description is not None
    assert len(str(description.text)) > 500
