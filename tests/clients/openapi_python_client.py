"""What an application does with the client that openapi-python-client makes, as users write it.

The lines printed are compared by tests/it/generated_clients.rs.
"""

import sys

from keyfob_client import AuthenticatedClient, Client
from keyfob_client.api.gate import verify_api_key
from keyfob_client.api.sms import list_messages, send_messages, show_balance, show_message
from keyfob_client.models import Question, SendRequest

url, key, phone = sys.argv[1:]
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
