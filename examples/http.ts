/** A small application with a web framework from npm, which the deploy bundles. */
import { Hono } from "npm:hono@4";

interface Book {
  readonly id: number;
  readonly title: string;
  readonly author: string;
}

const books: Book[] = [
  { id: 1, title: "Three Men in a Boat", author: "Jerome K. Jerome" },
  { id: 2, title: "The Sea-Wolf", author: "Jack London" },
];

const app = new Hono();

app.get("/", (c) => c.text("GET /book, GET /book/1 or POST /echo\n"));
app.get("/book", (c) => c.json(books));
app.get("/book/:id", (c) => {
  const book = books.find(({ id }) => id === Number(c.req.param("id")));
  return book ? c.json(book) : c.json({ error: "no such book" }, 404);
});
app.post("/echo", async (c) => c.text(await c.req.text()));

export default app;
