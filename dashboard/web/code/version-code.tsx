import { useEffect, useState } from "preact/hooks";
import { type ApiProblem, asProblem } from "../api/problem.ts";
import { useAddressQuery } from "../blocks/address-query.ts";
import { Editor, type Place } from "../editor/editor.tsx";
import { languageOf } from "../editor/languages.ts";
import { Button, LinkButton } from "../ui/button.tsx";
import { Select } from "../ui/field.tsx";
import { Notice, ProblemNotice } from "../ui/notice.tsx";
import { readSource } from "./read-source.ts";
import { mainFile, type Source } from "./source.ts";

interface VersionCodeProps {
  readonly name: string;
  readonly version: number;
  /** The version in the editor. */
  readonly current: number;
}

/** The source of a version that is not the current one, to read: lines of errors are lines of the version that failed. */
export function VersionCode({ name, version, current }: VersionCodeProps) {
  const [get, set] = useAddressQuery();
  const [source, setSource] = useState<Source>();
  const [problem, setProblem] = useState<ApiProblem>();
  const [place, setPlace] = useState<Place>();
  useEffect(() => {
    readSource(name, version).then(setSource, (error: unknown) => setProblem(asProblem(error)));
  }, []);
  const line = Number(get("line"));
  useEffect(() => {
    if (line > 0) setPlace({ line });
  }, [line, source]);
  const files = source?.files ?? {};
  const paths = Object.keys(files).sort();
  const wanted = get("file");
  const shown = wanted in files || source === undefined ? wanted : mainFile(source);
  const content = files[shown];
  return (
    <div class="code">
      <Notice kind="warn" title={`This is version ${version}. The editor has version ${current}.`}>
        <div class="row">
          <Button small onClick={() => set({ version: "" })}>
            {`Edit version ${current}`}
          </Button>
          <LinkButton small href={`/functions/${name}/versions`}>
            Compare or roll back
          </LinkButton>
        </div>
      </Notice>
      <ProblemNotice problem={problem} />
      {paths.length < 2 ? null : (
        <Select
          label="File"
          bare
          value={shown}
          options={paths}
          onChange={(file) => set({ file, line: "", column: "" })}
        />
      )}
      {content === undefined ? null : "text" in content ? (
        <Editor
          value={content.text}
          file={shown}
          language={languageOf(shown)}
          label={`Source of ${shown}, version ${version}`}
          goTo={place}
          readOnly
        />
      ) : (
        <Notice title={`${shown} is a binary file`} />
      )}
    </div>
  );
}
