"""Turn an error into one line with the next step."""

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
from housing_ops.key_ring import UnknownKeyError

_IS_IT_UP = "is the stack up? make status"

EXPLAINED = (
    *(CliError, HousingError, UnknownKeyError),
    *(BotoCoreError, ClientError, ValidationError),
)
"""The errors that ``explain`` takes; any other is a defect of this program."""


def explain(error: Exception) -> str:
    """Return one line for an error of a type in ``EXPLAINED``."""
    match error:
        case ApiUnreachableError() | RegistryUnavailableError():
            line = f"{error}: {_IS_IT_UP}"
        case JobNotFoundError():
            line = f"{error}: `housing status` lists the jobs"
        case ObjectError(__cause__=BotoCoreError() | ClientError() as cause):
            return explain(cause)
        case ClientError(response={"Error": {"Code": "NoSuchBucket"}}):
            line = f"the bucket in HOUSING_BUCKET does not exist; {_IS_IT_UP}"
        case ClientError():
            line = f"{error}: check the AWS settings and the permissions of the credentials"
        case NoCredentialsError() | NoRegionError():
            line = f"{error}: configure AWS, or run this in the checkout after `make run`"
        case EndpointError() | HTTPClientError():
            line = f"cannot reach AWS ({error}): {_IS_IT_UP}"
        case ValidationError():
            line = f"{error.title} is not valid: {error.errors()[0]['msg']}"
        case _:
            line = str(error)
    return " ".join(line.split())
