// What a program does that was written for Twilio, with Twilio's own client and another base URL.
// The lines printed are compared by tests/it/twilio_clients.rs.
import twilio from "twilio";

const given = JSON.parse(process.argv[2]);

function connect(url, user, password, accountSid) {
  const client = twilio(user, password, { accountSid });
  client.api.baseUrl = url;
  return client;
}

async function refused(what, work) {
  try {
    await work();
    console.log(what, "was not refused");
  } catch (error) {
    console.log(what, error.status, error.code);
  }
}

async function ended(client, sid) {
  for (;;) {
    const message = await client.messages(sid).fetch();
    if (!["queued", "sending", "sent"].includes(message.status)) return message;
    await new Promise((done) => setTimeout(done, 20));
  }
}

const quoted = (text) => `'${text}'`;
const list = (texts) => `[${texts.map(quoted).join(", ")}]`;
const python = (value) => (value === true ? "True" : value === false ? "False" : (value ?? "None"));
const bodies = async (client, options) => list((await client.messages.list(options)).map((one) => one.body));

if (given.call) {
  const { secret, url, form, signature } = given.call;
  console.log(python(twilio.validateRequest(secret, signature, url, form)));
  console.log(python(twilio.validateRequest(secret, signature, url, { ...form, MessageStatus: "failed" })));
  process.exit();
}

const { account, phone, url } = given;
const client = connect(url, account, given.key);
const none = "0".repeat(32);

let message;
for (const number of [1, 2, 3, 4, 5]) {
  message = await client.messages.create({ to: phone, from: "MyShop", body: `Hello ${number}`, validityPeriod: 3600 });
}
console.log("created", message.sid.slice(0, 2), python(message.accountSid === account), message.body, message.from, python(message.to === phone));
const offset = Number.isNaN(message.dateCreated.getTime()) ? "no date" : "0:00:00";
console.log("created", message.numSegments, message.direction, python(message.price), offset);
message = await ended(client, message.sid);
console.log("fetched", message.status, python(message.errorCode), message.body);
console.log("listed", await bodies(client, { pageSize: 2 }));
console.log("listed", await bodies(client, { limit: 3, pageSize: 2 }));
console.log("listed", (await client.messages.list({ to: phone, dateSentAfter: message.dateCreated })).length);
console.log("listed", (await client.messages.list({ to: phone, dateSentBefore: new Date("2000-03-01") })).length);
const redacted = await client.messages(message.sid).update({ body: "" });
console.log("redacted", quoted(redacted.body), quoted((await message.fetch()).body));
console.log("deleted", python(await client.messages(message.sid).remove()));
await refused("gone", () => message.fetch());
console.log("listed", (await client.messages.list()).length);

const create = (changes) => () => client.messages.create({ to: phone, from: "MyShop", body: "x", ...changes });
await refused("to", create({ to: "777" }));
await refused("from", create({ from: "Žluť" }));
await refused("body", create({ body: undefined }));
await refused("long", create({ body: "x".repeat(1601) }));
await refused("media", create({ mediaUrl: ["https://example.com/x.png"] }));
const [latest] = await client.messages.list({ limit: 1 });
await refused("late", () => client.messages(latest.sid).update({ status: "canceled" }));
await refused("unknown", () => client.messages(`SM${none}`).fetch());
await refused("account", () => connect(url, `SK${none}`, given.key, `AC${none}`).messages.list());
await refused("key", () => connect(url, account, "secret").messages.list());
await refused("off", () => connect(url, account, given.off).messages.list());

console.log("key sid", (await connect(url, `SK${none}`, given.key, account).messages.list()).length);
const test = connect(url, account, given.test);
console.log("test", (await test.messages.create({ to: phone, messagingServiceSid: `MG${none}`, body: "Test" })).status);
const live = (await client.messages.list()).map((one) => one.body);
console.log("test", await bodies(test), python(live.includes("Test")));

const held = connect(given.held.url, given.held.account, given.held.key);
const waiting = await held.messages.create({ to: phone, from: "MyShop", body: "Wait" });
await refused("waiting", () => held.messages(waiting.sid).remove());
const canceled = await held.messages(waiting.sid).update({ status: "canceled" });
console.log("canceled", canceled.status, (await waiting.fetch()).status);
