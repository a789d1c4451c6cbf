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
    ("one_change", "danger"),
    [
        (change(Replacement="True", PolicyAction="ReplaceAndRetain"), "left in the old one"),
        (change(Replacement="True", PolicyAction="ReplaceAndDelete"), "is replaced: lost"),
        (change("Remove", PolicyAction="Delete"), "is removed: lost"),
        (change("Remove", PolicyAction="Retain"), "left in the old one"),
        (change("Remove", "AWS::SecretsManager::Secret"), "hashes of the API's keys"),
        (change("Modify", "AWS::SNS::Topic", Replacement="True"), "its subscriptions"),
    ],
)
def test_the_loss_of_a_stateful_resource_is_a_warning(one_change: Change, danger: str) -> None:
    assert one_change.danger
    assert danger in one_change.danger
    assert "WARNING:" in report((one_change,), {}, {})


@pytest.mark.parametrize(
    "one_change",
    [
        change("Add"),
        change(Replacement="False"),
        change("Remove", "AWS::Lambda::Permission"),
        change("Modify", "AWS::ApiGateway::Deployment", Replacement="True"),
    ],
)
def test_a_change_without_loss_is_not_a_warning(one_change: Change) -> None:
    assert one_change.danger is None
    assert "WARNING:" not in report((one_change,), {}, {})


def test_a_conditional_replacement_is_printed_and_does_not_stop_the_deployment() -> None:
    conditional = change(Replacement="Conditional")

    assert (conditional.danger, conditional.risk is None) == (None, False)
    assert "? change" in conditional.line
    assert "Perhaps:" in report((conditional,), {}, {})


def test_the_properties_that_change_are_named_once() -> None:
    assert change(Replacement="True").line.endswith("It  (BucketName, Metadata)")


def test_parameters_are_shown_where_they_change() -> None:
    text = report((), {"A": "1", "B": "", "Gone": "x"}, {"A": "1", "B": "2"})

    assert text.splitlines()[:3] == ["Parameters:", '  B: "" → 2', "  Gone: x → (none)"]
