"""What an application does with the client that openapi-generator makes, as users write it.

The lines printed are compared by tests/it/generated_clients.rs.
"""

import sys

from keyfob_client import ApiClient, Configuration, GateApi, ManagementApi, Question, SendRequest, SendRequestTo, SmsApi
from keyfob_client import CreateKeyRequest, KeyPatch, KeyStatusRequest, RotationRequest
from keyfob_client.exceptions import ApiException, UnauthorizedException

url, key, phone, management_key = sys.argv[1:]
client = ApiClient(Configuration(host=url, api_key={"apiKey": key}))
gate, sms = GateApi(client), SmsApi(client)

verdict = gate.verify_api_key(Question(key=key, service="sms", client_ip="203.0.113.7"))
print("verified", verdict.valid, verdict.code, verdict.mode, verdict.expires_at)
unknown = gate.verify_api_key(Question(key="unknown"))
print("verified", unknown.valid, unknown.code, unknown.mode, unknown.expires_at)

accepted = sms.send_messages(SendRequest(to=SendRequestTo(phone), text="Hello", reference="order-42"))
print("sent", accepted.messages[0].to, accepted.messages[0].reference)
several = sms.send_messages(SendRequest(to=SendRequestTo([phone, "+14155552671"]), text="Hello"), idempotency_key="a-1")
print("sent", len(several.messages))
print("read", sms.show_message(accepted.messages[0].id).to, len(sms.list_messages(status="queued").messages) >= 0)
print("balance", sms.show_balance().credits == several.credits_left)

try:
    sms.send_messages(SendRequest(to=SendRequestTo("x"), text="Hello"))
except ApiException as error:
    print("refused", error.status, error.data.code, error.data.errors[0].var_field)
try:
    SmsApi(ApiClient(Configuration(host=url, access_token="unknown"))).show_balance()
except UnauthorizedException as error:
    print("refused", error.status, error.data.code)

manager = ManagementApi(ApiClient(Configuration(host=url, api_key={"apiKey": management_key})))
customer = CreateKeyRequest(
    service="sms", name="Customer 42", external_id="cust_42", metadata={"plan": "pro"}, scopes=["messages.send"]
)
created = manager.create_key(customer, idempotency_key="signup-42")
print("created", created.name, created.external_id, created.key is not None)
again = manager.create_key(customer, idempotency_key="signup-42")
print("again", again.id == created.id, again.key, again.replayed)
verdict = gate.verify_api_key(Question(key=created.key, include=["metadata"]))
print("verified", verdict.external_id, verdict.metadata["plan"])
changed = manager.change_key(id=created.id, if_match='"1"', key_patch=KeyPatch(name="Customer 43"))
print("changed", changed.name, changed.version)
rotated = manager.rotate_key(created.id, rotation_request=RotationRequest(grace_seconds=60))
print("rotated", rotated.key != created.key, rotated.previous.secret_id == created.secrets[0].id)
switched = manager.set_key_status(created.id, KeyStatusRequest(status="disabled", reason="unused"))
print("disabled", switched.status, gate.verify_api_key(Question(key=rotated.key)).code)
listed = manager.list_keys(external_id="cust_42")
print("listed", len(listed.keys), listed.next_cursor)
try:
    manager.create_key(CreateKeyRequest(service="mail", name="Customer 42"))
except ApiException as error:
    print("refused", error.status, error.data.code)
