import { readFileSync } from "node:fs";

export interface DemoFunction {
  readonly name: string;
  readonly source: string;
  /** Settings, as a part of a query string. */
  readonly query?: string;
}

/** Twenty functions of a small shop. */
export function demoFunctions(): readonly DemoFunction[] {
  const echo = (text: string) => `export default () => ({ ok: true, said: ${JSON.stringify(text)} });\n`;
  return [
    { name: "useragent", source: example("useragent.ts") },
    { name: "cards", source: example("cards.ts") },
    { name: "checkout", source: CHECKOUT, query: "&secrets=stripe-key" },
    { name: "flaky", source: FLAKY, query: "&attempts=2" },
    { name: "check", source: flowExample("check.ts") },
    { name: "charge", source: flowExample("charge.ts") },
    { name: "reserve", source: flowExample("reserve.ts") },
    { name: "mail", source: flowExample("mail.ts") },
    { name: "stock", source: STOCK },
    { name: "thumbnails", source: THUMBNAILS },
    { name: "slow-report", source: SLOW, query: "&min=1" },
    { name: "search", source: echo("search"), query: "&min=1" },
    { name: "invoices", source: echo("invoices"), query: "&access=key" },
    { name: "newsletter", source: echo("newsletter"), query: "&access=internal" },
    ...["avatars", "currency", "geocode", "healthcheck", "sitemap", "webhooks"].map((name) => ({
      name,
      source: echo(name),
    })),
  ];
}

function example(file: string): string {
  return readFileSync(new URL(`../../examples/${file}`, import.meta.url), "utf8");
}

function flowExample(file: string): string {
  return example(`flows/${file}`);
}

const CHECKOUT = `interface Order {
  amount: number;
}

const rates = { tax: 0.19 };

/** Adds the tax to an order. */
export default async function checkout(request: Request) {
  const { amount = 0 } = request.method === "POST" ? ((await request.json()) as Order) : {} as Order;
  console.log("checkout of", amount);
  return { amount, total: Math.round(amount * (1 + rates.tax) * 100) / 100 };
}
`;

const FLAKY = `let calls = 0;

function readRates(): { eur: number } {
  calls++;
  if (calls % 3 === 0) throw new TypeError("rates.eur is not a number: the provider answered 502");
  if (calls % 5 === 0) console.warn("the provider of rates is slow");
  return { eur: 1 };
}

export default () => {
  console.log("reading rates", calls);
  return readRates();
};
`;

const STOCK = `export default async (request: Request) => {
  const text = await request.text();
  console.log("stock", text.length, "bytes");
  return { shelves: 4, pallets: 2 };
};
`;

const THUMBNAILS = `interface Image {
  width: number;
}

const images = new Map<string, Image>();

export default async (request: Request) => {
  const { id } = (await request.json()) as { id: string };
  const image = images.get(id);
  return { width: Math.min(image!.width, 320) };
};
`;

const SLOW = `export default async () => {
  for (let page = 1; page <= 3; page++) {
    console.log("page", page);
    await new Promise((resolve) => setTimeout(resolve, 400));
  }
  return { pages: 3 };
};
`;
