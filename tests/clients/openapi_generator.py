"""What an application does with the client that openapi-generator makes, as users write it.

The lines printed are compared by tests/it/generated_clients.rs.
"""

import sys

from keyfob_client import ApiClient, Configuration, GateApi, Question, SendRequest, SendRequestTo, SmsApi
from keyfob_client.exceptions import ApiException, UnauthorizedException

url, key, phone = sys.argv[1:]
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
