import { useEffect, useMemo, useState } from "preact/hooks";
import { useLocation } from "wouter";
import { type ApiProblem, asProblem } from "../api/problem.ts";
import { useResource } from "../api/resource.ts";
import { FaultList, faultsOf, marksOf } from "../code/faults.tsx";
import { FoundDrafts } from "../drafts/found-drafts.tsx";
import { DraftKeeper } from "../drafts/keeper.ts";
import { Editor, type Place } from "../editor/editor.tsx";
import { languageOf } from "../editor/languages.ts";
import { droppedFile } from "../functions/dropped-file.ts";
import { can } from "../session/session.ts";
import { Button } from "../ui/button.tsx";
import { TextField } from "../ui/field.tsx";
import { Page } from "../ui/page.tsx";
import { showDone, showProblem } from "../ui/toast.tsx";
import { type Chosen, chosen, fromDrop, isProgram } from "./chosen-files.ts";
import { deployNew, type ImageChoice, type NewSource } from "./deploy-new.ts";
import { FilesChoice } from "./files-choice.tsx";
import { ImageFields } from "./image-choice.tsx";
import { freeName, nameFault } from "./name.ts";
import { TEMPLATES, type Template } from "./templates.ts";

type Kind = Template | "files" | "image";

/** Problems that belong to the field of the image. */
const OF_IMAGE = /^(?:image_|no_engine|invalid_image)/;
const NO_IMAGE: ImageChoice = { image: "", command: "", mode: "serve" };
const NO_NAMES: ReadonlySet<string> = new Set();

/** What was typed here. Files of this computer are still there. */
interface NewDraft {
  /** A template by its name. */
  readonly kind: string;
  readonly typed?: string;
  /** By the name of their template. */
  readonly texts: Readonly<Record<string, string>>;
  readonly image: ImageChoice;
}

