from pathlib import Path

from local_stack.template import load, with_defaults


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


def test_defaults_are_replaced_and_nothing_else() -> None:
    parameters = {"A": {"Type": "String", "Default": "a"}, "B": {"Default": "b"}}

    changed = with_defaults({"Parameters": parameters}, {"A": "x"})

    assert changed["Parameters"] == {"A": {"Type": "String", "Default": "x"}, "B": {"Default": "b"}}
    assert parameters["A"]["Default"] == "a"
