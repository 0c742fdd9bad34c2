from __future__ import annotations

from edgesmith.report.class_tables import tabulate_classes, tabulate_confusion, tabulate_splits
from edgesmith.report.content import ClassScore, SplitCount
from tests.report.pages import Node, read_page
from tests.report.samples import CLASSES, CONFUSION


def rows(node: Node) -> list[list[str]]:
    lines = node.find("tr")
    return [[cell.text for cell in line.walk() if cell.name in ("th", "td")] for line in lines]


def test_the_confusion_matrix_has_true_rows_and_predicted_columns() -> None:
    table = rows(read_page(tabulate_confusion(CLASSES, CONFUSION)))
    assert table[0] == ["true class", *CLASSES, "pictures"]
    assert table[3] == ["roses", "2", "1", "62", "2", "13", "80"]


def test_the_tint_is_the_share_of_the_row() -> None:
    cells = read_page(tabulate_confusion(CLASSES, CONFUSION)).find("td", kind="heat")
    assert cells[0].attributes == {"class": "heat right", "style": "--share:0.863"}
    assert cells[12].attributes["style"] == "--share:0.775"
    assert "none" in cells[7].attributes["class"].split()


def test_a_class_without_pictures_has_no_tint() -> None:
    cells = read_page(tabulate_confusion(("a", "b"), ((0, 0), (1, 3)))).find("td", kind="heat")
    assert cells[0].attributes["style"] == "--share:0.000"


def test_of_many_classes_only_the_pairs_confused_most_are_shown() -> None:
    classes = tuple(f"class {index}" for index in range(40))
    confusion = [[20 if truth == guess else 0 for guess in range(40)] for truth in range(40)]
    confusion[7][9], confusion[3][4] = 5, 12
    table = rows(read_page(tabulate_confusion(classes, confusion)))
    assert table[1:] == [["class 3", "class 4", "12", "37.5"], ["class 7", "class 9", "5", "20.0"]]


def test_of_many_classes_the_worst_come_first_and_none_is_lost() -> None:
    scores = [
        ClassScore(name=f"c{i}", num_images=9, recall=i / 50, recall_low=0, recall_high=1, precision=None)
        for i in reversed(range(50))
    ]
    page = read_page(tabulate_classes(scores))
    first, rest = (rows(table)[1:] for table in page.find("table"))
    assert [line[0] for line in first] == [f"c{i}" for i in range(30)]
    assert [line[0] for line in rest] == [f"c{i}" for i in range(30, 50)]
    assert page.find("summary")[0].text == "The other 20 classes"
    assert first[0][3] == "never predicted"


def test_splits_are_counted_by_class_and_together() -> None:
    splits = [SplitCount(split="train", counts=(30, 1200)), SplitCount(split="val", counts=(5, 7))]
    assert rows(read_page(tabulate_splits(("a", "b"), splits))) == [
        ["Class", "train", "val"],
        ["a", "30", "5"],
        ["b", "1,200", "7"],
        ["Together", "1,230", "12"],
    ]


def test_splits_of_many_classes_name_the_smallest() -> None:
    classes = tuple(f"c{index}" for index in range(100))
    split = SplitCount(split="train", counts=tuple(3 if index == 42 else 50 for index in range(100)))
    assert rows(read_page(tabulate_splits(classes, [split])))[1] == ["train", "4,953", "c42", "3"]
