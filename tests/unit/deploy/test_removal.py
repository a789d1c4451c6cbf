"""A stage is removed by its name; what outlives it is said."""

import io
from typing import Any

import pytest
from rich.console import Console

from fakes.cloudformation import FakeCloudFormation
from housing_deploy.errors import NotConfirmedError, RolloutError
from housing_deploy.removal import remove
from housing_deploy.stacks import Clients
from housing_deploy.stage import Stage
from housing_ops.progress import Progress

DEV = Stage("dev", "housing-dev", "housing-dev", None, (), {})
PROD = Stage("prod", "housing-prod", "housing-prod", None, (), {})
DELETED = ("UPDATE_COMPLETE", "DELETE_COMPLETE")


class Out:
    """What was said."""

    def __init__(self) -> None:
        self.text = io.StringIO()
        self.progress = Progress(Console(file=self.text, width=200))


def of(fake: FakeCloudFormation) -> Clients:
    client: Any = fake
    nobody: Any = None
    return Clients(client, nobody, nobody, nobody, "123456789012", None)


def test_a_missing_stack_is_not_removed() -> None:
    fake, out = FakeCloudFormation(None), Out()

    remove(DEV, of(fake), out.progress, seconds=1, name="housing-dev", prod="")

    assert fake.done == []
    assert "There is no stack housing-dev." in out.text.getvalue()


def test_production_is_removed_only_where_that_is_said_as_well() -> None:
    fake = FakeCloudFormation("UPDATE_COMPLETE")

    with pytest.raises(NotConfirmedError, match="DESTROY_PROD=yes"):
        remove(PROD, of(fake), Out().progress, seconds=1, name="housing-prod", prod="")

    assert fake.done == []


def test_the_guard_is_taken_off_before_the_stack_is_deleted() -> None:
    fake = FakeCloudFormation(*DELETED)
    fake.is_protected = True

    remove(PROD, of(fake), Out().progress, seconds=1, name="housing-prod", prod="yes")

    assert fake.done == ["update_termination_protection", "delete_stack"]
    assert not fake.is_protected


def test_retained_resources_are_listed_before_the_deletion() -> None:
    fake, out = FakeCloudFormation(*DELETED), Out()
    fake.template = "Resources: {A: {DeletionPolicy: Retain}, B: {DeletionPolicy: Retain}, C: {}}"
    fake.resources = [
        {"LogicalResourceId": "A", "ResourceType": "AWS::S3::Bucket", "PhysicalResourceId": "rows"},
        {"LogicalResourceId": "B", "ResourceType": "AWS::KMS::Key", "PhysicalResourceId": "key-1"},
        {"LogicalResourceId": "C", "ResourceType": "AWS::SQS::Queue", "PhysicalResourceId": "q"},
    ]

    remove(DEV, of(fake), out.progress, seconds=1, name="housing-dev", prod="")

    said = out.text.getvalue()
    assert "rows: its rows and models remain" in said
    assert "AWS::KMS::Key key-1: delete it in the console" in said
    assert "AWS::SQS::Queue" not in said


def test_a_failed_deletion_is_an_error_with_the_final_state() -> None:
    fake = FakeCloudFormation("UPDATE_COMPLETE", "DELETE_FAILED")

    with pytest.raises(RolloutError, match="CloudFormation ended in DELETE_FAILED"):
        remove(DEV, of(fake), Out().progress, seconds=1, name="housing-dev", prod="")