/** `/new`: from a template, from files of this computer, from an image. */
export default function NewPage() {
  const [, go] = useLocation();
  const listed = useResource<{ readonly functions: readonly { readonly name: string }[] }>("/func");
  const taken = useMemo(
    () => (listed.data === undefined ? NO_NAMES : new Set(listed.data.functions.map(({ name }) => name))),
    [listed.data],
  );
  const [kind, setKind] = useState<Kind>(TEMPLATES[0]!);
  const [typed, setTyped] = useState(() => new URLSearchParams(location.search).get("name") ?? undefined);
  const [texts, setTexts] = useState<Readonly<Record<string, string>>>({});
  const [files, setFiles] = useState<Chosen>();
  const [asProgram, setAsProgram] = useState(false);
  const [image, setImage] = useState(NO_IMAGE);
  const [problem, setProblem] = useState<ApiProblem>();
  const [place, setPlace] = useState<Place>();
  const [isBusy, setBusy] = useState(false);
  const drafts = useMemo(() => new DraftKeeper<NewDraft>("new"), []);
  const [isOpen, setOpen] = useState(false);
  const show = ({ kind: shown, ...draft }: NewDraft) => {
    setKind(TEMPLATES.find((each) => each.name === shown) ?? (shown as "files" | "image"));
    setTyped(draft.typed);
    setTexts(draft.texts);
    setImage(draft.image);
  };
  const isChanged =
    TEMPLATES.some((each) => (texts[each.name] ?? each.source) !== each.source) || image.image !== "";
  useEffect(() => {
    void drafts.open().then((own) => {
      if (own !== undefined) show(own.content);
      setOpen(true);
    });
    return () => void drafts.close();
  }, [drafts]);
  useEffect(() => {
    if (!isOpen) return;
    const draft = { kind: typeof kind === "string" ? kind : kind.name, texts, image };
    drafts.keep(isChanged ? { ...draft, ...(typed === undefined ? {} : { typed }) } : undefined);
  }, [isOpen, kind, typed, texts, image]);
  const take = (found: Chosen | undefined) => {
    if (found === undefined) return;
    setKind("files");
    setProblem(undefined);
    setFiles(found);
    setAsProgram(found.kind === "files" && isProgram(found.files));
  };
  useEffect(() => {
    const file = droppedFile.value;
    droppedFile.value = undefined;
    if (file !== undefined) void chosen([[file.name, file]]).then(take, showProblem);
    return acceptDrops((transfer) => void fromDrop(transfer).then(take, showProblem));
  }, []);

  const name = typed ?? freeName(suggestion(kind, files, image), taken);
  const text = typeof kind === "string" ? "" : (texts[kind.name] ?? kind.source);
  const isTaken = problem?.code === "precondition_failed";
  const fault = nameFault(name, taken) ?? (isTaken ? "There is a function with this name." : undefined);
  const ofName = isTaken || problem?.code === "invalid_name";
  const ofImage = problem !== undefined && OF_IMAGE.test(problem.code);
  const source = sourceOf();
  const file = typeof kind === "string" ? "" : kind.file;
  const faults = useMemo(() => faultsOf(problem, { [file]: { text: "" } }), [problem, file]);
  const marks = useMemo(() => marksOf(faults, file), [faults, file]);

  function sourceOf(): NewSource | undefined {
    if (kind === "files") return files && { kind: "chosen", chosen: files, isProgram: asProgram };
    if (kind === "image") return image.image.trim() === "" ? undefined : { kind, ...image };
    return { kind: "text", text, ...(kind.settings === undefined ? {} : { settings: kind.settings }) };
  }
  const deploy = async () => {
    if (source === undefined || isBusy) return;
    setProblem(undefined);
    setBusy(true);
    try {
      const { version } = await deployNew(name, source);
      drafts.keep(undefined);
      showDone(`${name} is live: version ${version} answers calls.`);
      go(`/functions/${name}`);
    } catch (error) {
      setProblem(asProblem(error));
    } finally {
      setBusy(false);
    }
  };
  const choose = (next: Kind) => {
    setKind(next);
    setProblem(undefined);
  };
  return (
    <Page title="New function" parent={{ href: "/", text: "Functions" }}>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void deploy();
        }}
      >
        <div class="new-name">
          <TextField
            {...{ label: "Name", value: name, mono: true, onChange: setTyped }}
            fault={ofName && fault === undefined ? problem.message : fault}
            hint={`Its address ends with /fn/${name}`}
          />
          <Button
            type="submit"
            kind="primary"
            disabled={
              !can("deploy") || isBusy || source === undefined || nameFault(name, taken) !== undefined
            }
            title={can("deploy") ? "Makes it live" : "Your key has no scope deploy"}
          >
            {isBusy ? "Deploying…" : "Deploy"}
          </Button>
        </div>
        <FoundDrafts
          {...{ drafts, isChanged, of: "new function" }}
          onRestore={(draft) => {
            show(draft.content);
            return drafts.adopt(draft);
          }}
          onDiscard={() => {
            setTyped(undefined);
            setTexts({});
            setImage(NO_IMAGE);
          }}
        />
        <Choices kind={kind} onChoose={choose} />
        {problem === undefined || ofName || (ofImage && kind === "image") ? null : (
          <FaultList
            {...{ problem, faults }}
            onJump={({ line, column }) =>
              line !== undefined && setPlace({ line, ...(column === undefined ? {} : { column }) })
            }
          />
        )}
        {kind === "files" ? (
          <FilesChoice chosen={files} onChosen={take} isProgram={asProgram} onProgram={setAsProgram} />
        ) : null}
        {kind === "image" ? (
          <ImageFields value={image} onChange={setImage} fault={ofImage ? problem.message : undefined} />
        ) : null}
        {typeof kind === "string" ? null : (
          <div class="new-source">
            <Editor
              {...{ value: text, file: kind.name, language: languageOf(kind.file), marks, goTo: place }}
              label={`Source of ${name}`}
              onChange={(changed) => setTexts((before) => ({ ...before, [kind.name]: changed }))}
              onSave={() => void deploy()}
            />
          </div>
        )}
      </form>
    </Page>
  );
}

interface ChoicesProps {
  readonly kind: Kind;
  readonly onChoose: (kind: Kind) => void;
}

function Choices({ kind, onChoose }: ChoicesProps) {
  const all: readonly [Kind, string, string][] = [
    ...TEMPLATES.map((each): [Kind, string, string] => [each, each.title, each.about]),
    ["files", "Your files", "A file, a folder, an archive"],
    ["image", "Image", "From a container registry"],
  ];
  return (
    <fieldset class="new-choices">
      <legend>Begin with</legend>
      {all.map(([each, title, about]) => (
        <button key={title} type="button" aria-pressed={each === kind} onClick={() => onChoose(each)}>
          <strong>{title}</strong>
          <span>{about}</span>
        </button>
      ))}
    </fieldset>
  );
}

function suggestion(kind: Kind, files: Chosen | undefined, { image }: ImageChoice): string {
  if (kind === "files") return files?.name.replace(/\.tar\.gz$/i, "") ?? "";
  if (kind === "image")
    return image
      .trim()
      .replace(/@.*$/, "")
      .replace(/:[^/]*$/, "")
      .split("/")
      .at(-1)!;
  return kind.name;
}

function acceptDrops(take: (transfer: DataTransfer) => void): () => void {
  const over = (event: DragEvent) => event.preventDefault();
  const drop = (event: DragEvent) => {
    event.preventDefault();
    if (event.dataTransfer !== null) take(event.dataTransfer);
  };
  addEventListener("dragover", over);
  addEventListener("drop", drop);
  return () => {
    removeEventListener("dragover", over);
    removeEventListener("drop", drop);
  };
}
