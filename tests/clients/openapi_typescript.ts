// What an application does with the types that openapi-typescript makes: every request and
// answer is typed, so that the compiler refuses what the document does not describe.
//
// The lines printed are compared by tests/it/generated_clients.rs.

import type { components, operations } from "./keyfob.js";

type Schemas = components["schemas"];
type JsonOf<Operation extends keyof operations, Status extends keyof operations[Operation]["responses"]> =
  operations[Operation]["responses"][Status] extends { content: { "application/json": infer Body } } ? Body : never;

declare const process: { argv: string[] };
const [url, key, phone, managementKey] = process.argv.slice(2) as [string, string, string, string];

async function call(method: string, path: string, headers: Record<string, string>, body?: object): Promise<Response> {
  const sent = body && { body: JSON.stringify(body), headers: { ...headers, "Content-Type": "application/json" } };
  return fetch(url + path, { method, headers, ...sent });
}

async function verify(question: Schemas["Question"]): Promise<JsonOf<"verifyApiKey", 200>> {
  return (await call("POST", "/v1/keys/verify", {}, question)).json();
}

async function send(request: Schemas["SendRequest"], name = "a-0"): Promise<JsonOf<"sendMessages", 202>> {
  return (await call("POST", "/v1/sms/messages", { "X-API-Key": key, "Idempotency-Key": name }, request)).json();
}

async function get<Body>(path: string): Promise<Body> {
  return (await call("GET", path, { "X-API-Key": key })).json();
}

const word = (value: unknown) => (value === true ? "True" : value === false ? "False" : (value ?? "None"));
const print = (...values: unknown[]) => console.log(values.map(word).join(" "));

const verdict = await verify({ key, service: "sms", client_ip: "203.0.113.7" });
print("verified", verdict.valid, verdict.code, verdict.mode, verdict.expires_at);
const unknown = await verify({ key: "unknown" });
print("verified", unknown.valid, unknown.code, unknown.mode, unknown.expires_at);

const accepted = await send({ to: phone, text: "Hello", reference: "order-42" });
const [first] = accepted.messages as [Schemas["Message"]];
print("sent", first.to, first.reference);
const several = await send({ to: [phone, "+14155552671"], text: "Hello" }, "a-1");
print("sent", several.messages.length);
const message = await get<JsonOf<"showMessage", 200>>(`/v1/sms/messages/${first.id}`);
const list = await get<JsonOf<"listMessages", 200>>("/v1/sms/messages?status=queued");
print("read", message.to, list.messages.length >= 0);
print("balance", (await get<JsonOf<"showBalance", 200>>("/v1/balance")).credits === several.credits_left);

const refused = await call("POST", "/v1/sms/messages", { "X-API-Key": key }, { to: "x", text: "Hello" });
const problem: Schemas["Problem"] = await refused.json();
print("refused", refused.status, problem.code, problem.errors?.[0]?.field);
const denied = await call("GET", "/v1/balance", { Authorization: "Bearer unknown" });
const denial: Schemas["Problem"] = await denied.json();
print("refused", denied.status, denial.code);

async function manage<Body>(method: string, path: string, body?: object, headers: Record<string, string> = {}) {
  const answer = await call(method, path, { ...headers, "X-API-Key": managementKey }, body);
  return (await answer.json()) as Body;
}

const customer: Schemas["CreateKeyRequest"] = {
  service: "sms", name: "Customer 42", external_id: "cust_42", metadata: { plan: "pro" }, scopes: ["messages.send"],
};
const name = { "Idempotency-Key": "signup-42" };
const created = await manage<JsonOf<"createKey", 201>>("POST", "/v1/keys", customer, name);
print("created", created.name, created.external_id, created.key !== null);
const again = await manage<JsonOf<"createKey", 201>>("POST", "/v1/keys", customer, name);
print("again", again.id === created.id, again.key, again.replayed);
const told = await verify({ key: created.key ?? "", include: ["metadata"] });
print("verified", told.external_id, told.metadata?.["plan"]);
const path = `/v1/keys/${created.id}`;
const patch: Schemas["KeyPatch"] = { name: "Customer 43" };
const changed = await manage<JsonOf<"changeKey", 200>>("PATCH", path, patch, { "If-Match": '"1"' });
print("changed", changed.name, changed.version);
const rotation: Schemas["RotationRequest"] = { grace_seconds: 60 };
const rotated = await manage<JsonOf<"rotateKey", 200>>("POST", `${path}/rotation`, rotation);
print("rotated", rotated.key !== created.key, rotated.previous.secret_id === created.secrets[0]?.id);
const off: Schemas["KeyStatusRequest"] = { status: "disabled", reason: "unused" };
const switched = await manage<JsonOf<"setKeyStatus", 200>>("PUT", `${path}/status`, off);
print("disabled", switched.status, (await verify({ key: rotated.key })).code);
const listed = await manage<JsonOf<"listKeys", 200>>("GET", "/v1/keys?external_id=cust_42");
print("listed", listed.keys.length, listed.next_cursor);
const mail: Schemas["CreateKeyRequest"] = { service: "mail", name: "Customer 42" };
const outside = await call("POST", "/v1/keys", { "X-API-Key": managementKey }, mail);
const bound: Schemas["Problem"] = await outside.json();
print("refused", outside.status, bound.code);
