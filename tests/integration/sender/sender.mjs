// Each line of standard input is an order: {url, secrets, id, at, body, headers} is signed by npm's standardwebhooks and posted by fetch,
// {verify: {secret, headers, body}} is verified by it. Each answer is a line.
import { createInterface } from "node:readline";
import { Webhook } from "standardwebhooks";

async function send({ url, secrets, id, at, body, headers = {} }) {
  const stamp = at === undefined ? new Date() : new Date(at * 1000);
  const signature = secrets.map((secret) => new Webhook(secret).sign(id, stamp, body)).join(" ");
  const answer = await fetch(url, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "webhook-id": id,
      "webhook-timestamp": String(Math.floor(stamp.getTime() / 1000)),
      "webhook-signature": signature,
      ...headers,
    },
    body,
  });
  return { status: answer.status, words: await answer.text() };
}

function verify({ secret, headers, body }) {
  try {
    return { payload: new Webhook(secret).verify(body, headers) };
  } catch (error) {
    return { refused: String(error.message) };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line);
  console.log(JSON.stringify(order.verify ? verify(order.verify) : await send(order)));
}
