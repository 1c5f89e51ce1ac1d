/** An installation that looks used: what the screenshots show and the measurements of the dashboard run on. */
import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { demoFunctions } from "./demo-functions.ts";

const ORDER = readFileSync(new URL("../../examples/flows/order.yaml", import.meta.url), "utf8");

/** A flow whose second step takes a while and whose last one waits for a person. */
const REFUND = `# Refunds above 100 wait for a person.
flow: refund
input:
  type: object
  required: [order, amount]
  properties:
    order: { type: string }
    amount: { type: number }
steps:
  check: { fn: check }
  review:
    approve: "Refund \${ string(input.amount) } for \${ input.order }?"
    needs: [check]
    if: input.amount > 100
  pay: { fn: slow-report, needs: [check] }
  notify: { fn: mail, needs: [review, pay], with: { to: "ada@example.com", text: "Refunded." } }
`;

export class Demo {
  readonly #url: string;

  /** @param url of a Skiff on loopback that asks for no token */
  constructor(url: string) {
    this.#url = url;
  }

  /** Declares everything. */
  async declare(): Promise<void> {
    await this.#send("PUT", "/secret/stripe-key", "sk_test_4242");
    await this.#send("PUT", "/secret/smtp-password", "hunter2hunter2");
    for (const { name, source, query = "" } of demoFunctions())
      await this.#send(
        "POST",
        `/func?name=${name}&message=${encodeURIComponent("First version")}${query}`,
        source,
      );
    await this.#newVersions();
    await this.#send("PUT", "/topic/orders", "{}");
    await this.#send("PUT", "/topic/shipped", "{}");
    await this.#json("PUT", "/subscription/stock", { topic: "orders", function: "stock" });
    await this.#json("PUT", "/subscription/mails", { topic: "shipped", function: "mail" });
    await this.#json("PUT", "/subscription/thumbnails", {
      topic: "orders",
      function: "thumbnails",
      retry: { attempts: 1 },
    });
    await this.#json("PUT", "/subscription/warehouse", {
      topic: "orders",
      function: "webhooks",
      paused: true,
    });
    await this.#json("PUT", "/schedule/nightly-report", {
      cron: "0 3 * * *",
      timeZone: "Europe/Berlin",
      call: { function: "slow-report" },
    });
    await this.#json("PUT", "/schedule/minute-tick", { cron: "* * * * *", call: { function: "stock" } });
    await this.#send("PUT", "/flow/order?message=Orders", ORDER);
    await this.#send("PUT", "/flow/refund?message=Refunds", REFUND);
    await this.#json("POST", "/key", { name: "ci-deploy", scopes: ["deploy", "read"], ttl: "90d" });
    await this.#json("POST", "/key", {
      name: "shop-frontend",
      scopes: ["call"],
      functions: ["check", "charge"],
    });
    // The first request for a repository makes it.
    for (const name of ["checkout", "stock"])
      await (await fetch(`${this.#url}/git/${name}.git/info/refs?service=git-upload-pack`)).arrayBuffer();
  }

  /** Makes calls for some time, so that lists and charts have something to show. */
  async use(ms: number): Promise<void> {
    const until = Date.now() + ms;
    const order = (id: number, card: string) => {
      const input = { id: `o-${id}`, items: 1 + (id % 3), card, mail: "ada@example.com" };
      return this.#json("POST", "/flow/order/run", input);
    };
    await this.#json("POST", "/flow/refund/run", { order: "o-17", amount: 240 });
    await this.#json("POST", "/flow/refund/run", { order: "o-18", amount: 20 });
    for (let round = 0; Date.now() < until; round++) {
      await Promise.all([
        ...["stock", "cards", "useragent", "search"].map((name) => this.#call(`/fn/${name}`)),
        this.#call("/fn/checkout", { amount: round }),
        this.#call("/fn/flaky"),
        ...(round % 5 === 0
          ? [order(round, round % 10 === 0 ? "4000" : "4242"), this.#call("/fn/slow-report")]
          : []),
        ...(round % 4 === 0
          ? [this.#call("/async/fn/flaky", {}), this.#call("/async/fn/mail", { to: "a@example.com" })]
          : []),
        ...(round % 6 === 0 ? [this.#json("POST", "/topic/orders", { id: `o-${round}` })] : []),
      ]);
      await pause(50);
    }
  }

  async #newVersions(): Promise<void> {
    const [checkout] = demoFunctions().filter(({ name }) => name === "checkout");
    const next = checkout!.source.replace("tax: 0.19", "tax: 0.2");
    await this.#send("POST", "/func?name=checkout&traffic=10&message=Raise+the+tax+to+20+%25", next);
    await this.#send(
      "POST",
      "/func?name=stock&message=Count+pallets",
      `${demoFunctions().find(({ name }) => name === "stock")!.source}// pallets\n`,
    );
  }

  async #call(path: string, json?: unknown): Promise<void> {
    const body = json === undefined ? {} : { method: "POST", body: JSON.stringify(json) };
    await (await fetch(`${this.#url}${path}`, body)).arrayBuffer();
  }

  #json(method: string, path: string, json: unknown): Promise<void> {
    return this.#send(method, path, JSON.stringify(json), "application/json");
  }

  async #send(method: string, path: string, body: string, type = "text/plain"): Promise<void> {
    const response = await fetch(`${this.#url}${path}`, { method, body, headers: { "content-type": type } });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  }
}
