import type { VersionRecord } from "../../../platform/platform.ts";
import { defaultSettings } from "../../../platform/settings/settings.ts";
import { IMAGE_TYPE, readImageSource } from "../../../runtimes/image/image-artifact.ts";
import { SETTINGS_FILES } from "../../deploys/skiff-yaml.ts";
import { imageForManifest } from "../../files/image-text.ts";
import type { CommitId } from "../repository.ts";
import { groupTree } from "./group-trees.ts";
import { kindAt, manifestAt } from "./read-file-at.ts";
import { editSettings } from "./settings-file.ts";
import { executablesIn, versionFiles } from "./version-files.ts";
import { sizeOf, type TreePlace, textOf, type VersionTree, type WriterMeans } from "./version-tree.ts";

interface Manifest {
  readonly file: string;
  readonly text: string | undefined;
}

/** Makes trees of versions: their sources, and a `skiff.yaml` with their settings. */
export class VersionTrees {
  readonly #repository: string;
  readonly #isGroup: boolean;
  readonly #means: WriterMeans;
  /** The settings of the commit that was made last, which is not written yet. */
  #manifest: Manifest | undefined;

  constructor({ repository, isGroup }: { repository: string; isGroup: boolean }, means: WriterMeans) {
    this.#repository = repository;
    this.#isGroup = isGroup;
    this.#means = means;
  }

  /** Undefined for a version that was forgotten meanwhile. */
  async of(record: VersionRecord, place: TreePlace): Promise<VersionTree | undefined> {
    const { platform, limits } = this.#means;
    const { name, version, settings } = record;
    const { alike } = place;
    const source = await platform.readSource(name, version);
    if (source === undefined) return undefined;
    const image = source.type === IMAGE_TYPE ? imageForManifest(readImageSource(source)) : undefined;
    const read = () => versionFiles(source, settings, this.#means);
    if (this.#isGroup) {
      const options = { repository: this.#repository, record, place, image, source, files: await read() };
      return groupTree(options, this.#means);
    }
    const { path } = place.state;
    const base = { name, settings, base: defaultSettings(limits), limits, image };
    if (alike !== undefined) {
      const { file, text } = await this.#manifestAt(alike);
      const edited = await editSettings(text, base);
      if (edited !== undefined || text === undefined) {
        this.#manifest = { file, text: edited };
        const changed = edited === text ? new Map() : new Map([[file, Buffer.from(edited!)]]);
        return { path, treeOf: alike, files: changed, bytes: 0 };
      }
    }
    const files = new Map(await read());
    const own = SETTINGS_FILES.find((each) => files.has(each));
    const { file, text } = own
      ? { file: own, text: textOf(files.get(own)) }
      : (this.#manifest ?? (await this.#manifestAt(place.tip)));
    const edited = await editSettings(text, base);
    this.#manifest = { file, text: edited };
    if (edited === undefined) files.delete(file);
    else files.set(file, Buffer.from(edited));
    return { path, files, executables: executablesIn(files), bytes: sizeOf(files) };
  }

  /** Returns the tree with what a commit has of a function. */
  async again(
    record: VersionRecord,
    { state, tip, commit }: TreePlace & { readonly commit: CommitId },
  ): Promise<VersionTree | undefined> {
    this.#manifest = undefined;
    if (!this.#isGroup) return { path: state.path, treeOf: commit, files: new Map(), bytes: 0 };
    const { git, signal } = this.#means;
    const place = {
      repository: this.#repository,
      commit,
      path: state.path || ".",
      signal,
    };
    // The function may have been in another place then.
    const isThere = place.path !== "." && (await kindAt(git, place)) !== undefined;
    return await this.of(record, { state, tip, alike: isThere ? commit : undefined });
  }

  /** The tip has another manifest than that of the last tree. */
  forget(): void {
    this.#manifest = undefined;
  }

  async #manifestAt(commit: CommitId | null): Promise<Manifest> {
    const { git, signal } = this.#means;
    const at = { repository: this.#repository, signal };
    const found = commit === null ? undefined : await manifestAt(git, { ...at, commit }, SETTINGS_FILES);
    return { file: found?.file ?? SETTINGS_FILES[0]!, text: textOf(found?.bytes) };
  }
}
