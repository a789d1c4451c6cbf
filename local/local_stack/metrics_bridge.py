"""The bridge from logs to metrics as a service of the stack."""

from local_stack.services import Service, aws_environment, clean_environment
from local_stack.settings import StackSettings


def metrics_bridge(settings: StackSettings) -> Service:
    """Make metrics of log lines, which the local endpoint does not do by itself."""
    folder = settings.state_dir / "bridge"
    heartbeat = folder / "heartbeat"
    return Service(
        name="bridge",
        title="bridge from logs to metrics",
        command=(
            *(str(settings.stack_python), "-m", "local_stack.bridge"),
            *("--log-group-prefix", f"/aws/lambda/{settings.stack_name}-"),
            *("--jobs-dir", str(settings.jobs_dir)),
            *("--place", str(folder / "place.json"), "--heartbeat", str(heartbeat)),
        ),
        environment=clean_environment(settings) | aws_environment(settings),
        startup_seconds=30,
        heartbeat=heartbeat,
    )
