import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { encodeFiles } from "../../../client-image/project/project-pack.ts";
import type { ChosenStart } from "../../start-order.ts";
import { chooseCommand, type ProgramChoice, type ProgramFiles } from "./choose-command.ts";
import { type Adapters, chooseHandler } from "./choose-handler.ts";

/** Fast, as for projects: ConfigMaps compress again. */
const GZIP_LEVEL = 4;

export interface PackedProgram extends ProgramChoice {
  /** The files, encoded and gzipped. */
  readonly body: Uint8Array;
}

export interface ProgramOrder extends ProgramFiles {
  readonly start: ChosenStart;
  readonly adapters: Adapters;
}

/** Packs the files of a program, in a build worker. @throws Problem `invalid_source`, `invalid_setting` */
export async function packProgram({ start, adapters, ...program }: ProgramOrder): Promise<PackedProgram> {
  const { handler } = start;
  const { files, ...choice } =
    handler === undefined
      ? { files: program.files, ...chooseCommand(program, start) }
      : chooseHandler(program, handler, adapters);
  const encoded = Buffer.concat([...encodeFiles(files)]);
  const body = await promisify<Uint8Array, { level: number }, Buffer>(gzip)(encoded, { level: GZIP_LEVEL });
  return { ...choice, body };
}
