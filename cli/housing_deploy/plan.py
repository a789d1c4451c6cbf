"""What a stack is to become: a packaged template, with the stage's parameters."""

import json

from housing_deploy.adoption import adopting
from housing_deploy.change_set import Wanted, key_of
from housing_deploy.clients import Clients
from housing_deploy.parameters import read_template, values
from housing_deploy.stacks import Stack
from housing_deploy.stage import Stage
from local_stack.template import with_defaults


def planned(
    stage: Stage, clients: Clients, before: Stack | None, *, template: str, bucket: str
) -> Wanted:
    """Return what is to be deployed.

    Args:
        stage: Where to.
        clients: Of AWS.
        before: What is deployed there.
        template: Packaged.
        bucket: Where its packages are.

    Raises:
        StageError: The template does not know a parameter that is given.
    """
    sent = (
        template if before else adopting(template, clients.s3, _pseudo_parameters(stage, clients))
    )
    parameters = values(read_template(sent), stage.parameters, before.parameters if before else {})
    if clients.endpoint_url:  # MiniStack hands SAM's translator the defaults alone
        body = json.dumps(with_defaults(read_template(sent), parameters))
    else:
        body = sent
    return Wanted(
        stack_name=stage.stack_name,
        template=body,
        parameters=parameters,
        capabilities=stage.capabilities,
        tags=stage.tags,
        bucket=bucket,
        key=key_of(body, f"{stage.package_prefix}/"),
        takes_over=sent != template,
    )


def _pseudo_parameters(stage: Stage, clients: Clients) -> dict[str, str]:
    return {
        "AWS::StackName": stage.stack_name,
        "AWS::AccountId": clients.account,
        "AWS::Region": clients.s3.meta.region_name,
    }
