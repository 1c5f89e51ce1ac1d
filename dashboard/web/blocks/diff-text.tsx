/** A unified diff in colours, with a sign before each changed line. */
export function DiffText({ text }: { readonly text: string }) {
  if (text.trim() === "") return <p class="muted">No difference.</p>;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, also by keyboard
    <section class="diff-text" tabIndex={0} aria-label="Difference">
      <pre>
        {text.split("\n").map((line, index) => (
          <span key={index} class={classOf(line)}>
            {`${line}\n`}
          </span>
        ))}
      </pre>
    </section>
  );
}

function classOf(line: string): string {
  if (line.startsWith("+++") || line.startsWith("---")) return "file";
  if (line.startsWith("@@")) return "place";
  if (line.startsWith("+")) return "added";
  return line.startsWith("-") ? "removed" : "same";
}
