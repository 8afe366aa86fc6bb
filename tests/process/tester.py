"""Runs scim2-tester against the server of NAMEPLATE_URL with the token of
NAMEPLATE_TOKEN and prints each check as a line of JSON."""

import json
import os

import httpx2
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import check_server


def plain(value):
    return value.model_dump(mode="json") if hasattr(value, "model_dump") else str(value)


http = httpx2.Client(
    base_url=os.environ["NAMEPLATE_URL"],
    headers={"Authorization": "Bearer " + os.environ["NAMEPLATE_TOKEN"]},
    timeout=30,
)
client = SyncSCIMClient(http)
client.discover()
for result in check_server(client):
    data = result.data if isinstance(result.data, dict) else {}
    check = {
        "status": result.status.name,
        "title": result.title,
        "reason": result.reason,
        "urn": data.get("urn"),
        "expected": data.get("expected"),
        "actual": data.get("modify_actual"),
    }
    print(json.dumps(check, default=plain))
