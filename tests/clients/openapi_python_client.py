"""What an application does with the client that openapi-python-client makes, as users write it.

The lines printed are compared by tests/it/generated_clients.rs.
"""

import sys

from keyfob_client import AuthenticatedClient, Client
from keyfob_client.api.gate import verify_api_key
from keyfob_client.api.management import change_key, create_key, list_keys, rotate_key, set_key_status
from keyfob_client.api.sms import list_messages, send_messages, show_balance, show_message
from keyfob_client.models import (
    CreateKeyRequest,
    CreateKeyRequestMetadata,
    KeyPatch,
    KeyStatusRequest,
    Question,
    RotationRequest,
    SendRequest,
)

url, key, phone, management_key = sys.argv[1:]
client = AuthenticatedClient(base_url=url, token=key, prefix="", auth_header_name="X-API-Key")

verdict = verify_api_key.sync(client=Client(base_url=url), body=Question(key=key, service="sms", client_ip="203.0.113.7"))
print("verified", verdict.valid, verdict.code, verdict.mode.value, verdict.expires_at)
unknown = verify_api_key.sync(client=Client(base_url=url), body=Question(key="unknown"))
print("verified", unknown.valid, unknown.code, unknown.mode or None, unknown.expires_at or None)

accepted = send_messages.sync(client=client, body=SendRequest(to=phone, text="Hello", reference="order-42"))
print("sent", accepted.messages[0].to, accepted.messages[0].reference)
several = send_messages.sync(client=client, body=SendRequest(to=[phone, "+14155552671"], text="Hello"), idempotency_key="a-1")
print("sent", len(several.messages))
message = show_message.sync(accepted.messages[0].id, client=client)
print("read", message.to, len(list_messages.sync(client=client, status="queued").messages) >= 0)
print("balance", show_balance.sync(client=client).credits_ == several.credits_left)

refused = send_messages.sync_detailed(client=client, body=SendRequest(to="x", text="Hello"))
print("refused", refused.status_code.value, refused.parsed.code, refused.parsed.errors[0].field)
refused = show_balance.sync_detailed(client=AuthenticatedClient(base_url=url, token="unknown"))
print("refused", refused.status_code.value, refused.parsed.code)

manager = AuthenticatedClient(base_url=url, token=management_key)
plan = CreateKeyRequestMetadata.from_dict({"plan": "pro"})
customer = CreateKeyRequest(
    service="sms", name="Customer 42", external_id="cust_42", metadata=plan, scopes=["messages.send"]
)
created = create_key.sync(client=manager, body=customer, idempotency_key="signup-42")
print("created", created.name, created.external_id, created.key is not None)
again = create_key.sync(client=manager, body=customer, idempotency_key="signup-42")
print("again", again.id == created.id, again.key, again.replayed)
verdict = verify_api_key.sync(client=Client(base_url=url), body=Question(key=created.key, include=["metadata"]))
print("verified", verdict.external_id, verdict.metadata["plan"])
changed = change_key.sync(created.id, client=manager, body=KeyPatch(name="Customer 43"), if_match='"1"')
print("changed", changed.name, changed.version)
rotated = rotate_key.sync(created.id, client=manager, body=RotationRequest(grace_seconds=60))
print("rotated", rotated.key != created.key, rotated.previous.secret_id == created.secrets[0].id)
switched = set_key_status.sync(created.id, client=manager, body=KeyStatusRequest(status="disabled", reason="unused"))
print("disabled", switched.status, verify_api_key.sync(client=manager, body=Question(key=rotated.key)).code)
listed = list_keys.sync(client=manager, external_id="cust_42")
print("listed", len(listed.keys), listed.next_cursor)
refused = create_key.sync_detailed(client=manager, body=CreateKeyRequest(service="mail", name="Customer 42"))
print("refused", refused.status_code.value, refused.parsed.code)
