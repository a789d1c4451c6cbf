"""From an error to the one line that a person needs: what failed, and what to do."""

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
    NoCredentialsError,
    NoRegionError,
)
from botocore.exceptions import ConnectionError as EndpointError
from pydantic import ValidationError

from housing.errors import HousingError, JobNotFoundError, ObjectError, RegistryUnavailableError
from housing_cli.errors import ApiUnreachableError, CliError

IS_IT_UP = "is the stack up? make status"

EXPLAINED = (CliError, HousingError, BotoCoreError, ClientError, ValidationError)
"""Errors that ``explain`` has a line for; anything else is a defect of this program."""


def explain(error: Exception) -> str:
    """Return one line for one of the errors in ``EXPLAINED``."""
    match error:
        case ApiUnreachableError() | RegistryUnavailableError():
            line = f"{error}: {IS_IT_UP}"
        case JobNotFoundError():
            line = f"{error}: `housing status` lists the jobs there are"
        case ObjectError(__cause__=BotoCoreError() | ClientError() as cause):
            return explain(cause)
        case ClientError():
            line = _refused_by_aws(error)
        case NoCredentialsError() | NoRegionError():
            line = f"{error}: configure AWS, or run this in the checkout after `make run`"
        case EndpointError() | HTTPClientError():
            line = f"AWS cannot be reached ({error}): {IS_IT_UP}"
        case ValidationError():
            line = f"cannot make sense of {error.title}: {error.errors()[0]['msg']}"
        case _:
            line = str(error)
    return " ".join(line.split())


def _refused_by_aws(error: ClientError) -> str:
    code = error.response.get("Error", {}).get("Code", "")
    if code == "NoSuchBucket":
        return f"the bucket that HOUSING_BUCKET names does not exist; {IS_IT_UP}"
    return f"{error}: check the AWS settings and what the credentials may do"
