"""What a change set is shown as, and which changes are warned of."""

import pytest

from housing_deploy.changes import Change, report


def change(action: str = "Modify", kind: str = "AWS::S3::Bucket", **more: str) -> Change:
    return Change.of(
        {
            "Action": action,  # AWS's own words
            "LogicalResourceId": "It",
            "ResourceType": kind,
            "Details": [
                {"Target": {"Attribute": "Properties", "Name": "BucketName"}},
                {"Target": {"Attribute": "Properties", "Name": "BucketName"}},
                {"Target": {"Attribute": "Metadata"}},
            ],
            **more,  # type: ignore[typeddict-item]
        }
    )


@pytest.mark.parametrize(
    ("found", "danger"),
    [
        (change(Replacement="True", PolicyAction="ReplaceAndRetain"), "left in the old one"),
        (change(Replacement="True", PolicyAction="ReplaceAndDelete"), "is replaced: lost"),
        (change("Remove", PolicyAction="Delete"), "is removed: lost"),
        (change("Remove", PolicyAction="Retain"), "left in the old one"),
        (change("Remove", "AWS::SecretsManager::Secret"), "hashes of the API's keys"),
        (change("Modify", "AWS::SNS::Topic", Replacement="True"), "its subscriptions"),
    ],
)
def test_what_holds_something_and_goes_is_warned_of(found: Change, danger: str) -> None:
    assert found.danger
    assert danger in found.danger
    assert "WARNING:" in report((found,), {}, {})


@pytest.mark.parametrize(
    "found",
    [
        change("Add"),
        change(Replacement="False"),
        change("Remove", "AWS::Lambda::Permission"),
        change("Modify", "AWS::ApiGateway::Deployment", Replacement="True"),
    ],
)
def test_what_loses_nothing_is_not(found: Change) -> None:
    assert found.danger is None
    assert "WARNING:" not in report((found,), {}, {})


def test_what_may_be_replaced_is_said_and_does_not_stop_anybody() -> None:
    found = change(Replacement="Conditional")

    assert (found.danger, found.risk is None) == (None, False)
    assert "? change" in found.line
    assert "Perhaps:" in report((found,), {}, {})


def test_the_properties_that_change_are_named_once() -> None:
    assert change(Replacement="True").line.endswith("It  (BucketName, Metadata)")


def test_parameters_are_shown_where_they_change() -> None:
    text = report((), {"A": "1", "B": "", "Gone": "x"}, {"A": "1", "B": "2"})

    assert text.splitlines()[:3] == ["Parameters:", '  B: "" → 2', "  Gone: x → (none)"]
