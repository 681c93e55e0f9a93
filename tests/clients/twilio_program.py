"""What a program does that was written for Twilio, with Twilio's own client and another base URL.

The lines printed are compared by tests/it/twilio_clients.rs.
"""

import json
import sys
import time

from twilio.base.exceptions import TwilioRestException
from twilio.request_validator import RequestValidator
from twilio.rest import Client

given = json.loads(sys.argv[1])


def connect(url, user, password, account=None):
    client = Client(user, password, account)
    client.api.base_url = url
    return client


def refused(what, work):
    try:
        work()
        print(what, "was not refused")
    except TwilioRestException as error:
        print(what, error.status, error.code)


def ended(client, sid):
    while True:
        message = client.messages(sid).fetch()
        if message.status not in ("queued", "sending", "sent"):
            return message
        time.sleep(0.02)


if call := given.get("call"):
    validator = RequestValidator(call["secret"])
    print(validator.validate(call["url"], call["form"], call["signature"]))
    print(validator.validate(call["url"], {**call["form"], "MessageStatus": "failed"}, call["signature"]))
    sys.exit()

account, phone = given["account"], given["phone"]
client = connect(given["url"], account, given["key"])

for number in range(1, 6):
    message = client.messages.create(to=phone, from_="MyShop", body=f"Hello {number}", validity_period=3600)
print("created", message.sid[:2], message.account_sid == account, message.body, message.from_, message.to == phone)
print("created", message.num_segments, message.direction, message.price, message.date_created.utcoffset())
message = ended(client, message.sid)
print("fetched", message.status, message.error_code, message.body)
print("listed", [one.body for one in client.messages.list(page_size=2)])
print("listed", [one.body for one in client.messages.list(limit=3, page_size=2)])
print("listed", len(client.messages.list(to=phone, date_sent_after=message.date_created)))
print("listed", len(client.messages.list(to=phone, date_sent_before=message.date_created.date().replace(year=2000))))
print("redacted", repr(client.messages(message.sid).update(body="").body), repr(message.fetch().body))
print("deleted", client.messages(message.sid).delete())
refused("gone", message.fetch)
print("listed", len(client.messages.list()))

refused("to", lambda: client.messages.create(to="777", from_="MyShop", body="x"))
refused("from", lambda: client.messages.create(to=phone, from_="Žluť", body="x"))
refused("body", lambda: client.messages.create(to=phone, from_="MyShop"))
refused("long", lambda: client.messages.create(to=phone, from_="MyShop", body="x" * 1601))
refused("media", lambda: client.messages.create(to=phone, from_="MyShop", body="x", media_url=["https://example.com/x.png"]))
latest = client.messages.list(limit=1)[0].sid
refused("late", lambda: client.messages(latest).update(status="canceled"))
refused("unknown", lambda: client.messages("SM" + "0" * 32).fetch())
# The client has a poorer error for lists.
refused("account", connect(given["url"], "SK" + "0" * 32, given["key"], "AC" + "0" * 32).messages(latest).fetch)
refused("key", connect(given["url"], account, "secret").messages(latest).fetch)
refused("off", connect(given["url"], account, given["off"]).messages(latest).fetch)

print("key sid", len(connect(given["url"], "SK" + "0" * 32, given["key"], account).messages.list()))
test = connect(given["url"], account, given["test"])
print("test", test.messages.create(to=phone, messaging_service_sid="MG" + "0" * 32, body="Test").status)
print("test", [one.body for one in test.messages.list()], "Test" in [one.body for one in client.messages.list()])

held = connect(given["held"]["url"], given["held"]["account"], given["held"]["key"])
waiting = held.messages.create(to=phone, from_="MyShop", body="Wait")
refused("waiting", held.messages(waiting.sid).delete)
print("canceled", held.messages(waiting.sid).update(status="canceled").status, waiting.fetch().status)
