import type { DiffLine, FileDiff } from "./unified-diff.ts";

/** Lines of one file that are shown; a longer diff is for a terminal. */
const MOST_LINES = 2_000;
const SIGNS = { same: " ", added: "+", removed: "-", gap: "", note: "" } as const;

/** Files that differ, with the numbers of their lines before and after. */
export function DiffView({ files }: { readonly files: readonly FileDiff[] }) {
  return (
    <div class="diff">
      {files.map((file) => (
        <section key={file.path} aria-label={file.path}>
          <header>
            <code>{file.path}</code>
            <span class="added number">+{file.added}</span>
            <span class="removed number">−{file.removed}</span>
          </header>
          {file.lines.length === 0 ? null : <Lines lines={file.lines} path={file.path} />}
        </section>
      ))}
    </div>
  );
}

function Lines({ lines, path }: { readonly lines: readonly DiffLine[]; readonly path: string }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, also by keyboard
    <section class="diff-lines" tabIndex={0} aria-label={`Lines of ${path}`}>
      <table>
        <tbody>
          {lines.slice(0, MOST_LINES).map((line, index) => (
            <tr key={index} class={line.kind}>
              {line.kind === "gap" || line.kind === "note" ? (
                <td colSpan={3}>{line.text}</td>
              ) : (
                <>
                  <td class="at">{line.before}</td>
                  <td class="at">{line.after}</td>
                  <td class="text">
                    {SIGNS[line.kind]} {line.text}
                  </td>
                </>
              )}
            </tr>
          ))}
        </tbody>
      </table>
      {lines.length > MOST_LINES ? (
        <p class="muted">The first {MOST_LINES} lines are shown; skiff diff shows all.</p>
      ) : null}
    </section>
  );
}
