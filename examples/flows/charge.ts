/**
 * Charges a card. A step that a crash broke off comes again with the same `Idempotency-Key`, so the second charge of a key
 * is the first one. Here a map of this instance remembers keys; a payment service does the same.
 */
const receipts = new Map<string, string>();

export default async function charge(request: Request): Promise<Response> {
  const { card, amount } = await request.json();
  const key = request.headers.get("idempotency-key") ?? "";
  if (card === "4000") {
    return Response.json({ code: "card_declined", detail: "The card was declined." }, { status: 402 });
  }
  const receipt = receipts.get(key) ?? `r-${receipts.size + 1}`;
  receipts.set(key, receipt);
  return Response.json({ receipt, amount });
}
