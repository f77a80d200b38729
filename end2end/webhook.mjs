// What GitHub would send to the server of the browser tests.

import { createHmac } from "node:crypto";

/** With this the server checks who sends. */
export const secret = "the browser tests send this";

let delivered = 0;

/** A delivery of an event: its body, and the headers that go with it. */
export function delivery(event, content) {
  const body = JSON.stringify(content);
  const signature = createHmac("sha256", secret).update(body).digest("hex");
  const headers = {
    "content-type": "application/json",
    "x-github-event": event,
    "x-github-delivery": `${Date.now()}-${++delivered}`,
    "x-hub-signature-256": `sha256=${signature}`,
  };
  return { data: body, headers };
}
