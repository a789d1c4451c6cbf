"""The part of API Gateway that keeps keys, in memory."""

from typing import Any


class FakeApiGateway:
    """Keys with their values, and which of them are on the usage plan."""

    def __init__(self) -> None:
        self.keys: dict[str, dict[str, Any]] = {}
        self.on_plan: list[tuple[str, str]] = []

    def create_api_key(self, **key: Any) -> dict[str, Any]:
        """Make a key."""
        made = {**key, "id": f"gateway-{len(self.keys) + 1}"}
        self.keys[made["id"]] = made
        return made

    def create_usage_plan_key(self, **fields: str) -> None:
        """Put a key on a plan."""
        assert fields["keyId"] in self.keys
        self.on_plan.append((fields["usagePlanId"], fields["keyId"]))

    def get_api_keys(self, **query: str) -> dict[str, list[dict[str, Any]]]:
        """List the keys whose names begin with the query."""
        name = query.get("nameQuery", "")
        return {"items": [key for key in self.keys.values() if key["name"].startswith(name)]}

    def delete_api_key(self, **key: str) -> None:
        """End a key."""
        del self.keys[key["apiKey"]]
