from pathlib import Path

import pytest

from housing_ops.template import load, with_defaults


def test_short_forms_are_written_out(tmp_path: Path) -> None:
    path = tmp_path / "template.yaml"
    path.write_text(
        "A: !Ref Name\nB: !GetAtt Role.Arn\nC: !If [Wanted, !Sub '${X}', !Ref 'AWS::NoValue']\n"
    )

    assert load(path) == {
        "A": {"Ref": "Name"},
        "B": {"Fn::GetAtt": ["Role", "Arn"]},
        "C": {"Fn::If": ["Wanted", {"Fn::Sub": "${X}"}, {"Ref": "AWS::NoValue"}]},
    }


def test_a_short_form_of_a_mapping_is_written_out(tmp_path: Path) -> None:
    path = tmp_path / "template.yaml"
    path.write_text("A: !Transform {Name: 'AWS::Include', Parameters: {Location: x}}\n")

    assert load(path) == {
        "A": {"Fn::Transform": {"Name": "AWS::Include", "Parameters": {"Location": "x"}}}
    }


def test_a_file_that_is_no_mapping_is_no_template(tmp_path: Path) -> None:
    path = tmp_path / "template.yaml"
    path.write_text("- a\n- list\n")

    with pytest.raises(TypeError, match=r"template\.yaml is not a template"):
        load(path)


def test_defaults_are_replaced_and_nothing_else() -> None:
    parameters = {"A": {"Type": "String", "Default": "a"}, "B": {"Default": "b"}}

    changed = with_defaults({"Parameters": parameters}, {"A": "x"})

    assert changed["Parameters"] == {"A": {"Type": "String", "Default": "x"}, "B": {"Default": "b"}}
    assert parameters["A"]["Default"] == "a"
