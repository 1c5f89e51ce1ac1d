/** Header fields of a request or an answer. */
export function HeaderFields({ fields }: { readonly fields: Readonly<Record<string, string>> }) {
  const pairs = Object.entries(fields);
  if (pairs.length === 0) return <p class="muted">No header fields.</p>;
  return (
    <dl class="header-fields">
      {pairs.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd class={value === "(hidden)" ? "muted" : undefined}>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
