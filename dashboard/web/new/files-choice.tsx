import { useRef, useState } from "preact/hooks";
import { Button } from "../ui/button.tsx";
import { Checkbox } from "../ui/field.tsx";
import { bytesText } from "../ui/values.tsx";
import { type Chosen, fromInput } from "./chosen-files.ts";

interface FilesChoiceProps {
  readonly chosen: Chosen | undefined;
  readonly onChosen: (chosen: Chosen) => void;
  readonly isProgram: boolean;
  readonly onProgram: (isProgram: boolean) => void;
}

const MOST_SHOWN = 200;

/** Files from this computer: dropped anywhere on the page, or chosen. */
export function FilesChoice({ chosen, onChosen, isProgram, onProgram }: FilesChoiceProps) {
  const file = useRef<HTMLInputElement>(null);
  const folder = useRef<HTMLInputElement>(null);
  const [isReading, setReading] = useState(false);
  const read = async (input: HTMLInputElement) => {
    setReading(true);
    try {
      const found = await fromInput(input.files!);
      if (found !== undefined) onChosen(found);
    } finally {
      setReading(false);
      input.value = "";
    }
  };
  return (
    <div class="new-files">
      <p>Drop a file, a folder or an archive (zip, tar, tar.gz) anywhere on this page, or choose it.</p>
      <div class="row">
        <Button icon="upload" disabled={isReading} onClick={() => file.current!.click()}>
          Choose files
        </Button>
        <Button icon="upload" disabled={isReading} onClick={() => folder.current!.click()}>
          Choose a folder
        </Button>
        <input
          {...{ ref: file, type: "file", multiple: true, hidden: true }}
          aria-label="Files"
          onChange={({ currentTarget }) => void read(currentTarget)}
        />
        <input
          {...{ ref: folder, type: "file", hidden: true, webkitdirectory: true }}
          aria-label="Folder"
          onChange={({ currentTarget }) => void read(currentTarget)}
        />
      </div>
      {chosen === undefined ? null : (
        <>
          <h2>{chosen.name}</h2>
          <ul>
            {shown(chosen).map(([path, bytes]) => (
              <li key={path}>
                <code>{path}</code> <span class="muted">{bytesText(bytes)}</span>
              </li>
            ))}
          </ul>
          <Checkbox
            label="It is a program for the system, such as a script with a first line #!, not a module"
            checked={isProgram}
            onChange={onProgram}
          />
        </>
      )}
    </div>
  );
}

function shown(chosen: Chosen): readonly (readonly [string, number])[] {
  if (chosen.kind === "archive") return [[chosen.archive.name, chosen.archive.size]];
  return Object.entries(chosen.files)
    .slice(0, MOST_SHOWN)
    .map(([path, content]) => [path, "text" in content ? new Blob([content.text]).size : content.bytes]);
}
